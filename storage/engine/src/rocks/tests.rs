//! What is particular to RocksDB: its two ways of being durable, its files, its errors.

use super::*;
use crate::Direction;
use std::ops::ControlFlow;
use std::path::PathBuf;
use tempfile::TempDir;

const SPACES: &[&str] = &["rows", "marks"];
const ROWS: Space = Space(0);
const MARKS: Space = Space(1);

fn small(options: RocksOptions) -> RocksOptions {
    RocksOptions { cache_bytes: 1 << 20, memtable_bytes: 1 << 20, ..options }
}

fn data(directory: &TempDir) -> RocksOptions {
    small(RocksOptions::data(directory.path().join("data"), SPACES))
}

fn put(engine: &RocksEngine, space: Space, key: &[u8], value: &[u8], durability: Durability) {
    let mut batch = Batch::new();
    batch.put(space, key, value);
    engine.write(&batch, durability).unwrap();
}

fn failure(options: RocksOptions) -> EngineError {
    RocksEngine::open(options).map(|_| ()).unwrap_err()
}

/// The table files of the store.
fn tables(options: &RocksOptions) -> Vec<PathBuf> {
    let files = std::fs::read_dir(&options.path).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|kind| kind == "sst")).collect()
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// A store with one table file of some blocks.
fn with_one_table(directory: &TempDir) -> (RocksOptions, PathBuf) {
    let options = data(directory);
    let engine = RocksEngine::open(options.clone()).unwrap();
    let mut batch = Batch::new();
    for number in 0..5000_u32 {
        batch.put(ROWS, &number.to_be_bytes(), &number.wrapping_mul(2_654_435_761).to_be_bytes());
    }
    engine.write(&batch, Durability::Unsynced).unwrap();
    engine.flush().unwrap();
    drop(engine);
    let tables = tables(&options);
    assert_eq!(tables.len(), 1);
    (options, tables[0].clone())
}

#[test]
fn data_without_a_log_is_durable_at_the_flush_and_not_before() {
    let directory = tempfile::tempdir().unwrap();
    let engine = RocksEngine::open(data(&directory)).unwrap();
    put(&engine, ROWS, b"key", b"1", Durability::Unsynced);
    assert_eq!(engine.get_durable(ROWS, b"key").unwrap(), None);
    engine.flush().unwrap();
    put(&engine, ROWS, b"key", b"2", Durability::Unsynced);
    assert_eq!(engine.get_durable(ROWS, b"key").unwrap(), Some(b"1".to_vec()));
    assert_eq!(engine.get(ROWS, b"key").unwrap(), Some(b"2".to_vec()));
}

#[test]
fn flushes_that_rocksdb_starts_itself_take_all_spaces_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let engine = RocksEngine::open(data(&directory)).unwrap();
    for number in 0..20_000_u32 {
        let mut batch = Batch::new();
        batch.put(ROWS, &number.to_be_bytes(), &[number as u8; 500]);
        batch.put(MARKS, b"reached", &number.to_be_bytes());
        engine.write(&batch, Durability::Unsynced).unwrap();
    }
    let durable = engine.get_durable(MARKS, b"reached").unwrap().expect("a flush happened");
    let reached = u32::from_be_bytes(durable.try_into().unwrap());
    assert!(reached < 19_999, "the last writes are still in memory");
    let row = |number: u32| engine.get_durable(ROWS, &number.to_be_bytes()).unwrap();
    assert!(row(reached).is_some(), "row {reached} went with its mark");
}

#[test]
fn a_small_allowance_is_used_before_it_is_flushed() {
    const MANY: &[&str] = &["a", "b", "c", "d", "e", "f", "g"];
    let directory = tempfile::tempdir().unwrap();
    let engine = RocksEngine::open(RocksOptions { spaces: MANY, ..data(&directory) }).unwrap();
    for number in 0..50_u32 {
        let mut batch = Batch::new();
        for space in 0..MANY.len() as u8 {
            batch.put(Space(space), &number.to_be_bytes(), &[1; 1000]);
        }
        engine.write(&batch, Durability::Unsynced).unwrap();
    }
    assert_eq!(engine.get_durable(ROWS, &0_u32.to_be_bytes()).unwrap(), None);
    assert_eq!(engine.stats().disk_bytes, 0);
}

#[test]
fn a_store_is_opened_once_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let first = RocksEngine::open(data(&directory)).unwrap();
    let error = failure(data(&directory));
    assert!(matches!(error, EngineError::InUse(_)), "{error}");
    drop(first);
    RocksEngine::open(data(&directory)).unwrap();
}

#[test]
fn a_held_snapshot_keeps_the_store_open() {
    let directory = tempfile::tempdir().unwrap();
    let engine = RocksEngine::open(data(&directory)).unwrap();
    let snapshot = engine.snapshot();
    drop(engine);
    assert!(matches!(failure(data(&directory)), EngineError::InUse(_)));
    drop(snapshot);
    RocksEngine::open(data(&directory)).unwrap();
}

