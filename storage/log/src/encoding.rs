//! The bytes of the log on disk.
//!
//! Owns every layout and refuses what does not hold: nothing is believed before its checksum was
//! compared. Numbers are big-endian. A checksum is the CRC-32C of the record's key and of all its
//! other bytes, so that a record that turns up under another key is noticed too.
//!
//! An entry; its key is the index, 8 bytes:
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
//! The state; each record begins with the format and ends with the checksum:
//!
//! | key | between them |
//! | --- | --- |
//! | `format` | nothing: the format of the store as a whole |
//! | `hard_state` | term, vote, commit position, 8 bytes each |
//! | `compaction` | index and term of the last forgotten entry, 8 bytes each |
//! | `identity` | the number this node is known by, 8 bytes; absent until it is given one |
//!
//! A record of a newer format is refused, never guessed at. An older format stays readable for as
//! long as a log of it may exist.

use crate::{Entry, EntryKind, HardState, LogIndex, Term, Timestamp};

/// The format written, and the newest one read.
pub(crate) const FORMAT: u8 = 1;

pub(crate) const FORMAT_KEY: &[u8] = b"format";
pub(crate) const HARD_STATE_KEY: &[u8] = b"hard_state";
pub(crate) const COMPACTION_KEY: &[u8] = b"compaction";
pub(crate) const IDENTITY_KEY: &[u8] = b"identity";

/// Sorts behind every entry's key.
pub(crate) const END_KEY: &[u8] = &[0xff; 9];

const CHECKSUM_BYTES: usize = 4;
const CHECKSUM_OFFSET: usize = 18;

/// Why a record is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    Damaged(&'static str),
    NewerFormat(u8),
}

pub(crate) fn entry_key(index: LogIndex) -> [u8; 8] {
    index.0.to_be_bytes()
}

/// The index of a stored entry.
pub(crate) fn index_of(key: &[u8]) -> Result<LogIndex, Unreadable> {
    let bytes = key.try_into().map_err(|_| Unreadable::Damaged("its key is not an index"))?;
    Ok(LogIndex(u64::from_be_bytes(bytes)))
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
    let checksum = checksum(&[&entry_key(entry.index), &out[start..], &entry.payload]);
    out.extend_from_slice(&checksum.to_be_bytes());
    out.extend_from_slice(&entry.payload);
}

