//! What a batch does.

use super::{Bed, Durability, FIRST, KeyRange, SECOND, SPACES, UNKNOWN, everything, put, scanned};
use crate::{Batch, Direction};

pub(super) fn later_changes_of_a_batch_win(bed: &mut impl Bed) {
    let engine = bed.open();
    let mut batch = Batch::new();
    batch.put(FIRST, b"a", b"old");
    batch.put(FIRST, b"a", b"new");
    batch.put(FIRST, b"b", b"gone");
    batch.delete(FIRST, b"b");
    batch.delete(FIRST, b"c");
    batch.put(FIRST, b"c", b"back");
    batch.put(FIRST, b"d", b"in the range");
    batch.delete_range(FIRST, b"d", b"e");
    batch.delete_range(FIRST, b"e", b"f");
    batch.put(FIRST, b"e", b"after the range");
    engine.write(&batch, Durability::Unsynced).unwrap();
    let expected = [("a", "new"), ("c", "back"), ("e", "after the range")];
    let found = scanned(&*engine, FIRST, KeyRange::ALL, Direction::Forward);
    assert_eq!(found, expected.map(|(key, value)| (key.into(), value.into())));
}

pub(super) fn a_batch_that_cannot_be_applied_changes_nothing(bed: &mut impl Bed) {
    let engine = bed.open();
    put(&*engine, FIRST, b"a", b"1", Durability::Unsynced);
    let before = everything(&*engine);
    let mut batch = Batch::new();
    batch.put(FIRST, b"a", b"2");
    batch.put(UNKNOWN, b"a", b"2");
    assert!(engine.write(&batch, Durability::Unsynced).is_err());
    assert!(engine.write(&batch, Durability::Synced).is_err());
    assert_eq!(everything(&*engine), before);
}

pub(super) fn a_range_is_deleted_up_to_its_end(bed: &mut impl Bed) {
    for flushed in [false, true] {
        let engine = bed.open();
        let mut batch = Batch::new();
        for key in [&b""[..], b"a", b"b", b"b\0", b"bb", b"c", b"d", b"\xff"] {
            batch.put(FIRST, key, b"v");
            batch.put(SECOND, key, b"v");
        }
        engine.write(&batch, Durability::Unsynced).unwrap();
        if flushed {
            engine.flush().unwrap();
        }
        let mut batch = Batch::new();
        batch.delete_range(FIRST, b"b", b"c");
        engine.write(&batch, Durability::Unsynced).unwrap();
        let keys = |space| {
            let entries = scanned(&*engine, space, KeyRange::ALL, Direction::Forward);
            entries.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
        };
        assert_eq!(keys(FIRST), [&b""[..], b"a", b"c", b"d", b"\xff"], "flushed: {flushed}");
        assert_eq!(keys(SECOND).len(), 8);
        assert_eq!(engine.get(FIRST, b"b").unwrap(), None);
    }
}

pub(super) fn a_range_whose_ends_are_out_of_order_deletes_nothing(bed: &mut impl Bed) {
    let engine = bed.open();
    put(&*engine, FIRST, b"b", b"v", Durability::Unsynced);
    let mut batch = Batch::new();
    batch.delete_range(FIRST, b"c", b"a");
    batch.delete_range(FIRST, b"b", b"b");
    batch.delete_range(FIRST, b"b", b"");
    engine.write(&batch, Durability::Unsynced).unwrap();
    assert!(engine.get(FIRST, b"b").unwrap().is_some());
}

pub(super) fn spaces_are_independent(bed: &mut impl Bed) {
    let engine = bed.open();
    for space in SPACES {
        put(&*engine, space, b"key", &[space.0], Durability::Unsynced);
    }
    let mut batch = Batch::new();
    batch.delete(FIRST, b"key");
    engine.write(&batch, Durability::Unsynced).unwrap();
    assert_eq!(engine.get(FIRST, b"key").unwrap(), None);
    assert_eq!(engine.get(SECOND, b"key").unwrap(), Some(vec![1]));
}

pub(super) fn empty_keys_and_values_are_kept(bed: &mut impl Bed) {
    let engine = bed.open();
    put(&*engine, FIRST, b"", b"", Durability::Synced);
    put(&*engine, FIRST, b"x", b"", Durability::Synced);
    assert_eq!(engine.get(FIRST, b"").unwrap(), Some(Vec::new()));
    assert_eq!(engine.get(FIRST, b"x").unwrap(), Some(Vec::new()));
    assert_eq!(engine.get(SECOND, b"").unwrap(), None);
    let engine = bed.reopen(engine);
    let found = scanned(&*engine, FIRST, KeyRange::ALL, Direction::Backward);
    assert_eq!(found, [(b"x".to_vec(), Vec::new()), (Vec::new(), Vec::new())]);
    let mut batch = Batch::new();
    batch.delete(FIRST, b"");
    engine.write(&batch, Durability::Unsynced).unwrap();
    assert_eq!(engine.get(FIRST, b"").unwrap(), None);
}

pub(super) fn an_empty_batch_is_accepted(bed: &mut impl Bed) {
    let engine = bed.open();
    engine.write(&Batch::new(), Durability::Unsynced).unwrap();
    engine.write(&Batch::new(), Durability::Synced).unwrap();
    assert!(everything(&*engine).iter().all(Vec::is_empty));
}
