//! Write and read concerns: what a client wants to be sure of.
//!
//! Owns reading them, and carrying them out around a command: what a read waits for before it looks,
//! and what a write waits for after it is done. What no standalone can give, it refuses
//! ([`standalone`]).

mod defaults;
mod read;
mod standalone;
mod write;

pub use defaults::{
    Defaults, ID as DEFAULTS_ID, Origin, implicit_write_concern, namespace as defaults_namespace,
};
pub use read::{Level, ReadConcern};

use crate::generic::Generic;
use crate::registry::Command;
use crate::server::{Context, Server};
use quire_errors::{Code, CommandError, Result};
use quire_replset::write_concern::WriteConcern;

/// What one request asks for; nothing on a standalone, where every concern is met by itself.
#[derive(Debug, Default)]
pub struct Concerns {
    write: Option<WriteConcern>,
    read: ReadConcern,
}

impl Concerns {
    /// Reads the concerns of a request, and refuses what makes no sense for its command or here.
    pub fn read(server: &Server, command: &Command, generic: &Generic) -> Result<Concerns> {
        if generic.write_concern.is_some() && !command.takes_write_concern {
            return Err(CommandError::new(
                Code::InvalidOptions,
                format!("{} does not support writeConcern", command.name),
            ));
        }
        let write = generic.write_concern.as_ref().map(|concern| concern.as_raw());
        let read = generic.read_concern.as_ref().map(|concern| concern.as_raw());
        if server.replica_set.is_none() {
            write.map_or(Ok(()), standalone::check_write_concern)?;
            read.map_or(Ok(()), standalone::check_read_concern)?;
            return Ok(Concerns::default());
        }
        let write = write.map(WriteConcern::parse).transpose()?;
        let read = ReadConcern::of(server, command, read)?;
        Ok(Concerns { write, read })
    }

    /// Whether a command has to wait for something before it runs or after.
    pub fn need_waiting(&self, context: &Context<'_>, command: &Command) -> bool {
        self.read.needs_waiting() || context.server.replica_set.is_some() && command.is_write()
    }
}

/// Waits until this member may answer a read.
pub async fn before(context: &Context<'_>) -> Result<()> {
    match &context.server.replica_set {
        Some(set) => context.concerns.read.wait(set).await,
        None => Ok(()),
    }
}

/// Waits until a write has reached all that its client asks for. The error goes beside the results:
/// the write is done and stays.
pub async fn after(context: &Context<'_>, command: &Command) -> Result<()> {
    if context.injected.is_some_and(|injected| injected.write_concern_error().is_some()) {
        // The reply will say so whatever is true.
        return Ok(());
    }
    let set = context.server.replica_set.as_ref();
    match set.filter(|_| command.is_write() && command.takes_write_concern) {
        Some(set) => write::wait(context, set, context.concerns.write.as_ref()).await,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
