//! Data of a newer version: left to who can read it, with the exit code that says so.

use crate::Fresh;
use quire_tests::{Finished, Launch};
use std::fs;
use std::path::Path;

const NEED_DOWNGRADE: Option<i32> = Some(62);

/// Adds a key to a stopped store by hand: as one record of a write-ahead log that the store finds
/// when it opens, which is the only part of its files that is simple enough to be written here.
fn put(store: &Path, column_family: u8, key: &[u8], value: &[u8]) {
    const FULL_RECORD: u8 = 1;
    const PUT_INTO_FAMILY: u8 = 5;
    let short = |bytes: &[u8]| u8::try_from(bytes.len()).expect("fits into one byte");
    // Later than everything that is there.
    let mut batch = (1_u64 << 40).to_le_bytes().to_vec();
    batch.extend(1_u32.to_le_bytes());
    batch.extend([PUT_INTO_FAMILY, column_family, short(key)]);
    batch.extend(key);
    batch.push(short(value));
    batch.extend(value);
    let mut checked = vec![FULL_RECORD];
    checked.extend(&batch);
    let mut record = masked(crc32c(&checked)).to_le_bytes().to_vec();
    record.extend(u16::from(short(&batch)).to_le_bytes());
    record.extend(checked);
    fs::write(store.join("900000.log"), record).expect("written");
}

/// How the store keeps checksums of data that may hold checksums itself.
fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
        }
    }
    !crc
}

/// The key spaces behind the one that every store has unused.
const META: u8 = 1;
const FORMAT_VERSION: &[u8] = &[0];

fn declined(data: &Path, says: &str) {
    // Twice: the refusal must not have changed what is there.
    for _ in 0..2 {
        let finished: Finished = Launch::on(data).finish();
        assert_eq!(finished.code, NEED_DOWNGRADE, "{finished:#?}");
        assert!(finished.stderr.contains("exception in initAndListen"), "{finished:#?}");
        assert!(finished.stderr.contains(says), "{finished:#?}");
        assert!(finished.stderr.ends_with("terminating"), "{finished:#?}");
        assert_eq!(finished.stderr.lines().count(), 1, "{finished:#?}");
    }
}

fn stopped_store() -> tempfile::TempDir {
    let Fresh { daemon, directory } = Fresh::start();
    assert_eq!(daemon.stop(), Some(0));
    directory
}

#[test]
fn data_of_a_newer_format_is_left_to_the_version_that_wrote_it() {
    let directory = stopped_store();
    put(&directory.path().join("data"), META, FORMAT_VERSION, &77_u32.to_le_bytes());
    declined(directory.path(), "format 77");
}

#[test]
fn a_log_of_a_newer_format_is_left_to_the_version_that_wrote_it() {
    /// Where the head of a segment says its format.
    const FORMAT_OFFSET: usize = 7;
    let directory = stopped_store();
    let segment = directory.path().join("log").join("0000000000000001.segment");
    let mut bytes = fs::read(&segment).expect("readable");
    bytes[FORMAT_OFFSET] = 77;
    fs::write(&segment, bytes).expect("written");
    declined(directory.path(), "format 77");
}

#[test]
fn a_log_from_before_segment_files_is_left_to_the_version_that_wrote_it() {
    let directory = stopped_store();
    fs::write(directory.path().join("log").join("CURRENT"), "MANIFEST-000005\n").expect("written");
    declined(directory.path(), "a version from before segment files");
}

#[test]
fn what_is_written_by_hand_is_found_and_the_present_format_is_served() {
    let directory = stopped_store();
    put(&directory.path().join("data"), META, FORMAT_VERSION, &1_u32.to_le_bytes());
    assert_eq!(Launch::on(directory.path()).start().stop(), Some(0));
}
