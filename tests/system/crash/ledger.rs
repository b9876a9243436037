//! What one writer knows: which of its rows must be there with which content, and which one may be.
//!
//! Pure bookkeeping; it neither sends nor reads anything.

use quire_bson::{Document, doc};
use std::collections::BTreeMap;

/// How far apart the ids of two writers are.
const IDS_PER_WRITER: i64 = 1_000_000_000;

/// A row as its writer wants it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Row {
    /// Counts the updates of this row.
    pub(super) version: i64,
}

/// A write whose answer has not come.
#[derive(Clone, Copy, Debug)]
pub(super) struct InFlight {
    pub(super) id: i64,
    /// What the row becomes; `None` when it goes.
    pub(super) becomes: Option<Row>,
}

pub(super) struct Ledger {
    first_id: i64,
    pub(super) next_id: i64,
    pub(super) rows: BTreeMap<i64, Row>,
    pub(super) in_flight: Option<InFlight>,
}

impl Ledger {
    pub(super) fn new(writer: usize) -> Ledger {
        let first_id = i64::try_from(writer).expect("few writers") * IDS_PER_WRITER;
        Ledger { first_id, next_id: first_id, rows: BTreeMap::new(), in_flight: None }
    }

    /// The whole row, whose fields all follow from its id and version.
    pub(super) fn document(id: i64, row: Row) -> Document {
        let payload = (id ^ row.version).wrapping_mul(0x9E37_79B9) % 1_000;
        doc! { "_id": id, "unique": id, "version": row.version, "payload": payload }
    }

    /// The answer to the write in flight has come and says that it is done.
    pub(super) fn acknowledge(&mut self) {
        if let Some(InFlight { id, becomes }) = self.in_flight.take() {
            match becomes {
                Some(row) => self.rows.insert(id, row),
                None => self.rows.remove(&id),
            };
        }
    }

    /// Finds every row of ours among all, and takes the one in flight as it is found. Gives the
    /// number of our rows.
    pub(super) fn settle(&mut self, all: &[Document], when: &str) -> usize {
        let mut found: BTreeMap<i64, &Document> = all
            .iter()
            .map(|document| (document.get_i64("_id").expect("an id"), document))
            .filter(|(id, _)| (self.first_id..self.first_id + IDS_PER_WRITER).contains(id))
            .collect();
        let count = found.len();
        if let Some(InFlight { id, becomes }) = self.in_flight {
            let there = found.get(&id).map(|document| (*document).clone());
            let done = becomes.map(|row| Ledger::document(id, row));
            let before = self.rows.get(&id).map(|row| Ledger::document(id, *row));
            assert!(there == done || there == before, "{when}: half a write: {id}: {there:?}");
            if there == done {
                self.acknowledge();
            }
            self.in_flight = None;
        }
        for (id, row) in &self.rows {
            let Some(document) = found.remove(id) else {
                panic!("{when}: the acknowledged write of {id} is lost");
            };
            assert_eq!(*document, Ledger::document(*id, *row), "{when}: an old or torn row");
        }
        assert!(found.is_empty(), "{when}: deleted rows are back: {:?}", found.keys());
        count
    }
}
