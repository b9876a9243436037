//! One index as the catalogue knows it, and what its specification says.
//!
//! Owns reading a specification for what storage and planning need of it. Whether the options are
//! ones a client may give is checked by the command, in its own words.

use super::collection::whole_number;
use crate::{CollectionId, IndexId};
use quire_bson::{DocBuf, RawDoc, RawValue};
use quire_collation::{Collation, Unavailable, ValueOrder};

/// The most fields an index may have; each takes one bit of a multikey mask.
pub const FIELDS_MAX: usize = 32;

/// The name of every index on `_id`.
const ON_ID: &str = "_id_";

/// How the values of one field are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldOrder {
    Ascending,
    Descending,
    /// Equality only, and no arrays. Kept as the value itself: nothing is gained by hashing it.
    Hashed,
    /// `text`, `2d`, `2dsphere` and wildcards: the index has no entries and queries read the rows.
    Special,
}

/// One field of an index's key pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexField {
    pub path: Box<str>,
    pub order: FieldOrder,
}

/// A specification as given, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexSpec {
    /// As `listIndexes` shows it.
    pub document: DocBuf,
    pub name: String,
    pub fields: Vec<IndexField>,
    pub unique: bool,
    /// New duplicates are refused though the index is not unique yet.
    pub prepare_unique: bool,
    pub sparse: bool,
    pub hidden: bool,
    pub partial_filter: Option<DocBuf>,
    pub expire_after_seconds: Option<i64>,
    /// The order of its values: that of bytes, or a collation's.
    pub order: ValueOrder,
}

/// Why a specification cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    #[error("the index specification has no name")]
    Name,
    #[error("the index specification has no key pattern")]
    Key,
    #[error("the key pattern has more than {FIELDS_MAX} fields")]
    Fields,
    #[error("the collation of the index is {0}")]
    Collation(#[from] Unavailable),
}

impl IndexSpec {
    pub fn parse(document: DocBuf) -> Result<IndexSpec, SpecError> {
        let raw = document.as_raw();
        let flag = |name: &str| raw.get(name).is_some_and(is_true);
        let nested = |name: &str| raw.get(name).and_then(RawValue::as_document);
        let name = raw.get("name").and_then(RawValue::as_str).ok_or(SpecError::Name)?;
        let pattern = nested("key").ok_or(SpecError::Key)?;
        Ok(IndexSpec {
            name: name.to_owned(),
            fields: parse_fields(pattern)?,
            // The index on `_id` is unique without saying so.
            unique: flag("unique") || name == ON_ID,
            prepare_unique: flag("prepareUnique"),
            sparse: flag("sparse"),
            hidden: flag("hidden"),
            partial_filter: nested("partialFilterExpression").map(DocBuf::from),
            expire_after_seconds: raw.get("expireAfterSeconds").and_then(whole_number),
            order: match nested("collation") {
                Some(collation) => ValueOrder::new(Collation::from_document(collation)?),
                None => ValueOrder::BYTES,
            },
            document,
        })
    }

    /// The specification of the index on `_id` that every collection has.
    pub fn on_id() -> IndexSpec {
        let mut builder = quire_bson::DocBuilder::new();
        builder.append_i32("v", 2);
        builder.append_with("key", |key| {
            key.append_i32("_id", 1);
        });
        builder.append_str("name", ON_ID);
        let fields = vec![IndexField { path: "_id".into(), order: FieldOrder::Ascending }];
        IndexSpec {
            document: builder.finish(),
            name: ON_ID.to_owned(),
            fields,
            unique: true,
            prepare_unique: false,
            sparse: false,
            hidden: false,
            partial_filter: None,
            expire_after_seconds: None,
            order: ValueOrder::BYTES,
        }
    }

    /// The index on `_id` of a collection with a collation, which is that of its `_id`s too.
    pub fn on_id_by(collation: RawDoc<'_>) -> Result<IndexSpec, SpecError> {
        let mut builder = quire_bson::DocBuilder::new();
        for element in IndexSpec::on_id().document.as_raw() {
            builder.append_element(element);
        }
        builder.append_doc("collation", collation);
        IndexSpec::parse(builder.finish())
    }

    /// The key pattern as given.
    pub fn key(&self) -> RawDoc<'_> {
        let key = self.document.as_raw().get("key").and_then(RawValue::as_document);
        key.unwrap_or(RawDoc::EMPTY)
    }
}

fn parse_fields(pattern: RawDoc<'_>) -> Result<Vec<IndexField>, SpecError> {
    let fields: Vec<IndexField> = pattern
        .iter()
        .map(|e| IndexField { path: e.key().into(), order: order_of(e.key(), e.value()) })
        .collect();
    match fields.len() {
        0 => Err(SpecError::Key),
        1..=FIELDS_MAX => Ok(fields),
        _ => Err(SpecError::Fields),
    }
}

fn order_of(path: &str, value: RawValue<'_>) -> FieldOrder {
    if path == "$**" || path.ends_with(".$**") {
        return FieldOrder::Special;
    }
    match value {
        RawValue::String("hashed") => FieldOrder::Hashed,
        RawValue::String(_) => FieldOrder::Special,
        RawValue::Double(x) if x < 0.0 => FieldOrder::Descending,
        RawValue::Int32(n) if n < 0 => FieldOrder::Descending,
        RawValue::Int64(n) if n < 0 => FieldOrder::Descending,
        // the sign bit of a decimal is the highest bit of its last byte
        RawValue::Decimal128([.., last]) if last & 0x80 != 0 => FieldOrder::Descending,
        _ => FieldOrder::Ascending,
    }
}

/// Flags may be given as booleans or numbers.
fn is_true(value: RawValue<'_>) -> bool {
    match value {
        RawValue::Boolean(flag) => flag,
        RawValue::Double(x) => x != 0.0,
        other => whole_number(other).is_some_and(|n| n != 0),
    }
}

/// How far an index has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexState {
    /// Writers maintain it; rows from before may be missing.
    Building,
    /// Complete: readers may use it.
    Ready,
}

/// Where the entries of an index are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexPlace {
    /// The rows are the index: they are keyed by `_id`.
    Rows,
    /// In keys of its own.
    Entries,
    /// Nowhere: see [`FieldOrder::Special`].
    Nowhere,
}

/// An index of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    pub id: IndexId,
    pub collection: CollectionId,
    pub spec: IndexSpec,
    pub state: IndexState,
    pub place: IndexPlace,
    /// One bit for each field, counted from the first: set once a document had an array on the
    /// field's path, and never cleared.
    pub multikey: u32,
}

impl Index {
    pub fn is_on_id(&self) -> bool {
        self.spec.name == ON_ID
    }

    pub fn is_multikey(&self) -> bool {
        self.multikey != 0
    }

    /// True when some document had an array on the path of the `n`-th field.
    pub fn is_field_multikey(&self, n: usize) -> bool {
        u32::try_from(n).is_ok_and(|n| self.multikey.checked_shr(n).is_some_and(|m| m & 1 == 1))
    }

    /// True when a reader may use the index: complete, not hidden, and with entries.
    pub fn is_usable(&self) -> bool {
        self.state == IndexState::Ready && !self.spec.hidden && self.place != IndexPlace::Nowhere
    }

    /// True when the index has entries of its own for writers to maintain.
    pub(crate) fn is_maintained(&self) -> bool {
        self.place == IndexPlace::Entries
    }
}
