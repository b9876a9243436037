//! What is not the next chunk of the copy is refused and changes nothing.

use super::super::chunk::{Chunk, Content, Totals, put_pair};
use super::*;
use crate::codec::Writer;
use proptest::prelude::*;
use quire_keys::Key;

fn pairs(of: &[(KeySpace, &[u8], &[u8])]) -> Vec<u8> {
    let mut out = Writer::default();
    for pair in of {
        put_pair(*pair, &mut out);
    }
    out.finish()
}

fn numbered(number: u64, content: Content<'_>) -> Vec<u8> {
    let applied = Applied { index: LogIndex(7), ..Applied::default() };
    Chunk { applied, number, content }.encode()
}

#[test]
fn a_chunk_with_any_changed_bit_is_refused_and_changes_nothing() {
    let (_, source) = state("new", 8);
    let (engine, target) = state("old", 2);
    target.begin_install().unwrap();
    for chunk in chunks(&source, SMALL) {
        let before = engine.unsynced_batches();
        for place in 0..chunk.len() {
            let mut bad = chunk.clone();
            bad[place] ^= 1 << (place % 8);
            assert!(target.install_chunk(&bad).is_err(), "byte {place}");
        }
        for length in [0, 1, 4, 5, chunk.len() - 1] {
            assert!(target.install_chunk(&chunk[..length]).is_err(), "cut at {length}");
        }
        assert_eq!(engine.unsynced_batches(), before);
        target.install_chunk(&chunk).unwrap();
    }
    target.finish_install().unwrap();
    assert_eq!(hash(&target), hash(&source));
}

#[test]
fn chunks_out_of_turn_are_refused() {
    let (_, source) = state("new", 30);
    let (_, other) = state("new", 31);
    let (ours, theirs) = (chunks(&source, SMALL), chunks(&other, SMALL));
    let (_, target) = state("old", 2);
    assert!(target.install_chunk(&ours[0]).is_err(), "nothing was begun");
    assert!(target.finish_install().is_err());
    target.begin_install().unwrap();
    assert!(target.install_chunk(&ours[1]).is_err(), "the first one is missing");
    for (n, chunk) in ours.iter().enumerate() {
        assert!(target.finish_install().is_err(), "{n} of {} are here", ours.len());
        target.install_chunk(chunk).unwrap();
        assert!(target.install_chunk(chunk).is_err(), "it is here already");
        let foreign = theirs.get(n + 1);
        assert!(foreign.is_none_or(|chunk| target.install_chunk(chunk).is_err()), "chunk {n}");
    }
    target.finish_install().unwrap();
    assert!(target.install_chunk(&ours[0]).is_err(), "it is finished");
    assert!(target.finish_install().is_err(), "it is finished");
    assert_eq!(hash(&target), hash(&source));
}

#[test]
fn pairs_that_no_copy_holds_are_refused() {
    let (format, mark, applied) =
        (Key::FormatVersion.encode(), Key::CopyMark.encode(), Key::Applied.encode());
    let sound = (KeySpace::Rows, &[0, 0, 0, 1, 5][..], &b"row"[..]);
    let bodies: [(&str, Vec<u8>); 10] = [
        ("the format", pairs(&[(KeySpace::Meta, &format, &[1, 0, 0, 0])])),
        ("the mark", pairs(&[(KeySpace::Meta, &mark, &[2])])),
        ("the position", pairs(&[(KeySpace::Meta, &applied, &[0; 24])])),
        ("a key nobody writes", pairs(&[(KeySpace::Meta, &[0x7F], &[])])),
        ("a session's name cut off", pairs(&[(KeySpace::Sessions, &[0; 47], &[])])),
        ("a row without collection", pairs(&[(KeySpace::Rows, &[1], &[])])),
        ("the same key twice", pairs(&[sound, sound])),
        ("a step back", pairs(&[sound, (KeySpace::Rows, &[0, 0, 0, 1, 4], &[])])),
        ("an earlier space", pairs(&[sound, (KeySpace::Meta, &Key::Counters.encode(), &[])])),
        ("a space nobody knows", vec![9, 0, 0]),
    ];
    for (what, body) in bodies {
        let (_, target) = state("old", 2);
        target.begin_install().unwrap();
        let chunk = numbered(0, Content::Pairs(&body));
        assert!(target.install_chunk(&chunk).is_err(), "{what}");
        let empty = numbered(0, Content::End(Totals::default()));
        target.install_chunk(&empty).unwrap();
        target.finish_install().unwrap();
        assert!(names(&target).is_empty());
    }
}

