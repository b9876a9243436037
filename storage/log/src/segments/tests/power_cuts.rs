//! Power cuts, ends of the process and failing disks in any order, again and again over one log.

use super::{MemoryFiles, Model, entry, hard_state, open};
use crate::segments::memory::next;
use crate::{LogIndex, LogStore, SegmentLog};
use std::sync::Arc;

/// Lives of the log in one run.
const LIVES: usize = 40;

struct Run {
    random: u64,
    files: Arc<MemoryFiles>,
    /// What the log may be found to be: the last is what it was told to be.
    possible: Vec<Model>,
    term: u64,
}

impl Run {
    fn below(&mut self, bound: u64) -> u64 {
        next(&mut self.random) % bound
    }

    fn told(&self) -> Model {
        self.possible.last().cloned().unwrap_or_else(Model::empty)
    }

    /// One append; `false` if it failed, after which it is there or not.
    fn append(&mut self, log: &SegmentLog) -> bool {
        let told = self.told();
        let back = self.below(3);
        let committed = told.hard_state.commit.max(told.compacted.0);
        let first = (told.last().0 + 1).saturating_sub(back).max(committed.0 + 1);
        let sizes = [10, 200, 700, 2_500, 6_000];
        let count = self.below(3);
        let mut entries = Vec::new();
        for index in first..first + count {
            let size = sizes[self.below(sizes.len() as u64) as usize];
            entries.push(entry(index, self.term, size));
        }
        let last = entries.last().map_or(told.last(), |entry| entry.index);
        let commit = self.below(last.0 + 1).max(committed.0);
        let state = hard_state(self.term, commit);
        let mut wanted = told.clone();
        wanted.append(&entries, Some(state));
        let done = log.append(&entries, Some(state)).is_ok();
        self.possible = if done { vec![wanted] } else { vec![wanted, told] };
        done
    }

    /// After a failed append: what was before it, for good; or nobody knows yet.
    fn reopen(&mut self, log: &SegmentLog, keep_through: LogIndex) -> bool {
        let mut told = self.told();
        told.entries.retain(|entry| entry.index <= keep_through);
        told.hard_state.commit = told.hard_state.commit.min(told.last());
        if log.reopen(keep_through).is_err() {
            self.possible.push(told);
            return false;
        }
        self.possible = vec![told];
        true
    }

    /// `false` if it failed and the log takes no more.
    fn compact(&mut self, log: &SegmentLog) -> bool {
        let mut model = self.told();
        let wanted = LogIndex(self.below(model.hard_state.commit.0 + 1));
        // As far as that is known without reading.
        let through = log.state.read().known_up_to(wanted).0;
        assert!(through <= wanted);
        if log.compact(wanted).is_ok() {
            model.compact(through);
            self.possible.push(model);
            return true;
        }
        let last = model.last();
        model.compact(through);
        self.possible.insert(0, model);
        self.reopen(log, last)
    }

    /// Opens what is left, which must be something that was possible, and goes on from there.
    fn live(&mut self, life: usize) {
        let log = open(&self.files).unwrap();
        let found = Model::of(&log);
        let agrees = self.possible.contains(&found);
        let indexes = |model: &Model| (model.compacted.0, model.last(), model.hard_state);
        assert!(
            agrees,
            "life {life}: {:?} is none of {:?}",
            indexes(&found),
            self.possible.iter().map(indexes).collect::<Vec<_>>()
        );
        self.possible = vec![found];
        self.term += 1;
        let calls = if self.below(2) == 0 { u64::MAX } else { self.below(25) };
        self.files.fail_after(calls);
        for _ in 0..self.below(20) {
            if self.below(6) == 0 {
                if self.compact(&log) {
                    continue;
                }
                break;
            }
            if !self.append(&log) {
                let told = self.told();
                let calls = if self.below(2) == 0 { u64::MAX } else { self.below(2) };
                self.files.fail_after(calls);
                if !self.reopen(&log, told.last()) {
                    break;
                }
            }
        }
        self.files.fail_after(u64::MAX);
        drop(log);
        // The process ends, or with it the power.
        if self.below(3) > 0 {
            let seed = next(&mut self.random);
            self.files = Arc::new(self.files.after_crash(seed));
        }
    }
}

#[test]
fn no_order_of_power_cuts_and_failures_loses_or_brings_back_anything() {
    for seed in 0..40 {
        let files = Arc::new(MemoryFiles::default());
        let mut run = Run { random: seed, files, possible: vec![Model::empty()], term: 0 };
        for life in 0..LIVES {
            run.live(life);
        }
    }
}
