//! The engine's and the log's own figures: called by one thread of ours, with the keys, sizes and
//! settings that the server gives them.
//!
//! Owns a store of each dataset and the work that is measured on it.

use crate::action::GROUP_DOCUMENTS;
use crate::dataset::{Dataset, groups};
use crate::documents::{DOCUMENT_BYTES, Documents};
use crate::histogram::Histogram;
use crate::random::Random;
use crate::scratch::Scratch;
use quire_bson::{RawDoc, RawValue};
use quire_engine::{Batch, Direction, Durability, Engine, KeyRange, Read, RocksEngine};
use quire_engine::{RocksOptions, Space};
use quire_keys::{Key, KeySpace, encode_value};
use quire_log::{
    DiskFiles, Entry, EntryKind, LogIndex, LogStore, SEGMENT_BYTES, SegmentLog, Term, Timestamp,
};
use quire_tests::{Failure, Result};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SPACES: &[&str] = &["meta", "rows", "index", "sessions"];
const ROWS: Space = Space(KeySpace::Rows.number());
const COLLECTION: u32 = 1;

/// The format and revision before each document of a row.
const ROW_HEAD: [u8; 9] = [1, 0, 0, 0, 0, 0, 0, 0, 0];

/// What is done at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// One get.
    Get,
    /// A seek and the hundred rows behind it.
    Range,
    /// Gets of a hundred rows that lie far apart, in one call.
    MultiGet,
    /// So many new rows: an entry of the log, synced, and a batch of the engine, not synced.
    Commit(u16),
    /// Every row, one after the other.
    Scan,
    /// The same, counting by the value of a field.
    ScanAndGroup(&'static str),
}

/// Stores that were filled once.
pub(crate) struct InProcess<'a> {
    directory: &'a Path,
    records: u64,
    cache_bytes: usize,
    filled: Vec<(Dataset, Filled)>,
}

struct Filled {
    engine: RocksEngine,
    // Behind the engine, so that it is removed after the engine is closed.
    _directory: Scratch,
}

