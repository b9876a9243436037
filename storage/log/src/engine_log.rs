//! The log in an ordered engine: entries under their index, the state beside them.
//!
//! Owns the order of writes and the checks on what is read back; the bytes are `encoding`'s. What an
//! append leaves on disk is one batch, so the log holds all of it or nothing. Positions and hard
//! state are kept in memory and change only after the engine has answered.

mod load;

use crate::encoding::{self, COMPACTION_KEY, END_KEY, HARD_STATE_KEY, IDENTITY_KEY, Unreadable};
use crate::{Entry, HardState, LogError, LogIndex, LogStats, LogStore, Term, rules};
use parking_lot::{Mutex, RwLock};
use quire_engine::{Batch, Direction, Durability, Engine, EngineError, KeyRange, Space};
use std::ops::{Bound, ControlFlow, RangeInclusive};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The key spaces of the engine that holds a log.
pub const LOG_SPACES: &[&str] = &["log", "state"];

const ENTRIES: Space = Space(0);
const STATE: Space = Space(1);

/// Memory that a writer keeps between appends.
const KEPT_BUFFER_BYTES: usize = 1 << 20;

/// Opens the engine that holds the log; called again by [`LogStore::reopen`], after the engine it
/// returned before was let go.
type Opener = Box<dyn Fn() -> Result<Arc<dyn Engine>, EngineError> + Send + Sync>;

/// A log over any engine.
pub struct EngineLog {
    opener: Opener,
    /// Held by whoever changes the log, from before the engine is asked until the positions follow.
    writer: Mutex<Writer>,
    state: RwLock<State>,
    counts: Counts,
}

#[derive(Default)]
struct Writer {
    batch: Batch,
    value: Vec<u8>,
    /// The engine failed a change, so what it holds is not what `State` says.
    tail_unknown: bool,
}

struct State {
    /// Nothing between a failed attempt to open the engine and the next one.
    engine: Option<Arc<dyn Engine>>,
    bounds: Bounds,
}

/// A place in the log and the term of the entry there.
type Position = (LogIndex, Term);

#[derive(Clone, Copy, Default)]
struct Bounds {
    compacted: Position,
    last: Position,
    hard_state: HardState,
    identity: Option<u64>,
}

#[derive(Default)]
struct Counts {
    syncs: AtomicU64,
    entries: AtomicU64,
    bytes: AtomicU64,
}

impl EngineLog {
    /// Opens the log in the engine that `opener` opens: with [`LOG_SPACES`], and synced batches that
    /// are worth the name. Nobody else may hold the engine when the log is reopened.
    pub fn open(
        opener: impl Fn() -> Result<Arc<dyn Engine>, EngineError> + Send + Sync + 'static,
    ) -> Result<EngineLog, LogError> {
        let engine = opener().map_err(from_engine)?;
        let bounds = load::bounds(&*engine)?;
        if bounds.last.0 > LogIndex::ZERO {
            // What was found may be the end of an attempt whose sync failed; others will be told
            // that it is here, so a power cut must not take it away.
            let mut batch = Batch::new();
            batch.put(STATE, HARD_STATE_KEY, &encoding::write_hard_state(&bounds.hard_state));
            engine.write(&batch, Durability::Synced).map_err(from_engine)?;
        }
        Ok(EngineLog {
            opener: Box::new(opener),
            writer: Mutex::default(),
            state: RwLock::new(State { engine: Some(engine), bounds }),
            counts: Counts::default(),
        })
    }

    /// Opens the log in an engine that need not be opened again after a failure.
    pub fn over(engine: Arc<dyn Engine>) -> Result<EngineLog, LogError> {
        EngineLog::open(move || Ok(Arc::clone(&engine)))
    }

