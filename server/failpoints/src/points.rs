//! The points there are, one file each, and what several of them read.

pub mod disable_stapling;
pub mod fail_command;
pub mod fail_get_more_after_cursor_checkout;
pub mod max_time_always_time_out;
pub mod max_time_never_time_out;
pub mod on_primary_transactional_write;
pub mod quire_client_bytes;
pub mod quire_disk;
pub mod quire_election;
pub mod quire_fail_apply;
pub mod quire_peer_traffic;
pub mod rs_sync_apply_stop;
pub mod stepdown_hang;
pub mod stop_repl_producer;

use crate::fields::Fields;
use quire_errors::{Code, CommandError, Result};

/// The `errorCode` that several points take.
fn error_code(fields: &mut Fields<'_>) -> Result<Option<Code>> {
    code(fields, "errorCode")
}

/// A code in a field of its own.
fn code(fields: &mut Fields<'_>, name: &str) -> Result<Option<Code>> {
    let Some(number) = fields.whole_number(name)? else { return Ok(None) };
    match i32::try_from(number) {
        // Zero says that all is well.
        Ok(number) if number != 0 => Ok(Some(Code::from_number(number))),
        _ => Err(CommandError::bad_value(format!("{number} is not an error code"))),
    }
}
