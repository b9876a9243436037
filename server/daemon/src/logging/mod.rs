//! The log: mongod's structured lines, one JSON object each, written from `tracing` events.
//!
//! Owns the subscriber, the thread that writes, the file and its rotation, and the last lines kept
//! in memory for `getLog`. Never blocks a caller on a slow disk for longer than a queue operation:
//! when the queue is full, lines are dropped and counted, and the log says how many.
//!
//! How to write a line:
//!
//! ```text
//! tracing::info!(target: "NETWORK", id = 23016, ctx = "listener", port, "Waiting for connections");
//! ```
//!
//! | part | becomes | when left out |
//! |---|---|---|
//! | `target:` | `c`, when it is one of [`component::COMPONENTS`] | `-` |
//! | level | `s`: error E, warn W, info I, debug D1, trace D2 | |
//! | field `level` | `s`: D1 to D5 for that number; the event's own level must be debug or trace | |
//! | field `fatal = true` | `s`: F, on an error | |
//! | field `id` | `id` | 0 |
//! | field `ctx` | `ctx` | the task's [`context`], else the thread's name |
//! | field `tag` | `tags`; `startupWarnings` also goes to the log of that name | |
//! | field `json.NAME` | `attr.NAME` as nested JSON, when its text is JSON | |
//! | any other field | `attr.FIELD` | |
//! | message | `msg` | |
//!
//! Everything that comes from a client goes through a field, never into the message: fields are
//! escaped and cut at [`line::ATTRIBUTE_BYTES_MAX`] together.

mod component;
mod context;
mod file;
mod json;
mod layer;
mod line;
mod queue;
mod recent;
pub(crate) mod timestamp;
mod writer;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tracing_subscriber::layer::SubscriberExt as _;

pub(crate) use component::Component;
pub(crate) use context::in_context;
pub(crate) use file::{FileOptions, Rotation};
pub(crate) use recent::{Recent, RecentLog};

use component::Verbosities;
use layer::LineLayer;
use queue::Queue;
use recent::RecentLines;

/// Where the lines go.
#[derive(Debug, Clone)]
pub(crate) enum Destination {
    Stdout,
    File(FileOptions),
}

/// The running log.
pub(crate) struct Logging {
    queue: Arc<Queue>,
    verbosities: Arc<Verbosities>,
    recent: Arc<RecentLines>,
}

impl Logging {
    /// Opens the destination and starts the thread that writes to it.
    ///
    /// # Errors
    /// The file cannot be opened, or an old one cannot be moved aside.
    pub(crate) fn start(destination: Destination, verbosity: u8) -> io::Result<Arc<Self>> {
        let output = match destination {
            Destination::Stdout => writer::Output::Stdout(io::stdout()),
            Destination::File(options) => writer::Output::File(file::LogFile::open(options)?),
        };
        let queue = Arc::new(Queue::default());
        writer::start(Arc::clone(&queue), output)?;
        Ok(Arc::new(Self {
            queue,
            verbosities: Arc::new(Verbosities::new(verbosity)),
            recent: Arc::new(RecentLines::default()),
        }))
    }

    /// The subscriber that turns events into lines of this log.
    pub(crate) fn subscriber(&self) -> impl tracing::Subscriber + Send + Sync + use<> {
        tracing_subscriber::registry().with(LineLayer::new(
            Arc::clone(&self.queue),
            Arc::clone(&self.verbosities),
            Arc::clone(&self.recent),
        ))
    }

    /// Makes this the log of the whole process.
    ///
    /// # Errors
    /// There is one already.
    pub(crate) fn install(&self) -> Result<(), tracing::subscriber::SetGlobalDefaultError> {
        tracing::subscriber::set_global_default(self.subscriber())
    }

    /// Moves the file aside (or only opens it anew) once every line before this call is in it.
    ///
    /// # Errors
    /// The file cannot be moved or opened, or the disk does not answer in time.
    pub(crate) fn rotate(&self, patience: Duration) -> io::Result<()> {
        self.queue.rotate(patience)
    }

    /// Waits until every line before this call is written; false when the disk was too slow.
    pub(crate) fn flush(&self, patience: Duration) -> bool {
        self.queue.flush(patience)
    }

    /// How many lines were dropped because the disk was too slow.
    pub(crate) fn dropped(&self) -> u64 {
        self.queue.dropped()
    }

    /// The last lines, for `getLog`.
    pub(crate) fn recent(&self, log: RecentLog) -> Recent {
        self.recent.of(log)
    }

    /// Forgets what [`Logging::recent`] would give.
    pub(crate) fn forget_recent(&self, log: RecentLog) {
        self.recent.clear(log);
    }

    /// Sets the verbosity of everything that has none of its own.
    pub(crate) fn set_default_verbosity(&self, level: u8) {
        self.verbosities.set_default(level);
    }

    /// Gives a component a verbosity of its own, or none.
    pub(crate) fn set_verbosity(&self, component: Component, level: Option<u8>) {
        self.verbosities.set(component, level);
    }

    /// A component's own verbosity.
    #[cfg(test)]
    pub(crate) fn verbosity(&self, component: Component) -> Option<u8> {
        self.verbosities.own(component)
    }
}

#[cfg(test)]
mod tests;
