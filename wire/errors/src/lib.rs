//! The error contract that clients read: codes, their names, and the error value that carries them.
//!
//! Owns the table of codes and [`CommandError`]. Knows no sockets, no commands and no storage, so
//! every layer above the bytes may use it. Storage results are mapped to it in one place, in
//! `server/commands`.

mod code;
mod command_error;

pub use code::Code;
pub use command_error::{CommandError, Result};
