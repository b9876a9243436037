//! Keeping capped collections within their bounds.
//!
//! Owns which rows go: the oldest, applied or pending, but never the one just written.

use super::{Change, CurrentRow, Refusal, Sequencer, State};
use quire_bson::DocBuf;
use quire_documents::{Capped, Collection, Counts, Direction, Effect, Layout, Range, ReadView};
use std::ops::ControlFlow;
use std::sync::Arc;

/// How far a collection is above its bounds.
struct Excess {
    docs: u64,
    bytes: u64,
    docs_max: u64,
    bytes_max: u64,
}

impl Excess {
    fn new(counts: Counts, pending: (i64, i64), capped: Capped) -> Excess {
        let at_most = |bound: i64| u64::try_from(bound).unwrap_or(0);
        Excess {
            docs: counts.documents.saturating_add_signed(pending.0),
            bytes: counts.bytes.saturating_add_signed(pending.1),
            docs_max: capped.documents_max.map_or(u64::MAX, at_most),
            bytes_max: at_most(capped.bytes_max),
        }
    }

    fn is_over(&self) -> bool {
        self.docs > self.docs_max || self.bytes > self.bytes_max
    }

    fn take(&mut self, row: &CurrentRow) {
        self.docs = self.docs.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(row.doc.as_bytes().len() as u64);
    }
}

/// A row that goes, and its key.
type Oldest = (Vec<u8>, CurrentRow);

impl Sequencer {
    /// Keeps a capped collection within its bounds by deleting its oldest rows.
    pub(super) fn evict(
        &self,
        state: &mut State,
        collection: &Collection,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let Some(capped) = collection.capped() else { return Ok(()) };
        if collection.layout != Layout::ByRevision {
            return Ok(());
        }
        // One view for everything, and pending is what this view does not show: a write that is
        // applied meanwhile would be counted twice, and rows evicted that fit.
        let view = self.documents.view();
        let applied = view.applied().map_err(failed)?;
        state.pending.forget_through(applied.timestamp);
        let counts = view.counts(collection.id).map_err(failed)?;
        let excess = Excess::new(counts, state.pending.growth(collection.id), capped);
        for (row_key, seen) in oldest(state, collection, &view, excess)? {
            for change in self.prepare(collection, vec![Change::Delete { row_key, seen }])? {
                let revision = self.stamp(state);
                effects.push(change.into_effect(collection, revision, &mut state.pending));
            }
        }
        Ok(())
    }
}

/// The oldest rows, as many as are too many.
fn oldest(
    state: &State,
    collection: &Collection,
    view: &ReadView,
    mut excess: Excess,
) -> Result<Vec<Oldest>, Refusal> {
    let mut oldest: Vec<Oldest> = Vec::new();
    if !excess.is_over() {
        return Ok(oldest);
    }
    let newest = state.pending.newest_row(collection.id).map(<[u8]>::to_vec);
    let mut go = |row_key: &[u8], row: CurrentRow| {
        if !excess.is_over() {
            return ControlFlow::Break(());
        }
        if newest.as_deref() != Some(row_key) {
            excess.take(&row);
            oldest.push((row_key.to_vec(), row));
        }
        ControlFlow::Continue(())
    };
    // Keys are revisions, so applied rows come first, in the order of their insertion.
    let mut ended = false;
    view.scan_rows(collection.id, &Range::ALL, Direction::Forward, &mut |row_key, row| {
        let current = state.pending.row(collection.id, row_key).unwrap_or_else(|| {
            let doc = Arc::new(DocBuf::from(row.doc));
            Some(CurrentRow { revision: row.revision, doc })
        });
        let flow = current.map_or(ControlFlow::Continue(()), |current| go(row_key, current));
        ended = flow.is_break();
        flow
    })
    .map_err(failed)?;
    if !ended {
        let mut inserted = state.pending.inserted(collection.id);
        let _ = inserted.try_for_each(|(row_key, row)| go(row_key, row));
    }
    Ok(oldest)
}

fn failed(error: quire_documents::EngineError) -> Refusal {
    Refusal::Error(crate::local_failure(error))
}
