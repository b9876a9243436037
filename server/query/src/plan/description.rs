//! What the planner knows of an index.

use crate::filter::Filter;
use crate::path::FieldPath;
use quire_bson::{Number, RawDoc, RawValue};
use quire_collation::ValueOrder;
use std::cmp::Ordering;

/// An index that a plan may use.
#[derive(Clone, Debug)]
pub struct IndexDescription {
    pub name: String,
    pub fields: Vec<IndexField>,
    pub unique: bool,
    /// Documents without any of the fields are not in the index.
    pub sparse: bool,
    /// Never used, not even with a hint.
    pub hidden: bool,
    /// One bit per field, from the first: some document has an array on the field's path.
    pub multikey: u32,
    /// Only documents that match are in the index.
    pub partial: Option<Filter>,
    /// The order of its values.
    pub order: ValueOrder,
}

/// One field of an index's key pattern.
#[derive(Clone, Debug)]
pub struct IndexField {
    pub path: FieldPath,
    pub order: FieldOrder,
}

/// How the values of a field are ordered in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldOrder {
    Ascending,
    Descending,
    /// Serves equality only.
    Hashed,
    /// Text, geometry, wildcards: the planner has no use for it.
    Special,
}

impl IndexDescription {
    /// An index as its key pattern says, without options.
    pub fn new(name: &str, key: RawDoc<'_>) -> IndexDescription {
        let fields = key
            .iter()
            .map(|element| IndexField {
                path: FieldPath::new(element.key()),
                order: order_of(element.key(), element.value()),
            })
            .collect();
        IndexDescription {
            name: name.to_owned(),
            fields,
            unique: false,
            sparse: false,
            hidden: false,
            multikey: 0,
            partial: None,
            order: ValueOrder::BYTES,
        }
    }

    /// Whether some document has an array on the path of the `n`-th field.
    pub fn is_multikey(&self, n: usize) -> bool {
        u32::try_from(n).ok().and_then(|n| self.multikey.checked_shr(n)).is_some_and(|m| m & 1 == 1)
    }

    pub(crate) fn is_special(&self) -> bool {
        self.fields.iter().any(|field| field.order == FieldOrder::Special)
    }

    /// Whether a hint's key pattern means this index.
    pub(crate) fn has_pattern(&self, pattern: RawDoc<'_>) -> bool {
        pattern.count() == self.fields.len()
            && pattern.iter().zip(&self.fields).all(|(element, field)| {
                element.key() == field.path.as_str()
                    && order_of(element.key(), element.value()) == field.order
            })
    }
}

fn order_of(path: &str, value: RawValue<'_>) -> FieldOrder {
    if path == "$**" || path.ends_with(".$**") {
        return FieldOrder::Special;
    }
    match value {
        RawValue::String("hashed") => FieldOrder::Hashed,
        RawValue::Boolean(_) => FieldOrder::Ascending,
        _ => match Number::from_raw(value).map(|n| n.compare(Number::Int32(0))) {
            Some(Ordering::Less) => FieldOrder::Descending,
            Some(_) => FieldOrder::Ascending,
            None => FieldOrder::Special,
        },
    }
}
