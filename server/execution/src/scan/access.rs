//! The ranges of a plan in the order they are walked.

use quire_documents::{Direction, Index, Range};
use std::sync::Arc;

/// How the documents of a query are reached.
#[derive(Clone, Debug)]
pub enum Access {
    /// Straight over the rows.
    Rows { ranges: Vec<Range>, direction: Direction },
    /// Over entries of an index, then the rows they name.
    Index { index: Arc<Index>, ranges: Vec<Range>, direction: Direction },
    /// One after the other; a document found by several is shown once.
    Union(Vec<Access>),
}

/// One stretch of ranges over the same keys.
#[derive(Clone, Debug)]
pub(super) enum Leaf {
    Rows { ranges: Arc<[Range]>, direction: Direction },
    Index { index: Arc<Index>, ranges: Arc<[Range]>, direction: Direction },
}

impl Leaf {
    pub(super) fn ranges(&self) -> &Arc<[Range]> {
        match self {
            Leaf::Rows { ranges, .. } | Leaf::Index { ranges, .. } => ranges,
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
            Access::Index { index, ranges, direction } => {
                let repeats = index.is_multikey();
                (vec![Leaf::Index { index, ranges: ranges.into(), direction }], repeats)
            }
            Access::Union(branches) => {
                let leaves = branches.into_iter().flat_map(|branch| branch.into_leaves().0);
                (leaves.collect(), true)
            }
        }
    }
}
