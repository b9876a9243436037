//! Collections that are stored nowhere: what this member knows, shown as documents.
//!
//! Owns the table of their names. They are read through every command that reads a view, and written
//! by none; their documents are made while they are asked for.

mod data_version;
pub(crate) mod oplog;
mod set_configuration;
mod transactions;

use crate::server::Context;
use quire_bson::RawDoc;
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
    Entry { database: oplog::DATABASE, collection: oplog::NAME, open: oplog::open },
    Entry { database: "local", collection: "system.replset", open: set_configuration::open },
    Entry { database: "config", collection: "transactions", open: transactions::open },
];

/// What a collection looks like to those who read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Documents in no order of their own, as those of a view.
    Set,
    /// A capped collection: its documents stand in an order, and readers may wait for more.
    Log,
}

/// How a query walks over documents.
#[derive(Clone, Copy, Debug)]
pub struct Walk<'a> {
    /// What is asked for. Documents that do not match may come all the same.
    pub filter: RawDoc<'a>,
    /// Against the order that a log has.
    pub backwards: bool,
}

type Begin = dyn Fn(&Walk<'_>) -> Box<dyn Maker> + Send + Sync;

/// A collection that is computed; it can be read as often as one likes.
pub struct Computed {
    shape: Shape,
    begin: Box<Begin>,
}

impl Computed {
    fn new<M: Maker + 'static>(
        shape: Shape,
        begin: impl Fn(&Walk<'_>) -> M + Send + Sync + 'static,
    ) -> Computed {
        Computed { shape, begin: Box::new(move |walk| Box::new(begin(walk))) }
    }

    /// A collection whose documents come from makers that all begin anew.
    fn from_makers<M: Maker + 'static>(maker: impl Fn() -> M + Send + Sync + 'static) -> Computed {
        Computed::new(Shape::Set, move |_| maker())
    }

    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Its documents, for one query.
    pub fn source(&self, walk: &Walk<'_>) -> Source {
        Source::Made(Made::by((self.begin)(walk)))
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
