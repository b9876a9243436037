//! What readers see.

use super::{Bed, Durability, FIRST, SECOND, UNKNOWN, everything, put, scanned};
use crate::{Batch, Direction, KeyRange};
use std::ops::{Bound, ControlFlow, RangeBounds};

pub(super) fn scans_honour_every_kind_of_bound_in_both_directions(bed: &mut impl Bed) {
    let engine = bed.open();
    let keys: [&[u8]; 8] = [b"", b"\0", b"a", b"a\0", b"a\0\0", b"b", b"b\xff", b"\xff\xff"];
    for (place, key) in keys.iter().enumerate() {
        put(&*engine, FIRST, key, &[place as u8], Durability::Unsynced);
        if place == 3 {
            // Some keys in files, some in memory: a scan must weave them together.
            engine.flush().unwrap();
        }
    }
    let absent: [&[u8]; 3] = [b"A", b"a\0\x01", b"zz"];
    let mut bounds = vec![Bound::Unbounded];
    for key in keys.iter().chain(&absent) {
        bounds.extend([Bound::Included(*key), Bound::Excluded(*key)]);
    }
    for lower in &bounds {
        for upper in &bounds {
            let range = KeyRange { lower: *lower, upper: *upper };
            let inside: Vec<&[u8]> = keys
                .iter()
                .copied()
                .filter(|key| RangeBounds::<[u8]>::contains(&(*lower, *upper), *key))
                .collect();
            for (direction, reversed) in [(Direction::Forward, false), (Direction::Backward, true)]
            {
                let found = scanned(&*engine, FIRST, range, direction);
                let mut found: Vec<&[u8]> = found.iter().map(|(key, _)| key.as_slice()).collect();
                if reversed {
                    found.reverse();
                }
                assert_eq!(found, inside, "{range:?} {direction:?}");
            }
        }
    }
}