    /// Writes the batch and then lets the positions follow, or notes that they no longer hold.
    fn change(
        &self,
        writer: &mut Writer,
        durability: Durability,
        follow: impl FnOnce(&mut Bounds),
    ) -> Result<(), LogError> {
        // Readers go on while the disk works: only the step from old to new positions excludes them.
        let written = self.state.read().engine()?.write(&writer.batch, durability);
        if writer.batch.bytes() > KEPT_BUFFER_BYTES {
            writer.batch = Batch::new();
            writer.value = Vec::new();
        }
        if let Err(error) = written {
            writer.tail_unknown = true;
            return Err(from_engine(error));
        }
        follow(&mut self.state.write().bounds);
        Ok(())
    }

    /// Runs `read` beside the writer. Should that find a gap, the writer may have been between the
    /// engine and the positions, so it is tried again with no writer about.
    fn read_consistently<T>(
        &self,
        read: impl Fn(&dyn Engine, &Bounds) -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        let attempt = || {
            let state = self.state.read();
            read(state.engine()?, &state.bounds)
        };
        match attempt() {
            Err(LogError::Corruption(_)) => {
                let writer = self.writer.lock();
                writer.check_tail()?;
                attempt()
            }
            settled => settled,
        }
    }
}

impl State {
    fn engine(&self) -> Result<&dyn Engine, LogError> {
        self.engine.as_deref().ok_or_else(|| LogError::Io("it is not open".into()))
    }
}

impl Writer {
    fn check_tail(&self) -> Result<(), LogError> {
        if self.tail_unknown {
            return Err(rules::not_reopened());
        }
        Ok(())
    }

    fn put_entry(&mut self, entry: &Entry) {
        self.value.clear();
        encoding::write_entry(entry, &mut self.value);
        self.batch.put(ENTRIES, &encoding::entry_key(entry.index), &self.value);
    }

    fn put_hard_state(&mut self, hard_state: &HardState) {
        self.batch.put(STATE, HARD_STATE_KEY, &encoding::write_hard_state(hard_state));
    }

    fn put_compaction(&mut self, (index, term): Position) {
        self.batch.put(STATE, COMPACTION_KEY, &encoding::write_compaction(index, term));
    }

    /// Deletes the entries above `keep_through` up to and including `last`.
    fn delete_tail(&mut self, keep_through: LogIndex, last: LogIndex) {
        if keep_through < last {
            self.batch.delete_range(
                ENTRIES,
                &encoding::entry_key(keep_through.next()),
                &behind(last),
            );
        }
    }
}

impl LogStore for EngineLog {
    fn first_index(&self) -> LogIndex {
        self.state.read().bounds.compacted.0.next()
    }

    fn last_index(&self) -> LogIndex {
        self.state.read().bounds.last.0
    }

    fn term(&self, index: LogIndex) -> Result<Option<Term>, LogError> {
        self.read_consistently(|engine, bounds| term_of(engine, bounds, index))
    }

    fn read(&self, range: RangeInclusive<u64>, bytes_max: usize) -> Result<Vec<Entry>, LogError> {
        self.read_consistently(|engine, bounds| {
            if range.is_empty() {
                return Ok(Vec::new());
            }
            let from = LogIndex(*range.start());
            if from <= bounds.compacted.0 {
                return Err(LogError::Compacted(from));
            }
            let through = bounds.last.0.min(LogIndex(*range.end()));
            read_entries(engine, from, through, bytes_max)
        })
    }

    fn hard_state(&self) -> HardState {
        self.state.read().bounds.hard_state
    }

    fn identity(&self) -> Option<u64> {
        self.state.read().bounds.identity
    }

    fn set_identity(&self, identity: u64) -> Result<(), LogError> {
        let mut writer = self.writer.lock();
        writer.check_tail()?;
        if !rules::check_identity(self.identity(), identity)? {
            return Ok(());
        }
        writer.batch.clear();
        writer.batch.put(STATE, IDENTITY_KEY, &encoding::write_identity(identity));
        self.change(&mut writer, Durability::Synced, |bounds| bounds.identity = Some(identity))
    }

