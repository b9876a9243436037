//! What is left after a close and after a power cut.

use super::{Bed, Durability, Engine, FIRST, SECOND, SPACES, everything, put};
use crate::Batch;

/// Writes the number into every space with one batch.
fn step(engine: &dyn Engine, number: u32, durability: Durability) {
    let mut batch = Batch::new();
    for space in SPACES {
        batch.put(space, b"number", &number.to_be_bytes());
        batch.put(space, &number.to_be_bytes(), &[7; 100]);
    }
    engine.write(&batch, durability).unwrap();
}

/// The number all spaces agree on.
fn reached(engine: &dyn Engine) -> u32 {
    let found = SPACES.map(|space| {
        let number = engine.get(space, b"number").unwrap();
        number.map_or(0, |bytes| u32::from_be_bytes(bytes.try_into().unwrap()))
    });
    assert_eq!(found, [found[0]; 3], "spaces agree");
    for number in 1..=found[0] {
        assert!(engine.get(FIRST, &number.to_be_bytes()).unwrap().is_some(), "batch {number}");
    }
    assert_eq!(engine.get(SECOND, &(found[0] + 1).to_be_bytes()).unwrap(), None);
    found[0]
}

pub(super) fn a_clean_close_keeps_everything(bed: &mut impl Bed) {
    let engine = bed.open();
    step(&*engine, 1, Durability::Synced);
    step(&*engine, 2, Durability::Unsynced);
    let before = everything(&*engine);
    let engine = bed.reopen(engine);
    assert_eq!(everything(&*engine), before);
    assert_eq!(reached(&*engine), 2);
}

pub(super) fn a_synced_batch_survives_a_crash_with_all_before_it(bed: &mut impl Bed) {
    let engine = bed.open();
    step(&*engine, 1, Durability::Unsynced);
    step(&*engine, 2, Durability::Synced);
    step(&*engine, 3, Durability::Unsynced);
    let Some(engine) = bed.crash(engine, 1) else { return };
    assert!(reached(&*engine) >= 2);
}

pub(super) fn a_flush_makes_everything_survive_a_crash(bed: &mut impl Bed) {
    let engine = bed.open();
    step(&*engine, 1, Durability::Unsynced);
    step(&*engine, 2, Durability::Unsynced);
    engine.flush().unwrap();
    let Some(engine) = bed.crash(engine, 2) else { return };
    assert_eq!(reached(&*engine), 2);
}

pub(super) fn a_crash_leaves_whole_batches_in_order(bed: &mut impl Bed) {
    for seed in 0..4 {
        let engine = bed.open();
        for number in 1..=4 {
            step(&*engine, number, Durability::Unsynced);
        }
        engine.flush().unwrap();
        for number in 5..=20 {
            step(&*engine, number, Durability::Unsynced);
        }
        let Some(engine) = bed.crash(engine, seed) else { return };
        assert!((4..=20).contains(&reached(&*engine)));
    }
}

pub(super) fn the_durable_value_is_what_a_crash_leaves(bed: &mut impl Bed) {
    let engine = bed.open();
    put(&*engine, FIRST, b"key", b"first", Durability::Unsynced);
    engine.flush().unwrap();
    assert_eq!(engine.get_durable(FIRST, b"key").unwrap(), Some(b"first".to_vec()));
    put(&*engine, FIRST, b"key", b"second", Durability::Synced);
    assert_eq!(engine.get_durable(FIRST, b"key").unwrap(), Some(b"second".to_vec()));
    put(&*engine, FIRST, b"key", b"third", Durability::Unsynced);
    put(&*engine, SECOND, b"key", b"third", Durability::Unsynced);
    assert_eq!(engine.get(FIRST, b"key").unwrap(), Some(b"third".to_vec()));
    let durable = engine.get_durable(FIRST, b"key").unwrap().unwrap();
    let Some(engine) = bed.crash(engine, 0) else { return };
    let left = engine.get(FIRST, b"key").unwrap().unwrap();
    assert!(left == durable || durable == b"second", "a crash may leave more, never less");
}

pub(super) fn a_store_works_on_after_a_crash(bed: &mut impl Bed) {
    let engine = bed.open();
    step(&*engine, 1, Durability::Synced);
    let Some(engine) = bed.crash(engine, 0) else { return };
    step(&*engine, 2, Durability::Synced);
    let Some(engine) = bed.crash(engine, 0) else { return };
    assert_eq!(reached(&*engine), 2);
}

/// What taking in a copy of a whole state relies on.
pub(super) fn a_space_can_be_emptied_and_filled_anew(bed: &mut impl Bed) {
    let engine = bed.open();
    let key = |n: u16| n.to_be_bytes();
    let mut batch = Batch::new();
    for n in 0..2_000 {
        batch.put(FIRST, &key(n), b"old");
        batch.put(SECOND, &key(n), b"old");
    }
    batch.put(FIRST, b"", b"old");
    engine.write(&batch, Durability::Unsynced).unwrap();
    engine.flush().unwrap();
    put(&*engine, FIRST, &key(2_000), b"old", Durability::Unsynced);
    let snapshot = engine.snapshot();
    let before = everything(&*snapshot);

    let mut batch = Batch::new();
    let end = [&key(2_000)[..], &[0]].concat();
    batch.delete_range(FIRST, b"", &end);
    batch.delete_range(SECOND, b"", &end);
    batch.put(FIRST, &key(7), b"first");
    engine.write(&batch, Durability::Unsynced).unwrap();
    engine.flush().unwrap();
    put(&*engine, SECOND, &key(8), b"second", Durability::Unsynced);
    put(&*engine, SECOND, &key(9), b"last", Durability::Synced);

    let expected = vec![
        vec![(key(7).to_vec(), b"first".to_vec())],
        vec![(key(8).to_vec(), b"second".to_vec()), (key(9).to_vec(), b"last".to_vec())],
        vec![],
    ];
    assert_eq!(everything(&*engine), expected);
    assert_eq!(everything(&*snapshot), before);
    drop(snapshot);
    if let Some(engine) = bed.crash(engine, 1) {
        assert_eq!(everything(&*engine), expected);
        assert_eq!(engine.get(FIRST, &key(8)).unwrap(), None);
    }
}