impl<'a> InProcess<'a> {
    pub(crate) fn new(directory: &'a Path, records: u64, cache_bytes: usize) -> InProcess<'a> {
        InProcess { directory, records, cache_bytes, filled: Vec::new() }
    }

    /// Makes what `measure` needs.
    pub(crate) fn prepare(&mut self, dataset: Dataset) -> Result<()> {
        if self.filled.iter().any(|(own, _)| *own == dataset) {
            return Ok(());
        }
        let directory = Scratch::new(self.directory, dataset.name())?;
        let engine = open(&directory, self.cache_bytes)?;
        let mut batch = Batch::new();
        let mut rows = 0u64;
        dataset.each(self.records, &mut |id, document| {
            put(&mut batch, RawValue::Int64(id), document.as_bytes());
            rows += 1;
            if rows.is_multiple_of(1000) || rows == self.records {
                engine.write(&batch, Durability::Unsynced).map_err(failure)?;
                batch = Batch::new();
            }
            Ok(())
        })?;
        engine.flush().map_err(failure)?;
        self.filled.push((dataset, Filled { engine, _directory: directory }));
        Ok(())
    }

    /// Does the work for a while.
    pub(crate) fn measure(
        &self,
        work: Work,
        dataset: Option<Dataset>,
        seed: u64,
        duration: Duration,
    ) -> Result<(Histogram, Duration)> {
        if let Work::Commit(count) = work {
            return commits(self.directory, self.cache_bytes, count, duration);
        }
        let filled = self.filled.iter().find(|(own, _)| Some(*own) == dataset);
        let Some((_, filled)) = filled else { return Err(Failure::new("nothing was prepared")) };
        let mut random = Random::new(seed);
        let mut keys = Vec::new();
        repeat(duration, || {
            let seen = one(&filled.engine, work, self.records, &mut random, &mut keys)?;
            // Rows that are not there would be a figure of nothing.
            if seen == 0 { Err(Failure::new("no rows were found")) } else { Ok(()) }
        })
    }
}

fn one(
    engine: &RocksEngine,
    work: Work,
    records: u64,
    random: &mut Random,
    keys: &mut Vec<Vec<u8>>,
) -> Result<u64> {
    let mut seen = 0u64;
    let mut look = |value: &[u8]| seen += u64::from(!value.is_empty());
    match work {
        Work::Get => {
            let key = row_key(RawValue::Int64(random.below(records).cast_signed()));
            engine.get_with(ROWS, &key, &mut look).map_err(failure)?;
        }
        Work::MultiGet => {
            keys.clear();
            let step = groups(records);
            let group = random.below(step);
            let ids = (0..GROUP_DOCUMENTS).map(|place| place * step + group);
            keys.extend(ids.map(|id| row_key(RawValue::Int64(id.cast_signed()))));
            let views: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
            let mut each = |_, value: Option<&[u8]>| look(value.unwrap_or_default());
            engine.get_many(ROWS, &views, &mut each).map_err(failure)?;
        }
        Work::Range => {
            let from = row_key(RawValue::Int64(random.below(records).cast_signed()));
            let until = (COLLECTION + 1).to_be_bytes();
            let mut left = GROUP_DOCUMENTS;
            scan(engine, KeyRange::between(&from, &until), &mut |value| {
                look(value);
                left -= 1;
                left > 0
            })?;
        }
        Work::Scan => scan(engine, KeyRange::ALL, &mut |value| {
            look(value);
            true
        })?,
        Work::ScanAndGroup(field) => {
            let mut counts: HashMap<Vec<u8>, u64> = HashMap::new();
            scan(engine, KeyRange::ALL, &mut |value| {
                let document = value.get(ROW_HEAD.len()..).unwrap_or_default();
                let found = RawDoc::from_validated(document).get(field);
                let name = found.and_then(RawValue::as_str).unwrap_or_default();
                match counts.get_mut(name.as_bytes()) {
                    Some(count) => *count += 1,
                    None => {
                        counts.insert(name.as_bytes().to_vec(), 1);
                    }
                }
                true
            })?;
            seen = counts.values().sum();
        }
        Work::Commit(_) => return Err(Failure::new("commits have a store of their own")),
    }
    Ok(seen)
}

fn scan(
    engine: &RocksEngine,
    range: KeyRange<'_>,
    visit: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<()> {
    let mut each = |_: &[u8], value: &[u8]| match visit(value) {
        true => ControlFlow::Continue(()),
        false => ControlFlow::Break(()),
    };
    engine.scan(ROWS, range, Direction::Forward, &mut each).map_err(failure)
}

/// Appends and applies, in a new store.
fn commits(
    parent: &Path,
    cache_bytes: usize,
    count: u16,
    duration: Duration,
) -> Result<(Histogram, Duration)> {
    let directory = Scratch::new(parent, "commits")?;
    let engine = open(&directory, cache_bytes)?;
    let files = DiskFiles::open(&directory.path().join("log")).map_err(failure)?;
    let log = SegmentLog::open(Arc::new(files), SEGMENT_BYTES).map_err(failure)?;
    let documents = Documents::with_object_ids();
    let mut random = Random::new(1);
    let mut next = 0u64;
    let measured = repeat(duration, || {
        let mut payload = Vec::with_capacity(usize::from(count) * DOCUMENT_BYTES);
        let mut batch = Batch::new();
        for _ in 0..count {
            next += 1;
            let mut id = [0; 12];
            id[4..].copy_from_slice(&next.to_be_bytes());
            let start = payload.len();
            documents.append(&mut payload, &mut random, &id);
            let document = payload.get(start..).unwrap_or_default();
            put(&mut batch, RawValue::ObjectId(quire_bson::ObjectId::from_bytes(id)), document);
        }
        let index = log.last_index().next();
        let kind = EntryKind::Effects;
        let (term, timestamp, payload) = (Term(1), Timestamp(next), payload.into());
        let entry = Entry { index, term, timestamp, kind, payload };
        log.append(&[entry], None).map_err(failure)?;
        engine.write(&batch, Durability::Unsynced).map_err(failure)?;
        // As a standalone does, which keeps a few files.
        if index.0.is_multiple_of(4096) {
            log.compact(LogIndex(index.0 - 2048)).map_err(failure)?;
        }
        Ok(())
    });
    drop((log, engine));
    measured
}

fn repeat(
    duration: Duration,
    mut once: impl FnMut() -> Result<()>,
) -> Result<(Histogram, Duration)> {
    let mut latencies = Histogram::new();
    let started = Instant::now();
    loop {
        let begun = Instant::now();
        if begun - started >= duration {
            return Ok((latencies, begun - started));
        }
        once()?;
        latencies.record(begun.elapsed());
    }
}

fn open(directory: &Scratch, cache_bytes: usize) -> Result<RocksEngine> {
    let mut options = RocksOptions::data(directory.path().join("data"), SPACES);
    options.cache_bytes = cache_bytes;
    RocksEngine::open(options).map_err(failure)
}

fn row_key(id: RawValue<'_>) -> Vec<u8> {
    let mut row_key = Vec::new();
    encode_value(&mut row_key, id);
    Key::Row { collection: COLLECTION, row_key: &row_key }.encode()
}

fn put(batch: &mut Batch, id: RawValue<'_>, document: &[u8]) {
    batch.put(ROWS, &row_key(id), &[&ROW_HEAD, document].concat());
}

fn failure(error: impl std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_work_finds_the_rows_that_it_looks_for() {
        let parent = std::env::temp_dir().join(format!("quire-engine-test-{}", std::process::id()));
        let mut in_process = InProcess::new(&parent, 500, 16 << 20);
        in_process.prepare(Dataset::Indexed).unwrap();
        in_process.prepare(Dataset::Business).unwrap();
        let engine = |dataset| {
            let found = in_process.filled.iter().find(|(own, _)| *own == dataset);
            &found.unwrap().1.engine
        };
        for (dataset, work, wanted) in [
            (Dataset::Indexed, Work::Get, 1),
            (Dataset::Indexed, Work::MultiGet, 100),
            (Dataset::Business, Work::Scan, 500),
            (Dataset::Business, Work::ScanAndGroup("status"), 500),
        ] {
            let seen = one(engine(dataset), work, 500, &mut Random::new(1), &mut Vec::new());
            assert_eq!(seen.unwrap(), wanted, "{work:?}");
        }
        let short = Duration::from_millis(20);
        let commits = in_process.measure(Work::Commit(3), None, 1, short).unwrap();
        assert!(commits.0.total() > 0);
        drop(in_process);
        std::fs::remove_dir(&parent).unwrap();
    }
}
