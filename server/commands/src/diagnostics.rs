//! The commands that tell about the server.

mod build_info;
mod connection_status;
mod current_op;
mod db_hash;
mod features;
mod get_cmd_line_opts;
mod get_diagnostic_data;
mod get_log;
mod get_parameter;
mod host_info;
mod list_commands;
mod server_status;
#[cfg(test)]
mod tests;
mod top;
mod whats_my_uri;

use crate::registry::Command;

pub const COMMANDS: &[&Command] = &[
    &build_info::COMMAND,
    &connection_status::COMMAND,
    &current_op::COMMAND,
    &db_hash::COMMAND,
    &features::COMMAND,
    &get_cmd_line_opts::COMMAND,
    &get_diagnostic_data::COMMAND,
    &get_log::COMMAND,
    &get_parameter::COMMAND,
    &host_info::COMMAND,
    &list_commands::COMMAND,
    &server_status::COMMAND,
    &top::COMMAND,
    &whats_my_uri::COMMAND,
];
