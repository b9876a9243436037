//! The commands that are there for tests alone, under `enableTestCommands`.
//!
//! Owns those that have no other home. None of them exists on a server that was not started for tests.

mod api_versions;
mod cap_trunc;
mod clear_log;
mod configure_fail_point;
#[cfg(test)]
mod fail_point_tests;
mod god_insert;
mod is_self;
mod object_id;
mod session_cache;
mod sleep;
#[cfg(test)]
mod tests;
mod wait_for_fail_point;

use crate::registry::{Command, Run};

pub const COMMANDS: &[&Command] = &[
    &api_versions::TEST_DEPRECATION,
    &api_versions::TEST_DEPRECATION_IN_VERSION_2,
    &api_versions::TEST_REMOVAL,
    &api_versions::TEST_VERSION_2,
    &api_versions::TEST_VERSIONS_1_AND_2,
    &cap_trunc::COMMAND,
    &clear_log::COMMAND,
    &configure_fail_point::COMMAND,
    &god_insert::COMMAND,
    &is_self::COMMAND,
    &object_id::COMMAND,
    &session_cache::REAP,
    &session_cache::REFRESH,
    &sleep::COMMAND,
    &wait_for_fail_point::COMMAND,
];

/// A command of this family.
const fn command(name: &'static str, help: &'static str, run: Run) -> Command {
    Command { for_tests: true, ..Command::new(name, help, run) }
}
