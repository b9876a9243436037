//! Finding out what a log holds when it is opened.
//!
//! Looks at the state, at both ends and at a stretch before the last entry, so that opening takes
//! the same time however long the log is. Gaps and damage further in are found when they are read.

use super::{Bounds, ENTRIES, STATE, from_engine, missing, unreadable};
use crate::encoding::{self, COMPACTION_KEY, FORMAT_KEY, HARD_STATE_KEY, IDENTITY_KEY, Unreadable};
use crate::{Entry, LogError, LogIndex};
use quire_engine::{Batch, Direction, Durability, Engine, KeyRange};
use std::ops::{Bound, ControlFlow};

/// What was written last is what a crash can have harmed.
const CHECKED_ENTRIES_MAX: u64 = 256;
const CHECKED_BYTES_MAX: usize = 4 << 20;

/// The positions and the hard state of the log in `engine`; makes an empty engine a log.
pub(super) fn bounds(engine: &dyn Engine) -> Result<Bounds, LogError> {
    check_format(engine)?;
    let mut bounds = Bounds {
        hard_state: state(engine, HARD_STATE_KEY, "the hard state", encoding::read_hard_state)?
            .unwrap_or_default(),
        identity: state(engine, IDENTITY_KEY, "the identity", encoding::read_identity)?,
        ..Bounds::default()
    };
    let compaction = encoding::read_compaction;
    bounds.compacted =
        state(engine, COMPACTION_KEY, "the compaction point", compaction)?.unwrap_or_default();
    bounds.last = bounds.compacted;

    let first = end(engine, bounds.compacted.0, Direction::Forward)?;
    if let Some(first) = first {
        if first != bounds.compacted.0.next() {
            return Err(missing(bounds.compacted.0.next()));
        }
        if let Some(last) = end(engine, bounds.compacted.0, Direction::Backward)? {
            bounds.last = check_tail(engine, first, last)?;
        }
    }
    if bounds.hard_state.commit > bounds.last.0 {
        // Both were written by one batch, or the entries before the hard state.
        return Err(LogError::Corruption(format!(
            "it ends with entry {} although entry {} was committed",
            bounds.last.0, bounds.hard_state.commit
        )));
    }
    Ok(bounds)
}

/// Decodes a stored entry, which must be the expected one.
pub(super) fn entry_at(expected: LogIndex, key: &[u8], value: &[u8]) -> Result<Entry, LogError> {
    match encoding::index_of(key) {
        Ok(index) if index == expected => encoding::read_entry(index, value)
            .map_err(|why| unreadable(&format!("entry {index}"), why)),
        Ok(_) => Err(missing(expected)),
        Err(why) => Err(unreadable(&format!("what stands near entry {expected}"), why)),
    }
}

fn check_format(engine: &dyn Engine) -> Result<(), LogError> {
    match engine.get(STATE, FORMAT_KEY).map_err(from_engine)? {
        Some(record) => encoding::read_format(&record).map_err(|why| unreadable("the log", why)),
        None => {
            for space in [ENTRIES, STATE] {
                let mut empty = true;
                engine
                    .scan(space, KeyRange::ALL, Direction::Forward, &mut |_, _| {
                        empty = false;
                        ControlFlow::Break(())
                    })
                    .map_err(from_engine)?;
                if !empty {
                    return Err(LogError::Corruption("its format is not recorded".into()));
                }
            }
            let mut batch = Batch::new();
            batch.put(STATE, FORMAT_KEY, &encoding::write_format());
            engine.write(&batch, Durability::Synced).map_err(from_engine)
        }
    }
}

fn state<T>(
    engine: &dyn Engine,
    key: &[u8],
    name: &str,
    read: impl Fn(&[u8]) -> Result<T, Unreadable>,
) -> Result<Option<T>, LogError> {
    let record = engine.get(STATE, key).map_err(from_engine)?;
    record.map(|record| read(&record).map_err(|why| unreadable(name, why))).transpose()
}

/// The first or the last entry above the compaction point.
fn end(
    engine: &dyn Engine,
    compacted: LogIndex,
    direction: Direction,
) -> Result<Option<LogIndex>, LogError> {
    let lower = encoding::entry_key(compacted);
    let range = KeyRange { lower: Bound::Excluded(&lower), upper: Bound::Unbounded };
    let mut found = None;
    engine
        .scan(ENTRIES, range, direction, &mut |key, _| {
            found = Some(encoding::index_of(key));
            ControlFlow::Break(())
        })
        .map_err(from_engine)?;
    found.transpose().map_err(|why| unreadable("the log", why))
}

/// Reads backward from the last entry, for as far as it is checked, and returns its position.
fn check_tail(
    engine: &dyn Engine,
    first: LogIndex,
    last: LogIndex,
) -> Result<super::Position, LogError> {
    let from = first.0.max(last.0.saturating_sub(CHECKED_ENTRIES_MAX - 1));
    let (lower, upper) = (from.to_be_bytes(), encoding::entry_key(last));
    let range = KeyRange { lower: Bound::Included(&lower), upper: Bound::Included(&upper) };
    let (mut position, mut expected, mut bytes) = (None, last.0, 0);
    let mut checked = Ok(());
    engine
        .scan(ENTRIES, range, Direction::Backward, &mut |key, value| {
            match entry_at(LogIndex(expected), key, value) {
                Ok(entry) => position = position.or(Some((entry.index, entry.term))),
                Err(error) => {
                    checked = Err(error);
                    return ControlFlow::Break(());
                }
            }
            bytes += value.len();
            expected = expected.saturating_sub(1);
            if bytes > CHECKED_BYTES_MAX {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })
        .map_err(from_engine)?;
    checked?;
    if bytes <= CHECKED_BYTES_MAX && expected >= from {
        return Err(missing(LogIndex(expected)));
    }
    position.ok_or_else(|| missing(last))
}
