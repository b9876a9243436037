//! All members apply the same entries, in order, and come to the same state.

use super::Verdict;
use quire_documents::{Documents, EngineError};
use quire_log::{Applied, LogIndex, StateMachine, Term};
use std::collections::BTreeMap;

#[derive(Default)]
pub struct AppliedAlike {
    entries: BTreeMap<LogIndex, u64>,
    states: BTreeMap<(LogIndex, Term), [u8; 16]>,
    /// What is applied under a forced configuration.
    forced: BTreeMap<LogIndex, u64>,
}

impl AppliedAlike {
    /// A member goes on with what it has applied and with its log behind that.
    pub fn forced(&mut self, applied: LogIndex, tail: impl Iterator<Item = (LogIndex, u64)>) {
        let mut kept: BTreeMap<LogIndex, u64> = BTreeMap::new();
        for known in [&self.entries, &self.forced] {
            kept.extend(known.range(..=applied));
        }
        kept.extend(tail);
        self.forced = kept;
    }

    pub fn entry(&mut self, node: u64, index: LogIndex, digest: u64, forced: bool) -> Verdict {
        if self.forced.get(&index) == Some(&digest) {
            // The log of whoever was left holds entries of earlier terms too, which the others need
            // never have heard of.
            return Ok(());
        }
        let entries = if forced { &mut self.forced } else { &mut self.entries };
        if *entries.entry(index).or_insert(digest) == digest {
            return Ok(());
        }
        Err(format!("{node} applies another entry {index} than somebody before it"))
    }

    pub fn state(&mut self, node: u64, documents: &Documents) -> Verdict {
        let Applied { index, term, .. } = documents.applied();
        let refused = documents.refused_effects();
        if refused > 0 {
            return Err(format!("{refused} effects did not fit the state of {node} at {index}"));
        }
        // A disk that fails to read says nothing about the state.
        let Ok(hash) = documents.state_hash() else { return Ok(()) };
        let known = *self.states.entry((index, term)).or_insert(hash);
        if known == hash {
            return check_indexes(node, documents);
        }
        Err(format!("the state of {node} at {index} is not that of the others"))
    }
}

/// Rows, indexes and counts agree.
fn check_indexes(node: u64, documents: &Documents) -> Verdict {
    let view = documents.view();
    for collection in view.catalog().collections() {
        let report = match view.validate(collection, None) {
            Ok(report) => report,
            Err(EngineError::Corruption(text)) => return Err(format!("{node}: {text}")),
            Err(_) => return Ok(()),
        };
        if !report.is_valid() {
            return Err(format!("{node}: {}: {:?}", collection.namespace, report.findings));
        }
    }
    Ok(())
}
