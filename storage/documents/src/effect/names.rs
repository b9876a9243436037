//! What the collections and indexes of an entry were called when it was planned.
//!
//! Owns a part of the entry that is for the oplog's readers alone. Effects go by ids, which stay when
//! names change; whoever reads an entry long after it was applied could not tell otherwise what a
//! dropped collection had been. Applying does not look at it.

use super::Malformed;
use crate::codec::{Reader, Writer};
use crate::{Catalog, CollectionId, Effect, IndexId, Namespace};
use quire_bson::DocBuf;

/// One collection, as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionName {
    pub id: CollectionId,
    pub uuid: [u8; 16],
    pub namespace: Namespace,
}

/// The names behind the ids of one entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Each collection that is not created by the entry itself.
    pub collections: Vec<CollectionName>,
    /// The specifications of indexes that are dropped.
    pub indexes: Vec<(IndexId, DocBuf)>,
}

/// A collection takes its id, its UUID and two lengths at least; an index its id and a document.
const COLLECTION_BYTES_LEAST: usize = 22;
const INDEX_BYTES_LEAST: usize = 9;

impl Names {
    /// Those that stand in the catalogue behind the ids of these effects.
    pub fn of(effects: &[Effect], catalog: &Catalog) -> Names {
        let mut names = Names::default();
        for effect in effects {
            for id in [effect.collection(), effect.other_collection()].into_iter().flatten() {
                names.add(catalog, id);
            }
            if let Effect::DropIndex { collection, index } = effect
                && let Some(index) = catalog.collection(*collection).and_then(|c| c.index(*index))
            {
                names.indexes.push((index.id, index.spec.document.clone()));
            }
        }
        names
    }

    fn add(&mut self, catalog: &Catalog, id: CollectionId) {
        // An entry is about one collection nearly always, and about few in any case.
        if self.collection(id).is_some() {
            return;
        }
        if let Some(known) = catalog.collection(id) {
            let (uuid, namespace) = (known.uuid, known.namespace.clone());
            self.collections.push(CollectionName { id, uuid, namespace });
        }
    }

    pub fn collection(&self, id: CollectionId) -> Option<&CollectionName> {
        self.collections.iter().find(|known| known.id == id)
    }

    pub fn index(&self, id: IndexId) -> Option<&DocBuf> {
        self.indexes.iter().find(|(known, _)| *known == id).map(|(_, spec)| spec)
    }

    pub(super) fn encoded_bytes(&self) -> usize {
        let collection = |known: &CollectionName| {
            let text = known.namespace.database().len() + known.namespace.collection().len();
            COLLECTION_BYTES_LEAST + text
        };
        let index = |(_, spec): &(IndexId, DocBuf)| 4 + spec.as_bytes().len();
        let collections: usize = self.collections.iter().map(collection).sum();
        2 + collections + self.indexes.iter().map(index).sum::<usize>()
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.len(self.collections.len());
        for CollectionName { id, uuid, namespace } in &self.collections {
            out.collection(*id);
            out.raw(uuid);
            out.namespace(namespace);
        }
        out.len(self.indexes.len());
        for (id, spec) in &self.indexes {
            out.index(*id);
            out.doc(spec);
        }
    }

    pub(super) fn read(input: &mut Reader<'_>) -> Result<Names, Malformed> {
        let count = input.count(COLLECTION_BYTES_LEAST)?;
        let collection = |input: &mut Reader<'_>| {
            let (id, uuid) = (input.collection()?, input.array()?);
            Ok(CollectionName { id, uuid, namespace: input.namespace()? })
        };
        let collections =
            (0..count).map(|_| collection(input)).collect::<Result<Vec<_>, Malformed>>()?;
        let count = input.count(INDEX_BYTES_LEAST)?;
        let index = |input: &mut Reader<'_>| Ok((input.index()?, input.doc()?));
        let indexes = (0..count).map(|_| index(input)).collect::<Result<Vec<_>, Malformed>>()?;
        Ok(Names { collections, indexes })
    }
}
