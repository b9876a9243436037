//! Crashes at any point: what was acknowledged is there, and nothing in between two changes.

use super::{Bed, entries, entry, hard_state, kept};
use crate::{Entry, HardState, LogIndex, LogStore, Term, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use std::ops::RangeInclusive;
use std::sync::Arc;

pub(super) fn an_acknowledged_append_survives_a_crash(bed: &mut impl Bed) {
    let mut log = bed.open();
    for index in 1..=10 {
        log.append(&[entry(index, 1)], Some(hard_state(1, 1, index - 1))).unwrap();
        log = bed.crash(log, index);
        assert_eq!(kept(&*log), entries(1..=index, 1));
        assert_eq!(log.hard_state(), hard_state(1, 1, index - 1));
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// So many entries, so far back from the end, and a hard state.
    Append(u64, u64, bool),
    /// Up to so far back from the end.
    Compact(u64),
    RestartAfter(u64),
    Reopen,
    Crash(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..5_u64, 0..4_u64, any::<bool>())
            .prop_map(|(count, back, state)| Step::Append(count, back, state)),
        3 => (0..6_u64).prop_map(Step::Compact),
        1 => (0..20_u64).prop_map(Step::RestartAfter),
        1 => Just(Step::Reopen),
        3 => any::<u64>().prop_map(Step::Crash),
    ]
}

/// What a log should hold.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Model {
    pub(crate) compacted: (LogIndex, Term),
    pub(crate) entries: Vec<Entry>,
    pub(crate) hard_state: HardState,
}

impl Model {
    pub(crate) fn empty() -> Model {
        Model {
            compacted: (LogIndex::ZERO, Term(0)),
            entries: Vec::new(),
            hard_state: HardState::default(),
        }
    }

    pub(crate) fn of(log: &dyn LogStore) -> Model {
        let compacted = LogIndex(log.first_index().0 - 1);
        Model {
            compacted: (compacted, log.term(compacted).unwrap().unwrap()),
            entries: kept(log),
            hard_state: log.hard_state(),
        }
    }

    pub(crate) fn last(&self) -> LogIndex {
        self.entries.last().map_or(self.compacted.0, |entry| entry.index)
    }

    pub(crate) fn append(&mut self, new: &[Entry], hard_state: Option<HardState>) {
        if let Some(first) = new.first() {
            self.entries.retain(|entry| entry.index < first.index);
            self.entries.extend_from_slice(new);
        }
        self.hard_state = hard_state.unwrap_or(self.hard_state);
    }

    pub(crate) fn compact(&mut self, through: LogIndex) {
        if let Some(entry) = self.entries.iter().find(|entry| entry.index == through) {
            self.compacted = (through, entry.term);
        }
        self.entries.retain(|entry| entry.index > through);
    }

    fn restart_after(&mut self, index: LogIndex, term: Term) {
        self.compacted = (index, term);
        self.entries.clear();
        self.hard_state.commit = index;
    }

    /// The place behind the last entry that is older, and those behind entries without a time there.
    fn places_of(&self, time: Timestamp) -> RangeInclusive<LogIndex> {
        let undated = |entry: &&Entry| entry.timestamp == Timestamp::ZERO;
        let older = |entry: &&Entry| !undated(entry) && entry.timestamp < time;
        let place =
            self.entries.iter().rposition(|entry| older(&entry)).map_or(0, |place| place + 1);
        let unclear = self.entries[place..].iter().take_while(undated).count();
        let first = LogIndex(self.compacted.0.0 + place as u64 + 1);
        first..=LogIndex(first.0 + unclear as u64)
    }

    /// New entries that replace the last `back` ones as far as those are not committed.
    pub(crate) fn new_entries(&self, count: u64, back: u64, term: u64) -> Vec<Entry> {
        let kept = LogIndex(self.last().0.saturating_sub(if count == 0 { 0 } else { back }));
        let kept = kept.max(self.compacted.0).max(self.hard_state.commit);
        entries(kept.0 + 1..=kept.0 + count, term)
    }
}

pub(super) fn any_sequence_of_changes_and_crashes_agrees_with_a_list(bed: &mut impl Bed) {
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() };
    let bed = std::cell::RefCell::new(bed);
    proptest!(config, |(steps in vec(step(), 1..40))| {
        run(&mut **bed.borrow_mut(), &steps);
    });
}

fn run(bed: &mut impl Bed, steps: &[Step]) {
    let mut log: Arc<dyn LogStore> = bed.open();
    // The states a crash may leave, the present one last: compactions need not have reached the disk.
    let mut possible = vec![Model::empty()];
    for (step, term) in steps.iter().zip(1..) {
        let mut model = possible.last().unwrap().clone();
        match step {
            Step::Append(count, back, with_state) => {
                let new = model.new_entries(*count, *back, term);
                let commit = model.hard_state.commit.0.max(model.compacted.0.0);
                let state = with_state.then(|| hard_state(term, term % 3, commit));
                log.append(&new, state).unwrap();
                if !new.is_empty() || state.is_some() {
                    model.append(&new, state);
                    possible = vec![model];
                }
            }
            Step::Compact(back) => {
                let through = LogIndex(model.last().0.saturating_sub(*back));
                log.compact(through).unwrap();
                // Not everything, where that would have to be read.
                let forgotten = LogIndex(log.first_index().0 - 1);
                let before = model.compacted.0;
                assert!((before..=through.max(before)).contains(&forgotten));
                model.compact(forgotten);
                possible.push(model);
            }
            Step::RestartAfter(ahead) => {
                let index = LogIndex(model.compacted.0.0 + ahead).max(model.hard_state.commit);
                log.restart_after(index, Term(term)).unwrap();
                model.restart_after(index, Term(term));
                possible = vec![model];
            }
            Step::Reopen => {
                log = bed.reopen(log);
                possible = vec![model];
            }
            Step::Crash(seed) => {
                log = bed.crash(log, *seed);
                let found = Model::of(&*log);
                assert!(possible.contains(&found), "{found:?} is none of {possible:?}");
                possible = vec![found];
            }
        }
        let model = possible.last().unwrap();
        let near = model.compacted.0.0.saturating_sub(1)..=model.last().0 + 1;
        for time in near.map(|index| Timestamp::new(index as u32, index as u32 % 4)) {
            // Before it is all read.
            let about = log.first_since_about(time).unwrap();
            let exact = log.first_since(time).unwrap();
            let places = model.places_of(time);
            assert!(places.contains(&exact), "{exact} is not in {places:?} after {step:?}");
            assert!(about <= exact && about > model.compacted.0, "{about} after {step:?}");
        }
        assert_eq!(&Model::of(&*log), model, "after {step:?}");
    }
}
