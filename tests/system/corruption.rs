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
