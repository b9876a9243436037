//! The commands that are there for tests alone, under `enableTestCommands`.
//!
//! Owns those that have no other home. None of them exists on a server that was not started for tests.

mod api_versions;
#[cfg(test)]
mod tests;

use crate::registry::{Command, Run};

pub const COMMANDS: &[&Command] = &[
    &api_versions::TEST_DEPRECATION,
    &api_versions::TEST_DEPRECATION_IN_VERSION_2,
    &api_versions::TEST_REMOVAL,
    &api_versions::TEST_VERSION_2,
    &api_versions::TEST_VERSIONS_1_AND_2,
];

/// A command of this family.
const fn command(name: &'static str, help: &'static str, run: Run) -> Command {
    Command { for_tests: true, ..Command::new(name, help, run) }
}
