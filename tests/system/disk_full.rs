//! A disk that fills up: writes are refused, reads go on, nothing acknowledged is lost, and when
//! space returns so do writes, without a restart.
//!
//! Needs a small file system of its own, which only root may mount; who may not skips this aloud.

use quire_bson::{Binary, BinarySubtype, Document, doc};
use quire_tests::{Connection, Daemon, Launch, Random, SmallDisk, failure};
use std::path::PathBuf;
use std::time::{Duration, Instant};

const OUT_OF_DISK_SPACE: i32 = 14031;
/// The lines that tell of either turn.
const FULL: i64 = 7_100_010;
const SPACE_AGAIN: i64 = 7_100_011;

const DATABASE: &str = "small";
const MEGABYTES: u32 = 160;
/// What the ballast leaves: less than the server wants to keep in reserve.
const LEFT_BYTES: u64 = 4 << 20;
/// A file of the log.
const SEGMENT_BYTES: u64 = 16 << 20;

fn small_disk() -> Option<SmallDisk> {
    match SmallDisk::mount(MEGABYTES) {
        Ok(disk) => Some(disk),
        Err(error) => {
            eprintln!("SKIPPED: no small file system can be mounted here: {error}");
            None
        }
    }
}

fn start(disk: &SmallDisk) -> Daemon {
    let data = disk.path().join("db");
    if !data.exists() {
        std::fs::create_dir(&data).expect("made");
    }
    Launch::on(&data).start()
}

/// Waits until the log has its next file, so that nothing more takes space unasked.
fn wait_until_prepared(disk: &SmallDisk) {
    let since = Instant::now();
    let is_whole = |path: PathBuf| path.metadata().is_ok_and(|file| file.len() == SEGMENT_BYTES);
    loop {
        let files = std::fs::read_dir(disk.path().join("db/log")).expect("readable");
        let whole = files.filter(|file| file.as_ref().is_ok_and(|file| is_whole(file.path())));
        if whole.count() == 2 {
            return;
        }
        assert!(since.elapsed() < quire_tests::PATIENCE, "no file was prepared");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A document that no compressor makes smaller.
fn bulky(id: i32, random: &mut Random) -> Document {
    let bytes = random.bytes(64 << 10);
    doc! { "_id": id, "bulk": Binary { subtype: BinarySubtype::Generic, bytes } }
}

fn insert(connection: &mut Connection, document: Document) -> Result<(), (i32, String)> {
    let reply = connection.reply(DATABASE, doc! { "insert": "c", "documents": [document] });
    failure(&reply).map_or(Ok(()), Err)
}

/// The ids that can be read, in order, each with its whole document.
fn assert_holds(connection: &mut Connection, ids: &[i32]) {
    let find = doc! { "find": "c", "sort": { "_id": 1 }, "projection": { "_id": 1 } };
    let found = connection.documents(DATABASE, find);
    let found: Vec<i32> = found.iter().map(|d| d.get_i32("_id").expect("a number")).collect();
    assert_eq!(found, ids);
}

#[test]
fn a_full_disk_refuses_writes_and_space_brings_them_back_without_a_restart() {
    let Some(disk) = small_disk() else { return };
    let daemon = start(&disk);
    let mut random = Random::new(1);
    let mut connection = daemon.connect();
    insert(&mut connection, bulky(1, &mut random)).expect("there is space");

    wait_until_prepared(&disk);
    let ballast = disk.fill_to(LEFT_BYTES).expect("there is space");
    let before = daemon.log().len();
    daemon.logged(FULL);
    let (code, message) = insert(&mut connection, bulky(2, &mut random)).expect_err("no space");
    assert_eq!(code, OUT_OF_DISK_SPACE, "{message}");
    let update = doc! { "q": { "_id": 1 }, "u": { "$set": { "more": 1 } } };
    let update = doc! { "update": "c", "updates": [update] };
    assert_eq!(connection.fails(DATABASE, update).0, OUT_OF_DISK_SPACE);
    let create = doc! { "create": "other" };
    assert_eq!(connection.fails(DATABASE, create).0, OUT_OF_DISK_SPACE);
    assert_holds(&mut connection, &[1]);

    std::fs::remove_file(ballast).expect("ours");
    daemon.logged_since(SPACE_AGAIN, before);
    insert(&mut connection, bulky(2, &mut random)).expect("space is back");
    assert_holds(&mut connection, &[1, 2]);
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn writing_until_the_disk_is_full_loses_nothing_and_a_restart_still_works() {
    let Some(disk) = small_disk() else { return };
    let mut daemon = start(&disk);
    let mut random = Random::new(2);
    let mut connection = daemon.connect();
    let mut acknowledged = Vec::new();
    for id in 0.. {
        match insert(&mut connection, bulky(id, &mut random)) {
            Ok(()) => acknowledged.push(id),
            Err((code, message)) => {
                assert_eq!(code, OUT_OF_DISK_SPACE, "{message}");
                break;
            }
        }
    }
    eprintln!("{} documents of 64 KiB fit on {MEGABYTES} MB", acknowledged.len());
    assert!(acknowledged.len() > 100, "the disk was full too early: {acknowledged:?}");
    assert_holds(&mut connection, &acknowledged);
    daemon.assert_well("a full disk");

    // Somebody else takes the reserve too: what is not flushed stays in the log.
    disk.fill_to(LEFT_BYTES).expect("ours");
    // In order and by a crash: both find everything again.
    assert_eq!(daemon.stop(), Some(0));
    let daemon = start(&disk);
    daemon.logged(FULL);
    assert_holds(&mut daemon.connect(), &acknowledged);
    daemon.kill();
    let daemon = start(&disk);
    let mut connection = daemon.connect();
    assert_holds(&mut connection, &acknowledged);
    daemon.logged(FULL);
    let refused = insert(&mut connection, bulky(-1, &mut random));
    assert_eq!(refused.expect_err("still full").0, OUT_OF_DISK_SPACE);

    disk.resize(4 * MEGABYTES).expect("mounted by us");
    daemon.logged(SPACE_AGAIN);
    insert(&mut connection, bulky(-1, &mut random)).expect("space is back");
    acknowledged.insert(0, -1);
    assert_holds(&mut connection, &acknowledged);
    let report = connection.ok(DATABASE, doc! { "validate": "c", "full": true });
    assert_eq!(report.get_bool("valid").ok(), Some(true), "{report}");
    assert_eq!(daemon.stop(), Some(0));
}
