//! All members apply the same entries, in order, and come to the same state.

use super::Verdict;
use quire_documents::{Documents, EngineError};
use quire_log::{LogIndex, StateMachine};
use std::collections::BTreeMap;

#[derive(Default)]
pub struct AppliedAlike {
    entries: BTreeMap<LogIndex, u64>,
    states: BTreeMap<LogIndex, [u8; 16]>,
}

impl AppliedAlike {
    pub fn entry(&mut self, node: u64, index: LogIndex, digest: u64) -> Verdict {
        let known = *self.entries.entry(index).or_insert(digest);
        if known == digest {
            return Ok(());
        }
        Err(format!("{node} applies another entry {index} than somebody before it"))
    }

    pub fn state(&mut self, node: u64, documents: &Documents) -> Verdict {
        let index = documents.applied().index;
        let refused = documents.refused_effects();
        if refused > 0 {
            return Err(format!("{refused} effects did not fit the state of {node} at {index}"));
        }
        // A disk that fails to read says nothing about the state.
        let Ok(hash) = documents.state_hash() else { return Ok(()) };
        let known = *self.states.entry(index).or_insert(hash);
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
