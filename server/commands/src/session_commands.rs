//! The commands about logical sessions.

mod end;
mod kill;
mod patterns;
mod start;
#[cfg(test)]
mod tests;

use crate::registry::Command;

pub const COMMANDS: &[&Command] = &[
    &end::COMMAND,
    &kill::KILL_SESSIONS,
    &kill::KILL_ALL_SESSIONS,
    &kill::KILL_BY_PATTERN,
    &start::START,
    &start::REFRESH,
];
