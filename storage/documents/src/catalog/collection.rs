//! One collection or view as the catalogue knows it.

use super::{Index, IndexState};
use crate::codec::Malformed;
use crate::{CollectionId, IndexId, Namespace};
use quire_bson::{DocBuf, RawDoc, RawValue};
use quire_collation::{Collation, ValueOrder};
use quire_log::Timestamp;
use std::sync::Arc;

/// How the rows of a collection are keyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// By the encoded `_id`; the index on `_id` is the rows themselves.
    ById,
    /// By the revision that inserted the row, so that their order is the order of insertion. For
    /// capped collections, and for those with a collation, by which `_id`s may be equal whose bytes
    /// are not.
    ByRevision,
    /// There are none: a view.
    View,
}

impl Layout {
    pub(crate) fn tag(self) -> u8 {
        match self {
            Layout::ById => 0,
            Layout::ByRevision => 1,
            Layout::View => 2,
        }
    }

    pub(crate) fn from_tag(tag: u8) -> Result<Layout, Malformed> {
        match tag {
            0 => Ok(Layout::ById),
            1 => Ok(Layout::ByRevision),
            2 => Ok(Layout::View),
            unknown => Err(Malformed::Tag(unknown)),
        }
    }
}

/// The bounds of a capped collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capped {
    pub bytes_max: i64,
    pub documents_max: Option<i64>,
}

/// A collection or view. `options` are kept as given to `create`, so that `listCollections` can show
/// them again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collection {
    pub id: CollectionId,
    pub namespace: Namespace,
    pub uuid: [u8; 16],
    pub options: DocBuf,
    pub layout: Layout,
    /// Grows with every change to this collection's entry in the catalogue: a plan made under
    /// another version does not hold.
    pub version: u64,
    /// The index on `_id` first, the others in the order of their creation.
    pub indexes: Vec<Arc<Index>>,
}

impl Collection {
    pub fn is_view(&self) -> bool {
        self.layout == Layout::View
    }

    pub fn option(&self, name: &str) -> Option<RawValue<'_>> {
        self.options.as_raw().get(name)
    }

    /// The bounds of a capped collection, `None` for any other.
    pub fn capped(&self) -> Option<Capped> {
        self.option("capped").and_then(RawValue::as_bool).filter(|capped| *capped)?;
        let bytes_max = self.option("size").and_then(whole_number).unwrap_or(i64::MAX);
        let documents_max = self.option("max").and_then(whole_number).filter(|max| *max > 0);
        Some(Capped { bytes_max, documents_max })
    }

    /// The order in which queries and indexes compare that ask for none.
    pub fn order(&self) -> ValueOrder {
        match self.id_index() {
            Some(index) => index.spec.order.clone(),
            None => {
                let own = self.option("collation").and_then(RawValue::as_document);
                let own = own.and_then(|own| Collation::from_document(own).ok().flatten());
                ValueOrder::new(own)
            }
        }
    }

    /// The index on `_id`; views have none.
    pub fn id_index(&self) -> Option<&Arc<Index>> {
        self.indexes.first().filter(|index| index.is_on_id())
    }

    pub fn index(&self, id: IndexId) -> Option<&Arc<Index>> {
        self.indexes.iter().find(|index| index.id == id)
    }

    pub fn index_by_name(&self, name: &str) -> Option<&Arc<Index>> {
        self.indexes.iter().find(|index| index.spec.name == name)
    }

    /// The indexes whose builds are complete.
    pub fn ready_indexes(&self) -> impl Iterator<Item = &Arc<Index>> {
        self.indexes.iter().filter(|index| index.state == IndexState::Ready)
    }

    /// The key under which a new document's row is stored.
    pub fn row_key(&self, doc: RawDoc<'_>, revision: Timestamp) -> Vec<u8> {
        match self.layout {
            Layout::ById | Layout::View => id_row_key(doc.get("_id").unwrap_or(RawValue::Null)),
            Layout::ByRevision => revision.0.to_be_bytes().to_vec(),
        }
    }
}

/// The row key of a document with this `_id` in a collection laid out by `_id`.
pub fn id_row_key(id: RawValue<'_>) -> Vec<u8> {
    let mut key = Vec::with_capacity(16);
    quire_keys::encode_value(&mut key, id);
    key
}

/// A number from options, where drivers send any numeric type.
pub(super) fn whole_number(value: RawValue<'_>) -> Option<i64> {
    match value {
        RawValue::Int32(n) => Some(i64::from(n)),
        RawValue::Int64(n) => Some(n),
        RawValue::Double(x) if x.is_finite() => Some(x as i64),
        _ => None,
    }
}
