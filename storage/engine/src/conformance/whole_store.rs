//! What is done to a store as a whole.

use super::{Bed, Durability, FIRST, SECOND, everything, put};
use crate::{Batch, KeyRange};

pub(super) fn a_checkpoint_is_a_store_of_its_own(bed: &mut impl Bed) {
    let engine = bed.open();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("copy");
    for key in 0..100_u8 {
        put(&*engine, FIRST, &[key], &[key; 50], Durability::Unsynced);
    }
    engine.flush().unwrap();
    put(&*engine, SECOND, b"", b"not flushed", Durability::Unsynced);
    let before = everything(&*engine);
    engine.checkpoint(&path).unwrap();

    let mut batch = Batch::new();
    batch.delete_range(FIRST, &[], &[200]);
    engine.write(&batch, Durability::Synced).unwrap();
    let copy = bed.open_copy(&path);
    assert_eq!(everything(&*copy), before);
    put(&*copy, FIRST, b"mine", b"", Durability::Synced);
    assert_eq!(engine.get(FIRST, b"mine").unwrap(), None);
}

pub(super) fn a_checkpoint_never_overwrites(bed: &mut impl Bed) {
    let engine = bed.open();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("copy");
    put(&*engine, FIRST, b"key", b"first", Durability::Unsynced);
    engine.checkpoint(&path).unwrap();
    put(&*engine, FIRST, b"key", b"second", Durability::Unsynced);
    assert!(engine.checkpoint(&path).is_err());
    let copy = bed.open_copy(&path);
    assert_eq!(copy.get(FIRST, b"key").unwrap(), Some(b"first".to_vec()));
}

pub(super) fn sizes_follow_the_data(bed: &mut impl Bed) {
    let engine = bed.open();
    let first_half = KeyRange::between(&[0], &[100]);
    assert_eq!(engine.approximate_bytes(FIRST, KeyRange::ALL), 0);
    for key in 0..100_u8 {
        // Values that no compression makes small.
        let value: Vec<u8> =
            (0..1000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> (key % 17)) as u8).collect();
        put(&*engine, FIRST, &[key], &value, Durability::Unsynced);
    }
    assert!(engine.approximate_bytes(FIRST, first_half) > 10_000, "what is in memory counts");
    engine.flush().unwrap();
    assert!(engine.approximate_bytes(FIRST, KeyRange::ALL) > 10_000);
    assert!(engine.approximate_bytes(FIRST, first_half) > 10_000);
    assert_eq!(engine.approximate_bytes(FIRST, KeyRange::between(&[100], &[200])), 0);
    assert_eq!(engine.approximate_bytes(FIRST, KeyRange::between(&[50], &[50])), 0);
    assert_eq!(engine.approximate_bytes(SECOND, KeyRange::ALL), 0);
}

pub(super) fn a_sound_store_passes_verification(bed: &mut impl Bed) {
    let engine = bed.open();
    for key in 0..100_u8 {
        put(&*engine, FIRST, &[key], &[key; 50], Durability::Synced);
    }
    engine.flush().unwrap();
    engine.verify_checksums().unwrap();
    put(&*engine, FIRST, b"after", b"", Durability::Synced);
    engine.verify_checksums().unwrap();
}

pub(super) fn statistics_name_the_engine(bed: &mut impl Bed) {
    let engine = bed.open();
    put(&*engine, FIRST, b"key", &[1; 1000], Durability::Unsynced);
    let stats = engine.stats();
    assert!(!stats.name.is_empty());
    assert!(stats.memtable_bytes >= 1000);
    assert!(!stats.write_stalled);
}
