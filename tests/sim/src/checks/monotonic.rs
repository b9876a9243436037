//! Terms never go back, not even over a restart; what is known to be committed only over one.

use super::Verdict;
use quire_log::{LogIndex, Term};
use std::collections::BTreeMap;

#[derive(Default)]
pub struct Monotonic {
    terms: BTreeMap<u64, Term>,
    commits: BTreeMap<u64, LogIndex>,
}

impl Monotonic {
    /// Said to others, so it must not be forgotten.
    pub fn promised(&mut self, node: u64, term: Term) {
        let known = self.terms.entry(node).or_default();
        *known = term.max(*known);
    }

    pub fn restarted(&mut self, node: u64) {
        self.commits.remove(&node);
    }

    pub fn term(&mut self, node: u64, term: Term) -> Verdict {
        let known = self.terms.get(&node).copied().unwrap_or_default();
        if term < known {
            return Err(format!("{node} is in term {term} and was in term {known} before"));
        }
        // What was not told to anybody may be forgotten.
        Ok(())
    }

    pub fn commit(&mut self, node: u64, commit: LogIndex) -> Verdict {
        let known = self.commits.insert(node, commit).unwrap_or_default();
        if commit < known {
            return Err(format!("{node} knew {known} to be committed and now only {commit}"));
        }
        Ok(())
    }
}
