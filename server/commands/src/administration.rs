//! The commands that steer the server.

mod feature_version;
mod fsync;
mod kill_op;
mod log_rotate;
mod not_here;
mod profile;
mod set_parameter;
mod shutdown;
#[cfg(test)]
mod tests;

pub(crate) use fsync::Hold;

use crate::registry::Command;

pub const COMMANDS: &[&Command] = &[
    &feature_version::COMMAND,
    &fsync::FSYNC,
    &fsync::UNLOCK,
    &kill_op::COMMAND,
    &log_rotate::COMMAND,
    &not_here::CREATE_SEARCH_INDEXES,
    &not_here::DROP_SEARCH_INDEX,
    &not_here::LIST_SEARCH_INDEXES,
    &not_here::UPDATE_SEARCH_INDEX,
    &profile::COMMAND,
    &set_parameter::COMMAND,
    &shutdown::COMMAND,
];