    fn append(&self, entries: &[Entry], hard_state: Option<HardState>) -> Result<(), LogError> {
        let mut writer = self.writer.lock();
        writer.check_tail()?;
        let bounds = self.state.read().bounds;
        rules::check_order(bounds.compacted.0, bounds.last, entries)?;
        let last = entries.last().map_or(bounds.last, |entry| (entry.index, entry.term));
        rules::check_committed_stays(hard_state.unwrap_or(bounds.hard_state).commit, last.0)?;
        if entries.is_empty() && hard_state.is_none() {
            return Ok(());
        }

        writer.batch.clear();
        for entry in entries {
            writer.put_entry(entry);
        }
        // Entries that were replaced are overwritten by now; what is left of the old tail goes.
        writer.delete_tail(last.0, bounds.last.0);
        if let Some(hard_state) = &hard_state {
            writer.put_hard_state(hard_state);
        }
        let bytes = writer.batch.bytes() as u64;
        self.change(&mut writer, Durability::Synced, |bounds| {
            bounds.last = last;
            bounds.hard_state = hard_state.unwrap_or(bounds.hard_state);
        })?;
        self.counts.syncs.fetch_add(1, Ordering::Relaxed);
        self.counts.entries.fetch_add(entries.len() as u64, Ordering::Relaxed);
        self.counts.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    fn compact(&self, through: LogIndex) -> Result<(), LogError> {
        let mut writer = self.writer.lock();
        writer.check_tail()?;
        let (bounds, term) = {
            let state = self.state.read();
            if through <= state.bounds.compacted.0 {
                return Ok(());
            }
            (state.bounds, term_of(state.engine()?, &state.bounds, through)?)
        };
        let term = term.ok_or_else(|| rules::nothing_to_forget(through))?;
        writer.batch.clear();
        let first = encoding::entry_key(bounds.compacted.0.next());
        writer.batch.delete_range(ENTRIES, &first, &behind(through));
        writer.put_compaction((through, term));
        // Entries that a crash brings back do no harm, so this needs no sync of its own.
        self.change(&mut writer, Durability::Unsynced, |bounds| bounds.compacted = (through, term))
    }

    fn restart_after(&self, index: LogIndex, term: Term) -> Result<(), LogError> {
        let mut writer = self.writer.lock();
        writer.check_tail()?;
        let Bounds { mut hard_state, identity, .. } = self.state.read().bounds;
        rules::check_committed_stays(hard_state.commit, index)?;
        // What a snapshot contains is committed.
        hard_state.commit = index;
        writer.batch.clear();
        writer.batch.delete_range(ENTRIES, &[], END_KEY);
        writer.put_compaction((index, term));
        writer.put_hard_state(&hard_state);
        self.change(&mut writer, Durability::Synced, |bounds| {
            let position = (index, term);
            *bounds = Bounds { compacted: position, last: position, hard_state, identity };
        })
    }

    fn reopen(&self, keep_through: LogIndex) -> Result<(), LogError> {
        let mut writer = self.writer.lock();
        let mut state = self.state.write();
        writer.tail_unknown = true;
        // An engine on disk is locked by whoever has it open.
        state.engine = None;
        let engine = (self.opener)().map_err(from_engine)?;
        let mut bounds = load::bounds(&*engine)?;
        writer.batch.clear();
        if keep_through < bounds.last.0 {
            let term = term_of(&*engine, &bounds, keep_through)?.unwrap_or_default();
            writer.delete_tail(keep_through, bounds.last.0);
            bounds.last = (keep_through, term);
            bounds.hard_state.commit = bounds.hard_state.commit.min(keep_through);
        }
        // Synced even when nothing was to be cut: what was found may be the end of an earlier
        // attempt whose sync failed, and a power cut must not bring back what it took away.
        writer.put_hard_state(&bounds.hard_state);
        engine.write(&writer.batch, Durability::Synced).map_err(from_engine)?;
        *state = State { engine: Some(engine), bounds };
        writer.tail_unknown = false;
        Ok(())
    }

    fn bytes_from(&self, first: LogIndex) -> u64 {
        let state = self.state.read();
        let Some(engine) = &state.engine else { return 0 };
        let from = encoding::entry_key(first.max(state.bounds.compacted.0.next()));
        let range = KeyRange { lower: Bound::Included(&from), upper: Bound::Unbounded };
        engine.approximate_bytes(ENTRIES, range)
    }

    fn stats(&self) -> LogStats {
        let state = self.state.read();
        LogStats {
            first: state.bounds.compacted.0.next(),
            last: state.bounds.last.0,
            disk_bytes: state.engine.as_ref().map_or(0, |engine| engine.stats().disk_bytes),
            syncs: self.counts.syncs.load(Ordering::Relaxed),
            appended_entries: self.counts.entries.load(Ordering::Relaxed),
            appended_bytes: self.counts.bytes.load(Ordering::Relaxed),
        }
    }
}

fn term_of(
    engine: &dyn Engine,
    bounds: &Bounds,
    index: LogIndex,
) -> Result<Option<Term>, LogError> {
    if index < bounds.compacted.0 {
        return Err(LogError::Compacted(index));
    }
    if index > bounds.last.0 {
        return Ok(None);
    }
    if let Some((_, term)) = [bounds.last, bounds.compacted].into_iter().find(|at| at.0 == index) {
        return Ok(Some(term));
    }
    let mut entry = None;
    engine
        .get_with(ENTRIES, &encoding::entry_key(index), &mut |value| {
            entry = Some(encoding::read_entry(index, value));
        })
        .map_err(from_engine)?;
    let entry = entry.ok_or_else(|| missing(index))?;
    entry.map(|entry| Some(entry.term)).map_err(|why| unreadable(&format!("entry {index}"), why))
}

fn read_entries(
    engine: &dyn Engine,
    from: LogIndex,
    through: LogIndex,
    bytes_max: usize,
) -> Result<Vec<Entry>, LogError> {
    let (first, last) = (encoding::entry_key(from), encoding::entry_key(through));
    let range = KeyRange { lower: Bound::Included(&first), upper: Bound::Included(&last) };
    let (mut entries, mut bytes, mut full, mut failed) = (Vec::new(), 0, false, None);
    let mut expected = from;
    engine
        .scan(ENTRIES, range, Direction::Forward, &mut |key, value| {
            bytes += value.len();
            full = bytes > bytes_max && !entries.is_empty();
            if full {
                return ControlFlow::Break(());
            }
            match load::entry_at(expected, key, value) {
                Ok(entry) => entries.push(entry),
                Err(error) => {
                    failed = Some(error);
                    return ControlFlow::Break(());
                }
            }
            expected = expected.next();
            ControlFlow::Continue(())
        })
        .map_err(from_engine)?;
    if let Some(error) = failed {
        return Err(error);
    }
    if !full && expected <= through {
        return Err(missing(expected));
    }
    Ok(entries)
}

/// The first key behind an entry's.
fn behind(index: LogIndex) -> Vec<u8> {
    index.0.checked_add(1).map_or(END_KEY.to_vec(), |next| next.to_be_bytes().to_vec())
}

fn missing(index: LogIndex) -> LogError {
    LogError::Corruption(format!("entry {index} is missing"))
}

fn unreadable(what: &str, why: Unreadable) -> LogError {
    match why {
        Unreadable::Damaged(how) => LogError::Corruption(format!("{what}: {how}")),
        Unreadable::NewerFormat(format) => LogError::Newer(format!(
            "{what} is of format {format}, which only a newer version reads; this one reads up to {}",
            encoding::FORMAT
        )),
    }
}

fn from_engine(error: EngineError) -> LogError {
    match error {
        EngineError::NoSpace(text) => LogError::NoSpace(text),
        EngineError::Corruption(text) => LogError::Corruption(text),
        EngineError::InUse(_) | EngineError::Io(_) => LogError::Io(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