#[test]
fn an_end_that_counts_otherwise_is_refused() {
    let body = pairs(&[(KeySpace::Rows, &[0, 0, 0, 1, 5], b"row")]);
    let sent = Totals::default().with(1, &body);
    let target = open(&memory());
    target.begin_install().unwrap();
    target.install_chunk(&numbered(0, Content::Pairs(&body))).unwrap();
    for wrong in [
        Totals { pairs: 2, ..sent },
        Totals { bytes: sent.bytes + 1, ..sent },
        Totals { digest: sent.digest ^ 1, ..sent },
    ] {
        assert!(target.install_chunk(&numbered(1, Content::End(wrong))).is_err(), "{wrong:?}");
    }
    target.install_chunk(&numbered(1, Content::End(sent))).unwrap();
    assert!(target.install_chunk(&numbered(2, Content::End(sent))).is_err(), "after the end");
    target.finish_install().unwrap();
    let engine = target.engine();
    let stored = engine.get(crate::open::space(KeySpace::Rows), &[0, 0, 0, 1, 5]).unwrap();
    assert_eq!(stored, Some(b"row".to_vec()));
}

#[test]
fn a_copy_of_a_damaged_catalogue_does_not_become_the_state() {
    let key = Key::Collection { collection: 1 }.encode();
    let body = pairs(&[(KeySpace::Meta, &key, b"no record")]);
    let (engine, target) = state("old", 2);
    target.begin_install().unwrap();
    target.install_chunk(&numbered(0, Content::Pairs(&body))).unwrap();
    let end = Content::End(Totals::default().with(1, &body));
    target.install_chunk(&numbered(1, end)).unwrap();
    assert!(target.finish_install().is_err());
    for documents in [&target, &open(&Arc::new(engine.after_crash(9)))] {
        assert_eq!(documents.completeness(), Completeness::Partial);
        assert_eq!(documents.applied(), Applied::default());
    }
}

#[test]
fn what_is_not_whole_is_neither_applied_to_nor_copied_from() {
    let (_, source) = state("new", 3);
    let (_, target) = state("old", 3);
    let next = |of: &Documents| effects(of.applied().index.0 + 1, vec![]);
    target.begin_install().unwrap();
    assert!(target.apply(&[next(&target)]).is_err());
    assert!(target.export().is_err());
    assert!(target.log_restarted().is_err());
    for chunk in chunks(&source, SMALL) {
        target.install_chunk(&chunk).unwrap();
    }
    target.finish_install().unwrap();
    assert!(target.apply(&[next(&target)]).is_err(), "a restart would cut it off the log");
    target.log_restarted().unwrap();
    target.apply(&[next(&target)]).unwrap();
}

proptest! {
    /// A checksum protects from accidents only: a peer may have sent anything under it.
    #[test]
    fn bytes_of_any_kind_under_a_good_checksum_do_no_harm(
        bytes: Vec<u8>,
        body in proptest::collection::vec(0..8_u8, 0..60),
    ) {
        let target = open(&memory());
        target.begin_install().unwrap();
        let mut raw = [&[1][..], &bytes].concat();
        raw.extend_from_slice(&crc32c::crc32c(&raw).to_le_bytes());
        let _ = target.install_chunk(&raw);
        let _ = target.install_chunk(&numbered(0, Content::Pairs(&body)));
        prop_assert!(target.finish_install().is_err());
        prop_assert_eq!(target.completeness(), Completeness::Partial);
        prop_assert_eq!(target.applied(), Applied::default());
    }
}
