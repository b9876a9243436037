//! The bytes of an entry on disk.
//!
//! Owns their layout and refuses what does not hold: nothing is believed before its checksum was
//! compared. Numbers are big-endian. The checksum is the CRC-32C of the entry's index and of all its
//! other bytes, so that an entry that turns up in the place of another one is noticed too.
//!
//! | offset | bytes | |
//! | --- | --- | --- |
//! | 0 | 1 | format, now 1 |
//! | 1 | 1 | kind: 1 term start, 2 effects, 3 configuration |
//! | 2 | 8 | term |
//! | 10 | 8 | timestamp |
//! | 18 | 4 | checksum |
//! | 22 | | payload |
//!
//! An entry of a newer format is refused, never guessed at. An older format stays readable for as
//! long as a log of it may exist.

use crate::{Entry, EntryKind, LogIndex, Term, Timestamp};

/// The format written, and the newest one read.
const FORMAT: u8 = 1;

const CHECKSUM_BYTES: usize = 4;
const CHECKSUM_OFFSET: usize = 18;

/// Why something is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    Damaged(&'static str),
    NewerFormat(u8),
}

/// Appends an entry's value to `out`.
pub(crate) fn write_entry(entry: &Entry, out: &mut Vec<u8>) {
    let start = out.len();
    out.push(FORMAT);
    out.push(match entry.kind {
        EntryKind::TermStart => 1,
        EntryKind::Effects => 2,
        EntryKind::Configuration => 3,
    });
    out.extend_from_slice(&entry.term.0.to_be_bytes());
    out.extend_from_slice(&entry.timestamp.0.to_be_bytes());
    let checksum = checksum(&[&entry.index.0.to_be_bytes(), &out[start..], &entry.payload]);
    out.extend_from_slice(&checksum.to_be_bytes());
    out.extend_from_slice(&entry.payload);
}

pub(crate) fn read_entry(index: LogIndex, value: &[u8]) -> Result<Entry, Unreadable> {
    let (kind, term, timestamp, payload) = open_entry(index, value)?;
    Ok(Entry { index, term, timestamp, kind, payload: payload.to_vec().into() })
}

/// The term and the time of an entry, if it is what was written.
pub(crate) fn check_entry(index: LogIndex, value: &[u8]) -> Result<(Term, Timestamp), Unreadable> {
    open_entry(index, value).map(|(_, term, timestamp, _)| (term, timestamp))
}

fn open_entry(
    index: LogIndex,
    value: &[u8],
) -> Result<(EntryKind, Term, Timestamp, &[u8]), Unreadable> {
    check_format(value)?;
    let too_short = Unreadable::Damaged("it is too short");
    let (mut header, rest) = value.split_at_checked(CHECKSUM_OFFSET).ok_or(too_short)?;
    let (stored, payload) = rest.split_first_chunk::<CHECKSUM_BYTES>().ok_or(too_short)?;
    if u32::from_be_bytes(*stored) != checksum(&[&index.0.to_be_bytes(), header, payload]) {
        return Err(Unreadable::Damaged("its checksum does not hold"));
    }
    let kind = match take::<2>(&mut header)?[1] {
        1 => EntryKind::TermStart,
        2 => EntryKind::Effects,
        3 => EntryKind::Configuration,
        _ => return Err(Unreadable::Damaged("its kind is unknown")),
    };
    let term = Term(u64::from_be_bytes(take(&mut header)?));
    let timestamp = Timestamp(u64::from_be_bytes(take(&mut header)?));
    Ok((kind, term, timestamp, payload))
}

/// Comes before the checksum, whose place a newer format may have moved.
fn check_format(record: &[u8]) -> Result<(), Unreadable> {
    match record.first() {
        Some(&FORMAT) => Ok(()),
        None | Some(0) => Err(Unreadable::Damaged("it has no format")),
        Some(&newer) => Err(Unreadable::NewerFormat(newer)),
    }
}

fn take<const BYTES: usize>(rest: &mut &[u8]) -> Result<[u8; BYTES], Unreadable> {
    let (bytes, tail) = rest.split_first_chunk().ok_or(Unreadable::Damaged("it is too short"))?;
    *rest = tail;
    Ok(*bytes)
}

fn checksum(parts: &[&[u8]]) -> u32 {
    parts.iter().fold(0, |so_far, part| crc32c::crc32c_append(so_far, part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry() -> Entry {
        Entry {
            index: LogIndex(7),
            term: Term(3),
            timestamp: Timestamp::new(9, 1),
            kind: EntryKind::Effects,
            payload: b"effects".to_vec().into(),
        }
    }

    fn written(entry: &Entry) -> Vec<u8> {
        let mut out = Vec::new();
        write_entry(entry, &mut out);
        out
    }

    #[test]
    fn the_layout_on_disk_does_not_change_unnoticed() {
        let mut expected = vec![1, 2];
        expected.extend([0, 0, 0, 0, 0, 0, 0, 3]);
        expected.extend([0, 0, 0, 9, 0, 0, 0, 1]);
        // Computed elsewhere, over the key, the header and the payload.
        expected.extend(0xb06f_9517_u32.to_be_bytes());
        expected.extend(b"effects");
        assert_eq!(written(&entry()), expected);
    }

    #[test]
    fn any_changed_bit_of_an_entry_is_noticed() {
        let good = written(&entry());
        assert_eq!(read_entry(LogIndex(7), &good), Ok(entry()));
        for place in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[place] ^= 1 << bit;
                assert!(read_entry(LogIndex(7), &bad).is_err(), "byte {place} bit {bit}");
            }
        }
        for length in 0..good.len() {
            assert!(read_entry(LogIndex(7), &good[..length]).is_err(), "cut at {length}");
        }
        assert!(read_entry(LogIndex(8), &good).is_err(), "in the place of another");
    }

    #[test]
    fn a_newer_format_is_told_from_damage() {
        let mut newer = written(&entry());
        newer[0] = FORMAT + 1;
        assert_eq!(read_entry(LogIndex(7), &newer), Err(Unreadable::NewerFormat(FORMAT + 1)));
        let read = |bytes: &[u8]| read_entry(LogIndex(7), bytes);
        assert_eq!(read(&[9, 1, 2, 3]), Err(Unreadable::NewerFormat(9)));
        assert!(matches!(read(&[]), Err(Unreadable::Damaged(_))));
        assert!(matches!(read(&[0; 5]), Err(Unreadable::Damaged(_))));
    }

    proptest! {
        #[test]
        fn every_entry_reads_back_as_written(
            index: u64,
            term: u64,
            timestamp: u64,
            kind in 0..3_usize,
            payload: Vec<u8>,
        ) {
            let kinds = [EntryKind::TermStart, EntryKind::Effects, EntryKind::Configuration];
            let entry = Entry {
                index: LogIndex(index),
                term: Term(term),
                timestamp: Timestamp(timestamp),
                kind: kinds[kind],
                payload: payload.into(),
            };
            let value = written(&entry);
            prop_assert_eq!(value.len(), CHECKSUM_OFFSET + CHECKSUM_BYTES + entry.payload.len());
            prop_assert_eq!(read_entry(entry.index, &value), Ok(entry));
        }

        #[test]
        fn bytes_of_any_kind_are_refused_without_harm(index: u64, bytes: Vec<u8>) {
            prop_assert!(read_entry(LogIndex(index), &bytes).is_err());
        }
    }
}
