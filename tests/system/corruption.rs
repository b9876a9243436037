//! Damage to the files of a stopped server: told, with the name of the file, and never answered
//! with wrong data.

use crate::directory;
use quire_bson::{Binary, BinarySubtype, Document, doc};
use quire_tests::{Launch, Random, failure};
use std::fs;
use std::path::{Path, PathBuf};

const DATA_CORRUPTION_DETECTED: i32 = 301;
const DATABASE: &str = "damaged";
const DOCUMENTS: i32 = 400;
/// Places that are damaged, one after the other.
const PLACES: usize = 12;

/// Its content follows from its id.
fn document(id: i32) -> Document {
    let bytes = Random::new(id.unsigned_abs().into()).bytes(1 << 10);
    doc! { "_id": id, "content": Binary { subtype: BinarySubtype::Generic, bytes } }
}

/// A stopped server's data, all of it flushed.
fn fill(data: &Path) {
    let daemon = Launch::on(data).start();
    let documents: Vec<Document> = (0..DOCUMENTS).map(document).collect();
    daemon.connect().ok(DATABASE, doc! { "insert": "c", "documents": documents });
    assert_eq!(daemon.stop(), Some(0));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("readable") {
        let path = entry.expect("readable").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copied");
        }
    }
}

/// The largest table file of the data.
fn largest_table(data: &Path) -> PathBuf {
    let entries = fs::read_dir(data.join("data")).expect("readable");
    let paths = entries.map(|entry| entry.expect("readable").path());
    let tables = paths.filter(|path| path.extension().is_some_and(|own| own == "sst"));
    tables.max_by_key(|path| path.metadata().expect("there").len()).expect("a table file")
}

fn flip_a_bit(file: &Path, at: usize, bit: usize) {
    let mut bytes = fs::read(file).expect("readable");
    bytes[at] ^= 1 << (bit % 8);
    fs::write(file, bytes).expect("written");
}

/// What became of reading everything.
#[derive(Debug, PartialEq)]
enum Found {
    Refused,
    Told,
    /// The damage lay where nobody looked; all data was right.
    Whole,
}

fn read_all(data: &Path, table: &str) -> Found {
    let daemon = match Launch::on(data).try_start() {
        Ok(daemon) => daemon,
        Err(finished) => {
            assert_ne!(finished.code, Some(0), "{finished:#?}");
            assert!(finished.stderr.contains(table), "the file is not named: {finished:#?}");
            return Found::Refused;
        }
    };
    let mut connection = daemon.connect();
    let first = connection.reply(DATABASE, doc! { "find": "c", "sort": { "_id": 1 } });
    let found = match connection.drain(DATABASE, first) {
        Err((code, message)) => {
            assert_eq!(code, DATA_CORRUPTION_DETECTED, "{message}");
            assert!(message.contains(table), "the file is not named: {message}");
            Found::Told
        }
        Ok(found) => {
            let whole: Vec<Document> = (0..DOCUMENTS).map(document).collect();
            assert!(found == whole, "wrong data: {} documents", found.len());
            Found::Whole
        }
    };
    // Whatever single reads give is right, or is refused with the same code.
    for id in (0..DOCUMENTS).step_by(37) {
        let first = connection.reply(DATABASE, doc! { "find": "c", "filter": { "_id": id } });
        match connection.drain(DATABASE, first) {
            Ok(one) => assert!(one == [document(id)], "wrong data for {id}"),
            Err((code, message)) => assert_eq!(code, DATA_CORRUPTION_DETECTED, "{message}"),
        }
    }
    let report = connection.reply(DATABASE, doc! { "validate": "c", "full": true });
    let clean = failure(&report).is_none() && report.get_bool("valid").unwrap_or(false);
    assert_eq!(clean, found == Found::Whole, "{report}");
    found
}

#[test]
fn a_damaged_table_file_is_named_and_never_gives_wrong_data() {
    let pristine = directory();
    fill(pristine.path());
    let table = largest_table(pristine.path());
    let name = table.file_name().expect("a name").to_string_lossy().into_owned();
    let length = fs::read(&table).expect("readable").len();
    let mut random = Random::new(7);
    let mut outcomes = Vec::new();
    for place in 0..PLACES {
        let damaged = directory();
        copy(pristine.path(), damaged.path());
        // Spread over the whole file: data blocks first, then filters, index and footer.
        let at = (length / PLACES) * place + random.below(length / PLACES);
        flip_a_bit(&damaged.path().join("data").join(&name), at, random.below(8));
        outcomes.push(read_all(damaged.path(), &name));
    }
    eprintln!("bits flipped in {name}: {outcomes:?}");
    let told = outcomes.iter().filter(|found| **found != Found::Whole).count();
    assert!(told > PLACES / 2, "most of the file is data: {outcomes:?}");
}

