//! `--repair`: recovers, checks, ends, and says what cannot be made whole.

use crate::directory;
use quire_bson::doc;
use quire_tests::Launch;
use std::fs;
use std::path::Path;

const DATABASE: &str = "repaired";
const WHOLE: &str = "\"id\":7100036,";

fn fill(data: &Path, kill: bool) {
    let daemon = Launch::on(data).start();
    let documents: Vec<_> = (0..200).map(|id| doc! { "_id": id, "a": id % 7 }).collect();
    let mut connection = daemon.connect();
    connection.ok(DATABASE, doc! { "insert": "c", "documents": documents });
    let index = doc! { "key": { "a": 1 }, "name": "a_1" };
    connection.ok(DATABASE, doc! { "createIndexes": "c", "indexes": [index] });
    drop(connection);
    if kill {
        daemon.kill();
    } else {
        assert_eq!(daemon.stop(), Some(0));
    }
}

#[test]
fn a_store_that_crashed_is_recovered_and_checked_and_nobody_is_served() {
    let data = directory();
    fill(data.path(), true);
    let finished = Launch::on(data.path()).with(&["--repair"]).finish();
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{finished:#?}");
    assert!(!finished.stdout.contains("\"id\":23016,"), "{finished:#?}");
    let line = finished.stdout.lines().find(|line| line.contains(WHOLE)).expect("a line");
    assert!(line.contains("\"repaired.c\"") && line.contains("\"documents\":200"), "{line}");
    let daemon = Launch::on(data.path()).start();
    let reply = daemon.connect().ok(DATABASE, doc! { "count": "c" });
    assert_eq!(reply.get_i32("n").ok(), Some(200), "{reply}");
}

#[test]
fn an_empty_store_is_whole() {
    let data = directory();
    let finished = Launch::on(data.path()).with(&["--repair"]).finish();
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{finished:#?}");
}

#[test]
fn damage_that_cannot_be_repaired_ends_with_an_error_that_names_it() {
    let data = directory();
    fill(data.path(), false);
    let tables = fs::read_dir(data.path().join("data")).expect("readable");
    let tables = tables.map(|entry| entry.expect("readable").path());
    let mut tables: Vec<_> =
        tables.filter(|path| path.extension().is_some_and(|own| own == "sst")).collect();
    tables.sort_by_key(|path| path.metadata().expect("there").len());
    let table = tables.last().expect("a table file");
    let mut bytes = fs::read(table).expect("readable");
    // The first block of the file: rows or index entries.
    bytes[64] ^= 1;
    fs::write(table, bytes).expect("written");
    let finished = Launch::on(data.path()).with(&["--repair"]).finish();
    assert_eq!(finished.code, Some(14), "{finished:#?}");
    assert!(finished.stderr.contains("repaired.c"), "{finished:#?}");
    assert!(finished.stdout.contains("\"id\":7100038,"), "{finished:#?}");
}
