//! Choosing how to find the documents of a filter: a pure function of filter, sort and indexes.
//!
//! Owns the plan. A plan says which keys to visit; the filter is checked on every document it leads
//! to, so bounds may hold too much but never too little. There are no statistics: the choice follows
//! fixed rules, best first (see [`choose::Rank`]). Collections are clustered by `_id` unless told otherwise,
//! so conditions on `_id` are served by the rows themselves.

mod bounds;
mod candidate;
mod choose;
mod description;
mod hint;
mod implied;
mod interval;
mod order;
mod ranges;
mod scan;
mod show;

pub use choose::choose;
pub use description::{FieldOrder, IndexDescription, IndexField};
pub use hint::Hint;

use interval::Intervals;
use quire_bson::{DocBuf, RawDoc};
use quire_collation::ValueOrder;
use quire_keys::Range;

/// How to find the documents of a query.
#[derive(Clone, Debug)]
pub struct Plan {
    pub access: Access,
    /// The documents come in the order of the sort.
    pub provides_sort: bool,
}

/// Where to look. Ranges are in key order and do not overlap; a backwards scan takes the last one
/// first, each from its end.
#[derive(Clone, Debug)]
pub enum Access {
    /// No document can match.
    Nothing,
    /// All rows in their own order.
    Rows {
        backwards: bool,
    },
    /// The rows with these keys (encoded `_id`s), ascending.
    RowLookups {
        keys: Vec<Vec<u8>>,
        backwards: bool,
        bounds: Bounds,
    },
    /// The rows in these ranges of keys.
    RowRanges {
        ranges: Vec<Range>,
        backwards: bool,
        bounds: Bounds,
    },
    Index(IndexScan),
    /// What any of these finds, each document once.
    Union(Vec<Access>),
}

/// A scan of one index.
#[derive(Clone, Debug)]
pub struct IndexScan {
    /// The position in the list of indexes that was given.
    pub index: usize,
    /// Relative to the index: they begin with the first field's bytes. Unbounded ends are the ends
    /// of the index.
    pub ranges: Vec<Range>,
    pub backwards: bool,
    /// A document may be found more than once; only its first finding counts.
    pub repeats: bool,
    pub bounds: Bounds,
}

/// The values that a scan visits, kept for explain.
#[derive(Clone, Debug)]
pub struct Bounds {
    fields: Vec<(String, FieldOrder, Intervals)>,
    backwards: bool,
    /// Strings are a collation's keys.
    collated: bool,
}

impl Bounds {
    /// Explain's `indexBounds`.
    pub fn to_bson(&self) -> DocBuf {
        let fields = self.fields.iter();
        let fields = fields.map(|(path, order, set)| (path.as_str(), *order, set));
        show::bounds(fields, self.backwards, self.collated)
    }
}

/// What a plan depends on besides filter, sort and indexes.
#[derive(Clone, Debug)]
pub struct PlanOptions<'a> {
    /// For error messages: `db.collection`.
    pub namespace: &'a str,
    /// Rows are keyed by `_id`; otherwise by insertion, and `_id_` is among the indexes.
    pub clustered: bool,
    pub hint: Option<&'a Hint>,
    pub min: Option<RawDoc<'a>>,
    pub max: Option<RawDoc<'a>>,
    /// The query stops after some documents, so finding them in order is worth more.
    pub limited: bool,
    /// The order of values that the sort asks for.
    pub sort_order: &'a ValueOrder,
}

impl Plan {
    fn collection(backwards: bool, provides_sort: bool) -> Plan {
        Plan { access: Access::Rows { backwards }, provides_sort }
    }
}

#[cfg(test)]
mod tests;