pub(super) fn a_scan_stops_when_its_visitor_breaks(bed: &mut impl Bed) {
    let engine = bed.open();
    for key in 0..10_u8 {
        put(&*engine, FIRST, &[key], &[key], Durability::Unsynced);
    }
    for (direction, expected) in [(Direction::Forward, [0, 1, 2]), (Direction::Backward, [9, 8, 7])]
    {
        let mut seen = Vec::new();
        engine
            .scan(FIRST, KeyRange::ALL, direction, &mut |key, _| {
                seen.extend_from_slice(key);
                if seen.len() == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .unwrap();
        assert_eq!(seen, expected);
    }
}

pub(super) fn a_scan_does_not_see_what_its_visitor_writes(bed: &mut impl Bed) {
    let engine = bed.open();
    for key in [1, 3, 5] {
        put(&*engine, FIRST, &[key], b"before", Durability::Unsynced);
    }
    let mut seen = Vec::new();
    engine
        .scan(FIRST, KeyRange::ALL, Direction::Forward, &mut |key, value| {
            seen.push((key[0], value.to_vec()));
            let mut batch = Batch::new();
            batch.put(FIRST, &[key[0] + 1], b"during");
            batch.put(FIRST, &[5], b"during");
            batch.delete(FIRST, &[3]);
            engine.write(&batch, Durability::Unsynced).unwrap();
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(seen, [1, 3, 5].map(|key| (key, b"before".to_vec())));
    assert_eq!(engine.get(FIRST, &[3]).unwrap(), None);
}

pub(super) fn many_keys_are_answered_in_the_order_they_were_asked(bed: &mut impl Bed) {
    let engine = bed.open();
    let mut batch = Batch::new();
    for number in (0..1000_u32).step_by(2) {
        batch.put(FIRST, &number.to_be_bytes(), &number.to_le_bytes());
    }
    engine.write(&batch, Durability::Unsynced).unwrap();
    engine.flush().unwrap();

    let sorted: Vec<u32> = (0..1000).collect();
    let shuffled: Vec<u32> = (0..1000).map(|number| number * 387 % 1000).collect();
    let repeated = vec![4, 4, 4, 5, 5];
    for numbers in [sorted, shuffled, repeated, vec![]] {
        let keys: Vec<[u8; 4]> = numbers.iter().map(|number| number.to_be_bytes()).collect();
        let keys: Vec<&[u8]> = keys.iter().map(|key| key.as_slice()).collect();
        let mut answers = Vec::new();
        engine
            .get_many(FIRST, &keys, &mut |position, value| {
                assert_eq!(position, answers.len(), "each key once, in order");
                answers.push(value.map(<[u8]>::to_vec));
            })
            .unwrap();
        let expected = numbers
            .iter()
            .map(|number| (number % 2 == 0).then(|| number.to_le_bytes().to_vec()))
            .collect::<Vec<_>>();
        assert_eq!(answers, expected);
    }
}

pub(super) fn a_snapshot_stays_as_it_was_taken(bed: &mut impl Bed) {
    let engine = bed.open();
    for key in 0..200_u8 {
        put(&*engine, FIRST, &[key], b"old", Durability::Unsynced);
    }
    let snapshot = engine.snapshot();
    let before = everything(&*snapshot);
    assert_eq!(before, everything(&*engine));

    let mut batch = Batch::new();
    batch.put(FIRST, &[0], b"new");
    batch.delete(FIRST, &[1]);
    batch.delete_range(FIRST, &[2], &[100]);
    batch.put(SECOND, b"other", b"new");
    engine.write(&batch, Durability::Unsynced).unwrap();
    let middle = engine.snapshot();
    engine.flush().unwrap();
    put(&*engine, FIRST, &[0], b"newest", Durability::Synced);

    assert_eq!(everything(&*snapshot), before);
    assert_eq!(snapshot.get(FIRST, &[1]).unwrap(), Some(b"old".to_vec()));
    assert_eq!(snapshot.get(SECOND, b"other").unwrap(), None);
    let mut answers = Vec::new();
    snapshot
        .get_many(FIRST, &[&[0], &[1], &[250]], &mut |_, value| {
            answers.push(value.map(<[u8]>::to_vec));
        })
        .unwrap();
    assert_eq!(answers, [Some(b"old".to_vec()), Some(b"old".to_vec()), None]);
    let backward = scanned(&*snapshot, FIRST, KeyRange::ALL, Direction::Backward);
    assert_eq!(backward.len(), 200);

    assert_eq!(middle.get(FIRST, &[0]).unwrap(), Some(b"new".to_vec()));
    assert_eq!(engine.get(FIRST, &[0]).unwrap(), Some(b"newest".to_vec()));
}

pub(super) fn a_snapshot_outlives_its_engine(bed: &mut impl Bed) {
    let engine = bed.open();
    put(&*engine, FIRST, b"key", b"value", Durability::Unsynced);
    let snapshot = engine.snapshot();
    drop(engine);
    let elsewhere = std::thread::spawn(move || snapshot.get(FIRST, b"key").unwrap());
    assert_eq!(elsewhere.join().unwrap(), Some(b"value".to_vec()));
}

pub(super) fn an_unknown_space_is_an_error(bed: &mut impl Bed) {
    let engine = bed.open();
    let all = KeyRange::ALL;
    assert!(engine.get(UNKNOWN, b"key").is_err());
    assert!(engine.get_durable(UNKNOWN, b"key").is_err());
    assert!(engine.get_many(UNKNOWN, &[b"key"], &mut |_, _| {}).is_err());
    let mut visit = |_: &[u8], _: &[u8]| ControlFlow::Continue(());
    assert!(engine.scan(UNKNOWN, all, Direction::Forward, &mut visit).is_err());
    assert!(engine.snapshot().get(UNKNOWN, b"key").is_err());
    assert_eq!(engine.approximate_bytes(UNKNOWN, all), 0);
}
