//! Which databases, collections and indexes there are.
//!
//! Owns an immutable picture of them. A change makes a new picture that shares everything it did not
//! touch, so a reader keeps the one that belongs to its snapshot for as long as it likes. Databases
//! exist while they hold a collection.
//!
//! Knows no engine: `record` turns one collection into bytes, the state machine writes them.

mod change;
mod collection;
mod index;
mod record;
#[cfg(test)]
mod tests;

pub use change::Refused;
pub use collection::{Capped, Collection, Layout, id_row_key};
pub use index::{
    FIELDS_MAX, FieldOrder, Index, IndexField, IndexPlace, IndexSpec, IndexState, SpecError,
};

use crate::{CollectionId, IndexId, Namespace};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All databases and collections at one point of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    databases: BTreeMap<Box<str>, Arc<Database>>,
    names: BTreeMap<CollectionId, Namespace>,
    ids: NextIds,
}

/// The collections of one database in the order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Database {
    collections: BTreeMap<Box<str>, Arc<Collection>>,
}

/// The ids that have never been given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextIds {
    pub collection: CollectionId,
    pub index: IndexId,
}

impl Default for NextIds {
    fn default() -> NextIds {
        NextIds { collection: CollectionId(1), index: IndexId(1) }
    }
}

impl Catalog {
    /// The collection or view of this name.
    pub fn find(&self, namespace: &Namespace) -> Option<&Arc<Collection>> {
        self.find_by_name(namespace.database(), namespace.collection())
    }

    /// [`Catalog::find`] for names that were not checked.
    pub fn find_by_name(&self, database: &str, collection: &str) -> Option<&Arc<Collection>> {
        self.databases.get(database)?.collections.get(collection)
    }

    pub fn collection(&self, id: CollectionId) -> Option<&Arc<Collection>> {
        self.find(self.names.get(&id)?)
    }

    /// The names of the databases, in order.
    pub fn databases(&self) -> impl Iterator<Item = &str> {
        self.databases.keys().map(AsRef::as_ref)
    }

    pub fn has_database(&self, name: &str) -> bool {
        self.databases.contains_key(name)
    }

    /// A database whose name differs from `name` in case only; both may not exist.
    pub fn database_in_other_case(&self, name: &str) -> Option<&str> {
        self.databases().find(|other| *other != name && other.eq_ignore_ascii_case(name))
    }

    /// The collections and views of a database in the order of their names.
    pub fn collections_of(&self, database: &str) -> impl Iterator<Item = &Arc<Collection>> {
        self.databases.get(database).into_iter().flat_map(|db| db.collections.values())
    }

    /// All collections and views in the order of their ids.
    pub fn collections(&self) -> impl Iterator<Item = &Arc<Collection>> {
        self.names.values().filter_map(|namespace| self.find(namespace))
    }

    /// The ids to give to the next collection and index.
    pub fn next_ids(&self) -> NextIds {
        self.ids
    }

    fn insert(&mut self, collection: Arc<Collection>) {
        let namespace = collection.namespace.clone();
        let database = self.databases.entry(namespace.database().into()).or_default();
        self.names.insert(collection.id, namespace.clone());
        Arc::make_mut(database).collections.insert(namespace.collection().into(), collection);
    }

    fn remove(&mut self, id: CollectionId) -> Option<Arc<Collection>> {
        let namespace = self.names.remove(&id)?;
        let database = Arc::make_mut(self.databases.get_mut(namespace.database())?);
        let removed = database.collections.remove(namespace.collection());
        if database.collections.is_empty() {
            self.databases.remove(namespace.database());
        }
        removed
    }
}
