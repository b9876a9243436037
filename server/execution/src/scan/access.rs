//! The ranges of a plan in the order they are walked.

use quire_documents::{Direction, Index, Range};
use std::sync::Arc;

/// How the documents of a query are reached.
#[derive(Clone, Debug)]
pub enum Access {
    /// Straight over the rows. Ranges stand in the order they are walked in.
    Rows { ranges: Vec<Range>, direction: Direction },
    /// The rows with these keys, in this order.
    Lookups { row_keys: Vec<Vec<u8>> },
    /// Over entries of an index, then the rows they name. `repeats` when a document may come up
    /// more than once.
    Index { index: Arc<Index>, ranges: Vec<Range>, direction: Direction, repeats: bool },
    /// One after the other; a document found by several is shown once.
    Union(Vec<Access>),
}

/// One stretch of ranges over the same keys.
#[derive(Clone, Debug)]
pub(super) enum Leaf {
    Rows { ranges: Arc<[Range]>, direction: Direction },
    Lookups { row_keys: Arc<[Vec<u8>]> },
    Index { index: Arc<Index>, ranges: Arc<[Range]>, direction: Direction },
}

impl Leaf {
    /// How many ranges, or rows, are to be visited.
    pub(super) fn len(&self) -> usize {
        match self {
            Leaf::Rows { ranges, .. } | Leaf::Index { ranges, .. } => ranges.len(),
            Leaf::Lookups { row_keys } => row_keys.len(),
        }
    }
}

impl Access {
    /// Every row, in the order of its key.
    pub fn everything(direction: Direction) -> Access {
        Access::Rows { ranges: vec![Range::ALL], direction }
    }

    /// The stretches, and whether a document may come up more than once.
    pub(super) fn into_leaves(self) -> (Vec<Leaf>, bool) {
        match self {
            Access::Rows { ranges, direction } => {
                (vec![Leaf::Rows { ranges: ranges.into(), direction }], false)
            }
            Access::Lookups { row_keys } => {
                (vec![Leaf::Lookups { row_keys: row_keys.into() }], false)
            }
            Access::Index { index, ranges, direction, repeats } => {
                (vec![Leaf::Index { index, ranges: ranges.into(), direction }], repeats)
            }
            Access::Union(branches) => {
                let leaves = branches.into_iter().flat_map(|branch| branch.into_leaves().0);
                (leaves.collect(), true)
            }
        }
    }
}