#[test]
fn a_missing_table_file_is_named() {
    let data = directory();
    fill(data.path());
    let table = largest_table(data.path());
    fs::remove_file(&table).expect("ours");
    let name = table.file_name().expect("a name").to_string_lossy().into_owned();
    let found = read_all(data.path(), &name);
    assert_ne!(found, Found::Whole);
}

#[test]
fn a_cut_manifest_keeps_the_server_from_starting_with_half_the_data() {
    let data = directory();
    fill(data.path());
    let entries = fs::read_dir(data.path().join("data")).expect("readable");
    let mut names = entries.map(|entry| entry.expect("readable").path());
    let manifest = names
        .find(|path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("MANIFEST")))
        .expect("a manifest");
    let bytes = fs::read(&manifest).expect("readable");
    fs::write(&manifest, &bytes[..bytes.len() / 2]).expect("written");
    let name = manifest.file_name().expect("a name").to_string_lossy().into_owned();
    read_all(data.path(), &name);
}

const UNCAUGHT: Option<i32> = Some(100);

/// The segment of the log that is written to, and where what was written to it ends.
fn youngest_segment(data: &Path) -> (PathBuf, usize) {
    let entries = fs::read_dir(data.join("log")).expect("readable");
    let mut segments: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    segments.sort();
    let ends = segments.into_iter().rev().map(|path| {
        let bytes = fs::read(&path).expect("readable");
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        (path, end)
    });
    // One that is prepared for later is zeros.
    ends.into_iter().find(|(_, end)| *end > 0).expect("a segment")
}

#[test]
fn a_flipped_bit_in_the_youngest_part_of_the_log_is_named_and_never_ends_it_silently() {
    let pristine = directory();
    let daemon = Launch::on(pristine.path()).start();
    let mut connection = daemon.connect();
    for id in 0..DOCUMENTS {
        connection.ok(DATABASE, doc! { "insert": "c", "documents": [document(id)] });
    }
    drop(connection);
    // The writes since the start are in the log only.
    daemon.kill();
    let (segment, end) = youngest_segment(pristine.path());
    let name = segment.file_name().expect("a name").to_string_lossy().into_owned();
    let mut random = Random::new(11);
    let mut outcomes = Vec::new();
    for place in 0..PLACES {
        let damaged = directory();
        copy(pristine.path(), damaged.path());
        // Two in the last append itself, the others nearer and nearer to it.
        let from = (end - 1_000) >> (PLACES.saturating_sub(place + 2));
        let at = if place < 2 { end - 1 - random.below(900) } else { end - 1_000 - from / 2 };
        flip_a_bit(&damaged.path().join("log").join(&name), at, random.below(8));
        let found = read_all(damaged.path(), &name);
        if found == Found::Refused {
            let finished = Launch::on(damaged.path()).finish();
            assert_eq!(finished.code, UNCAUGHT, "{finished:#?}");
            assert_eq!(finished.stderr.lines().count(), 1, "{finished:#?}");
            assert!(finished.stderr.contains("restore a backup"), "{finished:#?}");
        }
        outcomes.push(found);
    }
    eprintln!("bits flipped in {name}: {outcomes:?}");
    let refused = outcomes.iter().filter(|found| **found == Found::Refused).count();
    assert!(refused > PLACES / 2, "most of it is entries: {outcomes:?}");
}

#[test]
fn an_append_that_was_cut_off_is_the_end_of_the_log() {
    let data = directory();
    fill(data.path());
    // As a power cut leaves it that comes before the sync: of a frame some sectors, and no head.
    let (segment, end) = youngest_segment(data.path());
    let mut bytes = fs::read(&segment).expect("readable");
    let at = end.next_multiple_of(512) + 512;
    bytes[at..at + 512].fill(0xa5);
    fs::write(&segment, bytes).expect("written");
    let name = segment.file_name().expect("a name").to_string_lossy().into_owned();
    assert_eq!(read_all(data.path(), &name), Found::Whole);
}
