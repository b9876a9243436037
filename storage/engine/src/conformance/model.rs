//! Any engine against a sorted map.

use super::{Bed, Durability, Entries, SPACES, everything, scanned};
use crate::{Batch, Direction, KeyRange, Read, Space};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

#[derive(Clone, Debug)]
enum Change {
    Put(Vec<u8>, Vec<u8>),
    Delete(Vec<u8>),
    DeleteRange(Vec<u8>, Vec<u8>),
}

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<(Space, Change)>, bool),
    Flush,
    Reopen,
    Snapshot,
    Scan(Space, Bound<Vec<u8>>, Bound<Vec<u8>>, bool),
}

type Model = [BTreeMap<Vec<u8>, Vec<u8>>; 3];

/// Few and short, so that changes meet each other's keys.
fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![Just(0_u8), Just(1), Just(0x80), Just(0xff)], 0..4)
}

fn space() -> impl Strategy<Value = Space> {
    (0..SPACES.len()).prop_map(|number| SPACES[number])
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        5 => (key(), vec(any::<u8>(), 0..20)).prop_map(|(key, value)| Change::Put(key, value)),
        2 => key().prop_map(Change::Delete),
        1 => (key(), key()).prop_map(|(from, to)| Change::DeleteRange(from, to)),
    ]
}

fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![
        key().prop_map(Bound::Included),
        key().prop_map(Bound::Excluded),
        Just(Bound::Unbounded),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (vec((space(), change()), 0..6), any::<bool>())
            .prop_map(|(changes, synced)| Step::Write(changes, synced)),
        1 => Just(Step::Flush),
        1 => Just(Step::Reopen),
        2 => Just(Step::Snapshot),
        4 => (space(), bound(), bound(), any::<bool>())
            .prop_map(|(space, lower, upper, back)| Step::Scan(space, lower, upper, back)),
    ]
}

fn batch_of(changes: &[(Space, Change)]) -> Batch {
    let mut batch = Batch::new();
    for (space, change) in changes {
        match change {
            Change::Put(key, value) => batch.put(*space, key, value),
            Change::Delete(key) => batch.delete(*space, key),
            Change::DeleteRange(from, to) => batch.delete_range(*space, from, to),
        }
    }
    batch
}

fn apply(model: &mut Model, changes: &[(Space, Change)]) {
    for (space, change) in changes {
        let entries = &mut model[usize::from(space.0)];
        match change {
            Change::Put(key, value) => {
                entries.insert(key.clone(), value.clone());
            }
            Change::Delete(key) => {
                entries.remove(key);
            }
            Change::DeleteRange(from, to) => entries.retain(|key, _| key < from || key >= to),
        }
    }
}

fn entries_of(model: &Model) -> Vec<Entries> {
    model.iter().map(|entries| entries.clone().into_iter().collect()).collect()
}

fn borrowed(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    bound.as_ref().map(Vec::as_slice)
}

fn run(bed: &mut impl Bed, steps: &[Step]) {
    let mut engine = bed.open();
    let mut model = Model::default();
    let mut snapshots: Vec<(Arc<dyn Read>, Vec<Entries>)> = Vec::new();
    for step in steps {
        match step {
            Step::Write(changes, synced) => {
                let durability = if *synced { Durability::Synced } else { Durability::Unsynced };
                engine.write(&batch_of(changes), durability).unwrap();
                apply(&mut model, changes);
            }
            Step::Flush => engine.flush().unwrap(),
            Step::Reopen => {
                snapshots.clear();
                engine = bed.reopen(engine);
            }
            Step::Snapshot => snapshots.push((engine.snapshot(), entries_of(&model))),
            Step::Scan(space, lower, upper, back) => {
                let range = KeyRange { lower: borrowed(lower), upper: borrowed(upper) };
                let direction = if *back { Direction::Backward } else { Direction::Forward };
                let mut found = scanned(&*engine, *space, range, direction);
                if *back {
                    found.reverse();
                }
                let mut expected: Entries =
                    model[usize::from(space.0)].clone().into_iter().collect();
                expected.retain(|(key, _)| {
                    std::ops::RangeBounds::contains(&(lower.clone(), upper.clone()), key)
                });
                assert_eq!(found, expected);
            }
        }
    }
    assert_eq!(everything(&*engine), entries_of(&model));
    for (snapshot, expected) in &snapshots {
        assert_eq!(&everything(&**snapshot), expected);
    }
    let engine = {
        snapshots.clear();
        bed.reopen(engine)
    };
    assert_eq!(everything(&*engine), entries_of(&model));
}

pub(super) fn any_sequence_of_calls_agrees_with_a_sorted_map(bed: &mut impl Bed) {
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() };
    let bed = std::cell::RefCell::new(bed);
    proptest!(config, |(steps in vec(step(), 1..40))| {
        run(&mut **bed.borrow_mut(), &steps);
    });
}
