//! What a resting scan stands on, and whether it is still there.

use super::access::Leaf;
use quire_documents::{Catalog, Collection, CollectionId, IndexId, Layout, Namespace};
use quire_errors::{Code, CommandError, Result};
use std::sync::Arc;

/// The collection and indexes a scan was planned over.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    collection: CollectionId,
    namespace: Namespace,
    uuid: [u8; 16],
    indexes: Vec<(IndexId, String)>,
    /// Some index had arrays when the scan was planned.
    multikey: bool,
    /// Rows go by themselves, so the place a scan rests at may be lost.
    pub(super) evicts: bool,
    /// Rows are keyed by numbers, in the order of their insertion.
    pub(super) numbered: bool,
}

impl Ground {
    pub(super) fn of(collection: &Collection, leaves: &[Leaf]) -> Ground {
        let indexes = || {
            leaves.iter().filter_map(|leaf| match leaf {
                Leaf::Index { index, .. } => Some(index),
                Leaf::Rows { .. } | Leaf::Lookups { .. } => None,
            })
        };
        Ground {
            collection: collection.id,
            namespace: collection.namespace.clone(),
            uuid: collection.uuid,
            indexes: indexes().map(|index| (index.id, index.spec.name.clone())).collect(),
            multikey: indexes().any(|index| index.is_multikey()),
            evicts: collection.capped().is_some(),
            numbered: collection.layout == Layout::ByRevision,
        }
    }

    /// True when the first arrays came into an index after the scan was planned, so that it meets
    /// documents twice which it does not expect.
    pub(super) fn is_multikey_now(&self, catalog: &Catalog) -> bool {
        if self.multikey || self.indexes.is_empty() {
            return false;
        }
        let collection = catalog.collection(self.collection);
        let index = |id: &IndexId| collection.and_then(|collection| collection.index(*id));
        self.indexes.iter().filter_map(|(id, _)| index(id)).any(|index| index.is_multikey())
    }

    /// Fails with the words by which drivers know that a cursor's collection or index went away.
    pub(super) fn check(&self, catalog: &Catalog) -> Result<()> {
        let collection = find_again(catalog, self.collection, &self.namespace, self.uuid)?;
        match self.indexes.iter().find(|(id, _)| collection.index(*id).is_none()) {
            Some((_, name)) => Err(killed(format!("index '{name}' dropped"))),
            None => Ok(()),
        }
    }
}

/// The collection as a newer catalogue knows it, unless it is gone or has another name.
pub(crate) fn find_again<'c>(
    catalog: &'c Catalog,
    id: CollectionId,
    namespace: &Namespace,
    uuid: [u8; 16],
) -> Result<&'c Arc<Collection>> {
    let Some(collection) = catalog.collection(id) else {
        return Err(killed(format!("collection dropped. UUID {}", uuid_text(uuid))));
    };
    if collection.namespace != *namespace {
        return Err(killed(format!(
            "collection renamed from '{namespace}' to '{}'. UUID {}",
            collection.namespace,
            uuid_text(uuid)
        )));
    }
    Ok(collection)
}

fn killed(message: String) -> CommandError {
    CommandError::new(Code::QueryPlanKilled, message)
}

/// The usual form with four dashes.
fn uuid_text(uuid: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (n, byte) in uuid.iter().enumerate() {
        if matches!(n, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
