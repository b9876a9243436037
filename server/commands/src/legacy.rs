//! Commands that only older versions have.

mod last_error;
mod nonce;
#[cfg(test)]
mod tests;

pub(crate) use last_error::{Outcome, note};

use crate::registry::Command;

pub const COMMANDS: &[&Command] = &[&last_error::GET, &last_error::RESET, &nonce::COMMAND];