pub(crate) fn read_entry(index: LogIndex, value: &[u8]) -> Result<Entry, Unreadable> {
    let (kind, term, timestamp, payload) = open_entry(index, value)?;
    Ok(Entry { index, term, timestamp, kind, payload: payload.to_vec() })
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
    if u32::from_be_bytes(*stored) != checksum(&[&entry_key(index), header, payload]) {
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

pub(crate) fn write_format() -> Vec<u8> {
    write_record(FORMAT_KEY, &[])
}

pub(crate) fn read_format(record: &[u8]) -> Result<(), Unreadable> {
    read_record::<0>(FORMAT_KEY, record).map(|_| ())
}

pub(crate) fn write_hard_state(state: &HardState) -> Vec<u8> {
    write_record(HARD_STATE_KEY, &[state.term.0, state.vote, state.commit.0])
}

pub(crate) fn read_hard_state(record: &[u8]) -> Result<HardState, Unreadable> {
    let [term, vote, commit] = read_record(HARD_STATE_KEY, record)?;
    Ok(HardState { term: Term(term), vote, commit: LogIndex(commit) })
}

pub(crate) fn write_compaction(index: LogIndex, term: Term) -> Vec<u8> {
    write_record(COMPACTION_KEY, &[index.0, term.0])
}

pub(crate) fn read_compaction(record: &[u8]) -> Result<(LogIndex, Term), Unreadable> {
    let [index, term] = read_record(COMPACTION_KEY, record)?;
    Ok((LogIndex(index), Term(term)))
}

pub(crate) fn write_identity(identity: u64) -> Vec<u8> {
    write_record(IDENTITY_KEY, &[identity])
}

pub(crate) fn read_identity(record: &[u8]) -> Result<u64, Unreadable> {
    let [identity] = read_record(IDENTITY_KEY, record)?;
    Ok(identity)
}

fn write_record(key: &[u8], numbers: &[u64]) -> Vec<u8> {
    let mut record = vec![FORMAT];
    for number in numbers {
        record.extend_from_slice(&number.to_be_bytes());
    }
    let checksum = checksum(&[key, &record]);
    record.extend_from_slice(&checksum.to_be_bytes());
    record
}

fn read_record<const NUMBERS: usize>(
    key: &[u8],
    record: &[u8],
) -> Result<[u64; NUMBERS], Unreadable> {
    check_format(record)?;
    let wrong_length = Unreadable::Damaged("its length is wrong");
    let (body, stored) = record.split_last_chunk::<CHECKSUM_BYTES>().ok_or(wrong_length)?;
    if u32::from_be_bytes(*stored) != checksum(&[key, body]) {
        return Err(Unreadable::Damaged("its checksum does not hold"));
    }
    let (_, mut rest) = body.split_first().ok_or(wrong_length)?;
    let mut numbers = [0; NUMBERS];
    for number in &mut numbers {
        *number = u64::from_be_bytes(take(&mut rest)?);
    }
    if rest.is_empty() { Ok(numbers) } else { Err(wrong_length) }
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
            payload: b"effects".to_vec(),
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
        assert_eq!(entry_key(LogIndex(258)), [0, 0, 0, 0, 0, 0, 1, 2]);
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
        assert!(read_entry(LogIndex(8), &good).is_err(), "under another key");
    }

    #[test]
    fn any_changed_bit_of_a_state_record_is_noticed() {
        let state = HardState { term: Term(5), vote: 2, commit: LogIndex(4) };
        let good = write_hard_state(&state);
        assert_eq!(read_hard_state(&good), Ok(state));
        for place in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[place] ^= 1 << bit;
                assert!(read_hard_state(&bad).is_err(), "byte {place} bit {bit}");
            }
        }
        for length in 0..good.len() {
            assert!(read_hard_state(&good[..length]).is_err(), "cut at {length}");
        }
        let compaction = write_compaction(LogIndex(9), Term(2));
        assert_eq!(read_compaction(&compaction), Ok((LogIndex(9), Term(2))));
        assert!(read_hard_state(&compaction).is_err(), "a record of another kind");
        assert!(read_identity(&write_hard_state(&state)).is_err(), "a record of another kind");
        assert_eq!(read_identity(&write_identity(u64::MAX - 1)), Ok(u64::MAX - 1));
        assert_eq!(read_format(&write_format()), Ok(()));
    }

    #[test]
    fn a_newer_format_is_told_from_damage() {
        let mut newer = written(&entry());
        newer[0] = FORMAT + 1;
        assert_eq!(read_entry(LogIndex(7), &newer), Err(Unreadable::NewerFormat(FORMAT + 1)));
        assert_eq!(read_format(&[9, 1, 2, 3]), Err(Unreadable::NewerFormat(9)));
        assert!(matches!(read_format(&[]), Err(Unreadable::Damaged(_))));
        assert!(matches!(read_format(&[0; 5]), Err(Unreadable::Damaged(_))));
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
                payload,
            };
            let value = written(&entry);
            prop_assert_eq!(value.len(), CHECKSUM_OFFSET + CHECKSUM_BYTES + entry.payload.len());
            prop_assert_eq!(index_of(&entry_key(entry.index)), Ok(entry.index));
            prop_assert_eq!(read_entry(entry.index, &value), Ok(entry));
        }

        #[test]
        fn bytes_of_any_kind_are_refused_without_harm(index: u64, bytes: Vec<u8>) {
            prop_assert!(read_entry(LogIndex(index), &bytes).is_err());
            prop_assert!(read_hard_state(&bytes).is_err());
            prop_assert!(read_compaction(&bytes).is_err());
        }
    }
}