#[test]
fn damage_on_disk_is_found_and_its_file_named() {
    let directory = tempfile::tempdir().unwrap();
    let (options, table) = with_one_table(&directory);
    let engine = RocksEngine::open(options.clone()).unwrap();
    engine.verify_checksums().unwrap();
    // Reads everything into the cache, from where it reads well for long.
    engine
        .scan(ROWS, KeyRange::ALL, Direction::Forward, &mut |_, _| ControlFlow::Continue(()))
        .unwrap();

    let mut bytes = std::fs::read(&table).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&table, bytes).unwrap();

    let error = engine.verify_checksums().unwrap_err();
    assert!(
        matches!(&error, EngineError::Corruption(text) if text.contains(name(&table))),
        "{error}"
    );

    drop(engine);
    let engine = RocksEngine::open(options).unwrap();
    let read =
        engine.scan(ROWS, KeyRange::ALL, Direction::Forward, &mut |_, _| ControlFlow::Continue(()));
    let error = read.unwrap_err();
    assert!(
        matches!(&error, EngineError::Corruption(text) if text.contains(name(&table))),
        "{error}"
    );
}

#[test]
fn a_missing_table_is_damage_and_not_an_empty_store() {
    let directory = tempfile::tempdir().unwrap();
    let (options, table) = with_one_table(&directory);
    std::fs::remove_file(&table).unwrap();
    let error = failure(options);
    assert!(
        matches!(&error, EngineError::Corruption(text) if text.contains(name(&table))),
        "{error}"
    );
}

#[test]
fn a_cut_table_is_damage() {
    let directory = tempfile::tempdir().unwrap();
    let (options, table) = with_one_table(&directory);
    let whole = std::fs::read(&table).unwrap();
    std::fs::write(&table, &whole[..whole.len() / 2]).unwrap();
    let error = failure(options);
    assert!(
        matches!(&error, EngineError::Corruption(text) if text.contains(name(&table))),
        "{error}"
    );
}

#[test]
fn spaces_can_be_added_and_an_unknown_one_is_refused() {
    const MORE: &[&str] = &["rows", "marks", "future"];
    let directory = tempfile::tempdir().unwrap();
    let options = data(&directory);
    let engine = RocksEngine::open(options.clone()).unwrap();
    put(&engine, ROWS, b"key", b"old", Durability::Synced);
    drop(engine);

    let engine = RocksEngine::open(RocksOptions { spaces: MORE, ..options.clone() }).unwrap();
    assert_eq!(engine.get(ROWS, b"key").unwrap(), Some(b"old".to_vec()));
    put(&engine, Space(2), b"key", b"new", Durability::Synced);
    drop(engine);

    let error = failure(options).to_string();
    assert!(error.contains("newer version") && error.contains("future"), "{error}");
}

#[test]
fn a_path_that_cannot_be_a_store_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let error = failure(RocksOptions { path: file, ..data(&directory) });
    assert!(matches!(error, EngineError::Io(_)), "{error}");
}

#[test]
fn a_store_in_memory_leaves_nothing_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    let files = MemoryFiles::new().unwrap();
    let options = RocksOptions { memory_files: Some(files), ..data(&directory) };
    let engine = RocksEngine::open(options.clone()).unwrap();
    put(&engine, ROWS, b"key", b"value", Durability::Synced);
    assert_eq!(engine.stats().name, "rocksdb in memory");
    assert_eq!(std::fs::read_dir(&options.path).unwrap().count(), 0);
}

#[test]
fn what_is_not_on_disk_yet_counts_against_the_cache() {
    let directory = tempfile::tempdir().unwrap();
    let options = data(&directory);
    let options = RocksOptions { memtable_bytes: 8 << 20, cache_bytes: 64 << 20, ..options };
    let engine = RocksEngine::open(options).unwrap();
    let before = engine.stats().cache_bytes;
    let mut batch = Batch::new();
    for number in 0_u32..2000 {
        batch.put(ROWS, &number.to_be_bytes(), &[7; 1024]);
    }
    engine.write(&batch, Durability::Unsynced).unwrap();
    assert!(engine.stats().cache_bytes >= before + (2 << 20));
}

#[test]
fn statistics_follow_the_data() {
    let directory = tempfile::tempdir().unwrap();
    let (options, table) = with_one_table(&directory);
    let engine = RocksEngine::open(options).unwrap();
    engine.get(ROWS, &[0; 4]).unwrap();
    let stats = engine.stats();
    assert_eq!(stats.name, "rocksdb");
    assert_eq!(stats.disk_bytes, std::fs::metadata(table).unwrap().len());
    assert!(stats.cache_bytes > 0 && stats.cache_capacity_bytes == 7 << 17);
    assert_eq!(stats.background_errors, 0);
}
