//! The commands that steer the server.

mod fsync;
mod kill_op;
mod log_rotate;
mod not_here;
mod profile;
mod set_parameter;
mod shutdown;
#[cfg(test)]
mod tests;

use crate::registry::Command;

pub const COMMANDS: &[&Command] = &[
    &fsync::FSYNC,
    &fsync::UNLOCK,
    &kill_op::COMMAND,
    &log_rotate::COMMAND,
    &not_here::CREATE_SEARCH_INDEXES,
    &not_here::DROP_SEARCH_INDEX,
    &not_here::GET_DEFAULT_CONCERNS,
    &not_here::LIST_SEARCH_INDEXES,
    &not_here::NOTE_IN_OPLOG,
    &not_here::REPLICA_SET_ABORT_CATCH_UP,
    &not_here::REPLICA_SET_CONFIG,
    &not_here::REPLICA_SET_FREEZE,
    &not_here::REPLICA_SET_INITIATE,
    &not_here::REPLICA_SET_MAINTENANCE,
    &not_here::REPLICA_SET_RECONFIG,
    &not_here::REPLICA_SET_RESIZE_OPLOG,
    &not_here::REPLICA_SET_STATUS,
    &not_here::REPLICA_SET_STEP_DOWN,
    &not_here::REPLICA_SET_STEP_UP,
    &not_here::REPLICA_SET_SYNC_FROM,
    &not_here::SET_DEFAULT_CONCERNS,
    &not_here::UPDATE_SEARCH_INDEX,
    &profile::COMMAND,
    &set_parameter::COMMAND,
    &shutdown::COMMAND,
];
