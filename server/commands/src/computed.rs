//! Collections that are stored nowhere: what this member knows, shown as documents.
//!
//! Owns the table of their names. They are read through every command that reads a view, and written
//! by none; their documents are made while they are asked for.

mod data_version;
mod set_configuration;
mod transactions;

use crate::server::Context;
use quire_documents::Namespace;
use quire_execution::{Made, Maker, Source};
use std::fmt;

/// What stands under a name.
struct Entry {
    database: &'static str,
    collection: &'static str,
    /// `None` where there is no such thing, and the name is one like any other.
    open: fn(&Context<'_>) -> Option<Computed>,
}

const ALL: &[Entry] = &[
    Entry { database: "admin", collection: "system.version", open: data_version::open },
    Entry { database: "local", collection: "system.replset", open: set_configuration::open },
    Entry { database: "config", collection: "transactions", open: transactions::open },
];

/// A collection that is computed; it can be read as often as one likes.
pub struct Computed(Box<dyn Fn() -> Box<dyn Maker> + Send + Sync>);

impl Computed {
    /// A collection whose documents come from makers that all begin anew.
    fn from_makers<M: Maker + 'static>(maker: impl Fn() -> M + Send + Sync + 'static) -> Computed {
        Computed(Box::new(move || Box::new(maker())))
    }

    /// Its documents, for one query.
    pub fn source(&self) -> Source {
        Source::Made(Made::by(self.0()))
    }
}

impl fmt::Debug for Computed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Computed")
    }
}

/// What is computed under this name, if anything is.
pub fn find(context: &Context<'_>, asked: &Namespace) -> Option<Computed> {
    let (database, collection) = (asked.database(), asked.collection());
    let named = |entry: &&Entry| (entry.database, entry.collection) == (database, collection);
    ALL.iter().find(named).and_then(|entry| (entry.open)(context))
}
