//! `local.oplog.rs`: the log of a replica set's member, as MongoDB's oplog shows it.
//!
//! Owns what can be asked of it: entries from the oldest that is kept to the newest that is applied,
//! in their order or against it, and whoever tails it waits for the next. It is read from the log
//! piece by piece; nobody writes to it but by writing elsewhere.

mod bounds;
mod shown;
#[cfg(test)]
mod tests;
mod walk;

use super::{Computed, Shape, Walk};
use crate::server::{Context, Server};
use bounds::Bounds;
use quire_bson::{DocBuf, doc};
use quire_consensus::Retention;
use walk::{Direction, Walker};

pub const DATABASE: &str = "local";
pub const NAME: &str = "oplog.rs";

pub fn open(context: &Context<'_>) -> Option<Computed> {
    context.server.replica_set.as_ref()?;
    let log = context.server.sequencer.replica().log().clone();
    let begin = move |walk: &Walk<'_>| {
        let direction = if walk.backwards { Direction::Backward } else { Direction::Forward };
        Walker::new(log.clone(), Bounds::of(walk.filter), direction)
    };
    Some(Computed::new(Shape::Log, begin))
}

/// The oplog as `listCollections` and `collStats` tell of it.
pub struct Figures {
    pub bytes: u64,
    pub entries: u64,
    pub bytes_max: u64,
}

/// `None` on a node that has no oplog.
pub fn figures(server: &Server) -> Option<Figures> {
    server.replica_set.as_ref()?;
    let replica = server.sequencer.replica();
    let log = replica.log();
    let (first, last) = (log.first_index(), log.last_index());
    let bytes = log.bytes_from(first);
    Some(Figures {
        bytes,
        entries: last.0.saturating_add(1).saturating_sub(first.0),
        bytes_max: match replica.retention() {
            Retention::Size { bytes, .. } => bytes,
            // A count of entries (`quireLogRetainEntries`) says nothing of bytes: it is as large as it is.
            Retention::Entries(_) => bytes,
        },
    })
}

impl Figures {
    /// The element of `listCollections`.
    pub fn listed(&self, name_only: bool) -> DocBuf {
        let mut listed = doc! { "name": NAME, "type": "collection" };
        if !name_only {
            let size = i64::try_from(self.bytes_max).unwrap_or(i64::MAX);
            listed.insert("options", doc! { "capped": true, "size": size, "autoIndexId": false });
            listed.insert("info", doc! { "readOnly": false });
        }
        DocBuf::from(&listed)
    }
}
