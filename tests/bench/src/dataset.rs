//! What is loaded before a workload begins.
//!
//! Owns the collections and their documents, one after the other; how they get into a server is that
//! server's.

use crate::action::GROUP_DOCUMENTS;
use crate::business;
use crate::documents::{DOCUMENT_BYTES, Documents};
use crate::random::Random;
use quire_bson::RawDoc;
use quire_tests::Result;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dataset {
    /// 1 KiB each, with numbers for `_id`s.
    Numbered,
    /// The same with an index on `n`, which a hundred documents share, far apart from each other.
    Indexed,
    /// The collection of [`Dataset::Numbered`], with documents of 254 bytes: ten times as many fit.
    SmallNumbered,
    /// 254 bytes each.
    Business,
    /// The same with an index on `created`.
    BusinessByDate,
}

impl Dataset {
    /// The collection, or table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Dataset::Numbered | Dataset::SmallNumbered => "documents",
            Dataset::Indexed => "indexed",
            Dataset::Business => "business",
            Dataset::BusinessByDate => "business_by_date",
        }
    }

    pub(crate) fn document_bytes(self) -> usize {
        match self {
            Dataset::Numbered | Dataset::Indexed => DOCUMENT_BYTES,
            Dataset::SmallNumbered | Dataset::Business | Dataset::BusinessByDate => {
                business::DOCUMENT_BYTES
            }
        }
    }

    /// The indexed field, and the same as an expression in SQL.
    pub(crate) fn index(self) -> Option<(&'static str, &'static str)> {
        match self {
            Dataset::Numbered | Dataset::SmallNumbered | Dataset::Business => None,
            Dataset::Indexed => Some(("n", "((d->>'n')::bigint)")),
            Dataset::BusinessByDate => Some(("created", "((d->>'created')::bigint)")),
        }
    }

    /// Shows all of its documents in the order of their `_id`s.
    pub(crate) fn each(
        self,
        records: u64,
        visit: &mut dyn FnMut(i64, RawDoc<'_>) -> Result<()>,
    ) -> Result<()> {
        let documents = Documents::numbered();
        let mut random = Random::new(4096);
        let mut bytes = Vec::new();
        for id in 0..records.cast_signed() {
            match self {
                Dataset::SmallNumbered | Dataset::Business | Dataset::BusinessByDate => {
                    visit(id, business::document(id, records).as_raw())?;
                }
                Dataset::Numbered | Dataset::Indexed => {
                    bytes.clear();
                    let n = if self == Dataset::Indexed { group_of(id, records) } else { 0 };
                    documents.append_with(&mut bytes, &mut random, &id.to_le_bytes(), n);
                    visit(id, RawDoc::from_validated(&bytes))?;
                }
            }
        }
        Ok(())
    }
}

/// How many values the indexed field has.
pub(crate) fn groups(records: u64) -> u64 {
    (records / GROUP_DOCUMENTS).max(1)
}

/// Neighbours are in different groups, and every group has equally many.
fn group_of(id: i64, records: u64) -> i64 {
    id.checked_rem(groups(records).cast_signed()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_has_a_hundred_documents_and_all_have_their_length() {
        for dataset in [Dataset::Numbered, Dataset::Indexed, Dataset::Business] {
            let mut of_first = 0u64;
            let mut seen = 0;
            let mut visit = |id: i64, document: RawDoc<'_>| {
                assert_eq!(document.as_bytes().len(), dataset.document_bytes());
                of_first += u64::from(group_of(id, 1000) == 0);
                seen += 1;
                Ok(())
            };
            dataset.each(1000, &mut visit).unwrap();
            assert_eq!((seen, of_first), (1000, GROUP_DOCUMENTS), "{dataset:?}");
        }
    }
}
