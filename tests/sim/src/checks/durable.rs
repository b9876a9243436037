//! What was synced is there after a crash.
//!
//! Owns what each disk was made to promise: the entries and the term.

use super::Verdict;
use quire_log::{Entry, HardState, LogIndex, Term};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
struct Promise {
    /// Everything up to here is held as state, if not as entries.
    base: LogIndex,
    entries: BTreeMap<LogIndex, Term>,
    term: Term,
}

#[derive(Default)]
pub struct Durable {
    promises: BTreeMap<u64, Promise>,
    /// What members held and gave up for another history: who, which entry, of which term.
    given_up: BTreeSet<(u64, LogIndex, Term)>,
}

impl Durable {
    pub fn begins(&mut self, node: u64, before: LogIndex, entries: &[Entry], hard: HardState) {
        let entries = entries.iter().map(|entry| (entry.index, entry.term)).collect();
        self.promises.insert(node, Promise { base: before, entries, term: hard.term });
    }

    pub fn appended(&mut self, node: u64, entries: &[Entry], hard: HardState) {
        let promise = self.promises.entry(node).or_default();
        if let Some(first) = entries.first() {
            let replaced = promise.entries.split_off(&first.index);
            self.given_up.extend(replaced.into_iter().map(|(index, term)| (node, index, term)));
        }
        promise.entries.extend(entries.iter().map(|entry| (entry.index, entry.term)));
        promise.term = hard.term;
    }

    /// Nothing is promised of entries from here on.
    pub fn unsure(&mut self, node: u64, from: Option<LogIndex>) {
        if let (Some(promise), Some(from)) = (self.promises.get_mut(&node), from) {
            promise.entries.split_off(&from);
        }
    }

    pub fn restarted_after(&mut self, node: u64, after: LogIndex) {
        let promise = self.promises.entry(node).or_default();
        promise.base = after;
        let replaced = std::mem::take(&mut promise.entries);
        self.given_up.extend(replaced.into_iter().map(|(index, term)| (node, index, term)));
    }

    /// The log that is found must keep every promise.
    pub fn started(
        &self,
        node: u64,
        before: LogIndex,
        found: &[Entry],
        hard: HardState,
    ) -> Verdict {
        let Some(promise) = self.promises.get(&node) else { return Ok(()) };
        let found: BTreeMap<LogIndex, Term> =
            found.iter().map(|entry| (entry.index, entry.term)).collect();
        for (index, term) in promise.entries.range(before.next()..) {
            if found.get(index) != Some(term) {
                return Err(format!("{node} synced entry {index} of term {term} and lost it"));
            }
        }
        // What becomes of a vote is seen where it is given.
        if hard.term < promise.term {
            return Err(format!("{node} synced term {} and lost it", promise.term));
        }
        Ok(())
    }

    /// Whether a member holds the entry for good.
    pub fn holds(&self, node: u64, index: LogIndex, term: Term) -> bool {
        let Some(promise) = self.promises.get(&node) else { return false };
        index <= promise.base || promise.entries.get(&index) == Some(&term)
    }

    /// Whether it ever held the entry, which a forced configuration may have taken from it.
    pub fn held(&self, node: u64, index: LogIndex, term: Term) -> bool {
        self.holds(node, index, term) || self.given_up.contains(&(node, index, term))
    }
}
