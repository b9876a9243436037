//! Write and read concerns: what a client wants to be sure of.
//!
//! Owns reading them, and carrying them out around a command: what a read waits for before it looks,
//! and what a write waits for after it is done. What no standalone can give, it refuses
//! ([`standalone`]).

mod defaults;
mod moment;
mod read;
mod standalone;
mod write;

pub use defaults::{
    Defaults, ID as DEFAULTS_ID, Origin, implicit_write_concern, namespace as defaults_namespace,
};
pub use read::{Level, ReadConcern};

pub use moment::too_old;

use crate::generic::Generic;
use crate::registry::Command;
use crate::server::{Context, Server};
use quire_errors::{Code, CommandError, Result};
use quire_execution::{Moment, Patience};
use quire_replset::write_concern::WriteConcern;
use std::sync::{Arc, OnceLock};

/// What one request asks for; nothing on a standalone, where every concern is met by itself.
#[derive(Default)]
pub struct Concerns {
    write: Option<write::Chosen>,
    patience: Patience,
    read: ReadConcern,
    /// The moment whose state the command reads; chosen before it runs, or by its cursor.
    moment: OnceLock<Arc<Moment>>,
}

impl Concerns {
    /// Reads the concerns of a request, and refuses what makes no sense for its command or here.
    pub fn read(
        server: &Server,
        command: &Command,
        generic: &Generic,
        is_write: bool,
    ) -> Result<Concerns> {
        if generic.write_concern.is_some() && !command.takes_write_concern {
            return Err(CommandError::new(
                Code::InvalidOptions,
                "Command does not support writeConcern",
            ));
        }
        let write = generic.write_concern.as_ref().map(|concern| concern.as_raw());
        let read = generic.read_concern.as_ref().map(|concern| concern.as_raw());
        let Some(set) = &server.replica_set else {
            write.map_or(Ok(()), standalone::check_write_concern)?;
            read.map_or(Ok(()), standalone::check_read_concern)?;
            return Ok(Concerns::default());
        };
        let given = write.map(WriteConcern::parse).transpose()?;
        let write = match is_write && command.takes_write_concern {
            true => write::choose(server, set, given)?,
            false => None,
        };
        let patience = write.as_ref().map(|chosen| chosen.patience(server)).unwrap_or_default();
        let read = ReadConcern::of(server, command, read)?;
        Ok(Concerns { write, patience, read, moment: OnceLock::new() })
    }

    /// How long the command waits for what it writes.
    pub fn patience(&self) -> &Patience {
        &self.patience
    }

    /// The moment that is read; `None` where the state of now is.
    pub fn moment(&self) -> Option<&Arc<Moment>> {
        self.moment.get()
    }

    /// What the reader asks for, or the default of the set.
    pub fn level(&self) -> Option<Level> {
        self.read.level
    }

    /// Goes on at the moment where a cursor was opened.
    pub fn stay_at(&self, moment: Option<Arc<Moment>>) {
        if let Some(moment) = moment {
            let _ = self.moment.set(moment);
        }
    }

    /// Whether a command has to wait for something before it runs or after.
    pub fn need_waiting(&self, context: &Context<'_>) -> bool {
        let is_write = context.operation.is_write;
        self.read.needs_waiting() || context.server.replica_set.is_some() && is_write
    }
}

/// Waits until this member may answer a read.
pub async fn before(context: &Context<'_>) -> Result<()> {
    let Some(set) = &context.server.replica_set else { return Ok(()) };
    let read = context.concerns.read;
    read.wait(set).await?;
    if read.is_of_moment() {
        let moment = moment::choose(context.server, set, read.at()).await?;
        context.concerns.stay_at(Some(moment));
    }
    Ok(())
}

/// What a command leaves to be waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Something may be written.
    Writes,
    /// It failed before it wrote: its concern can only be told to be impossible.
    Nothing,
}

/// Waits until a write has reached all that its client asks for. The error goes beside the results:
/// the write is done and stays, unless it ran out of patience before its commit.
pub async fn after(context: &Context<'_>, left: Left) -> Result<()> {
    if context.injected.is_some_and(|injected| injected.write_concern_error().is_some()) {
        // The reply will say so whatever is true.
        return Ok(());
    }
    let Concerns { write, patience, .. } = context.concerns;
    match context.server.replica_set.as_ref().zip(write.as_ref()) {
        Some((set, chosen)) => chosen.wait(set, patience, left).await,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
