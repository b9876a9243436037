//! States of the recent past, for reads of a moment that has gone by.
//!
//! Owns which of them are kept and for how long. A state costs little to keep but not nothing: the
//! engine holds on to the versions that it shows. So none is kept before somebody reads the past;
//! from then on, for as long as the window after the last such read:
//!
//! - for [`CLOSELY`] after a read every state that the log goes through is kept, an entry at a time,
//!   because whoever reads next may ask another member for the very moment that this one chose;
//! - afterwards the last state of each second of the log is.
//!
//! Time is that of the log: nothing here looks at a clock, and while nothing is written nothing grows
//! old. All members that know of the reads keep the same moments.

use parking_lot::{Mutex, RwLock};
use quire_documents::{Documents, EngineError, ReadView};
use quire_log::{Entry, StateMachine, Timestamp};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

#[cfg(test)]
mod tests;

/// For so many seconds after a read every state is kept, if there are not too many.
const CLOSELY: u32 = 10;

/// The states kept closely, beyond which the older ones are thinned out.
const RECENT_MAX: usize = 1024;

/// The states kept besides, those that somebody reads included.
const OLD_MAX: usize = 4096;

/// The seconds for which the past can be read unless an operator says otherwise.
const WINDOW: u32 = 300;

/// The state as it was at one time. Whoever holds one can read it until the window is over.
pub struct Moment {
    at: Timestamp,
    view: RwLock<Option<ReadView>>,
}

impl Moment {
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The state, unless it is too old by now.
    pub fn view(&self) -> Option<ReadView> {
        self.view.read().clone()
    }

    /// Lets go of the state, whoever still holds the moment.
    fn release(&self) {
        *self.view.write() = None;
    }
}

/// Why no state of some time can be read.
#[derive(Debug)]
pub enum Unkept {
    /// None is kept that shows it.
    Gone,
    Engine(EngineError),
}

impl From<EngineError> for Unkept {
    fn from(error: EngineError) -> Unkept {
        Unkept::Engine(error)
    }
}

/// A moment, and the time of the write that ended it.
struct Kept {
    moment: Arc<Moment>,
    until: Option<Timestamp>,
}

impl Kept {
    fn shows(&self, time: Timestamp) -> bool {
        self.moment.at <= time && self.until.is_none_or(|until| time < until)
    }

    fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.moment) > 1
    }
}

#[derive(Default)]
struct States {
    /// The past was read since the last entry.
    is_read: bool,
    /// The second of the first entry after the last read; `None` while nobody reads.
    read_at: Option<u32>,
    /// The time of the entry that was begun last, be it applied or not.
    begun: Timestamp,
    recent: VecDeque<Kept>,
    /// Thinned out; all are older than the recent ones.
    old: VecDeque<Kept>,
}

/// See the module.
pub struct History {
    documents: Arc<Documents>,
    window: AtomicU32,
    states: Mutex<States>,
}

impl History {
    pub fn new(documents: Arc<Documents>) -> History {
        let states = Mutex::new(States::default());
        History { documents, window: AtomicU32::new(WINDOW), states }
    }

    /// For how many seconds the past can be read.
    pub fn set_window(&self, seconds: u32) {
        self.window.store(seconds, Ordering::Relaxed);
    }

    /// The newest state.
    pub fn newest(&self) -> Result<Arc<Moment>, EngineError> {
        let mut states = self.states.lock();
        let moment = self.keep_newest(&mut states)?;
        states.is_read = true;
        Ok(moment)
    }

    /// The state as it was at a time, all of which must be applied by now.
    pub fn at(&self, time: Timestamp) -> Result<Arc<Moment>, Unkept> {
        let mut states = self.states.lock();
        self.keep_newest(&mut states)?;
        states.is_read = true;
        states.find(time).ok_or(Unkept::Gone)
    }

    /// Somebody reads the past, here or on another member: begins to keep it.
    pub fn is_read(&self) -> Result<(), EngineError> {
        self.newest().map(|_| ())
    }

    /// How many of these entries, of which there is at least one, are applied next in one go: as many
    /// as leave no state between them that has to be kept. The one before them is kept here.
    pub(crate) fn next_step(&self, entries: &[Entry]) -> Result<usize, EngineError> {
        let Some(first) = entries.first().map(|entry| entry.timestamp) else { return Ok(0) };
        let mut states = self.states.lock();
        states.begun = states.begun.max(first);
        // Entries that start a term may be stamped with less.
        let applied = self.documents.applied().timestamp;
        let second = first.max(applied).seconds();
        if std::mem::take(&mut states.is_read) {
            states.read_at = Some(second);
        }
        let Some(read_at) = states.read_at else { return Ok(entries.len()) };
        let window = self.window.load(Ordering::Relaxed);
        let since = second.saturating_sub(read_at);
        if since > window {
            states.forget();
            return Ok(entries.len());
        }
        let is_close = since <= CLOSELY;
        if is_close || applied.seconds() < second {
            self.keep_newest(&mut states)?;
        }
        states.end_newest(first);
        states.thin_out(second, window);
        let same = entries.iter().take_while(|entry| entry.timestamp.seconds() <= second).count();
        Ok(if is_close { 1 } else { same })
    }

    /// Another state takes the place of this one.
    pub(crate) fn forget(&self) {
        let mut states = self.states.lock();
        states.forget();
        states.begun = Timestamp::ZERO;
    }

    /// Keeps the state of now. Nothing can be begun meanwhile, so at most one step that was begun is
    /// not to be seen yet.
    fn keep_newest(&self, states: &mut States) -> Result<Arc<Moment>, EngineError> {
        let view = self.documents.view();
        let at = view.applied()?.timestamp;
        if let Some(newest) = states.newest().filter(|newest| newest.moment.at == at) {
            return Ok(Arc::clone(&newest.moment));
        }
        let moment = Arc::new(Moment { at, view: RwLock::new(Some(view)) });
        let until = Some(states.begun).filter(|begun| *begun > at);
        states.recent.push_back(Kept { moment: Arc::clone(&moment), until });
        Ok(moment)
    }
}

impl States {
    fn newest(&self) -> Option<&Kept> {
        self.recent.back().or_else(|| self.old.back())
    }

    fn find(&self, time: Timestamp) -> Option<Arc<Moment>> {
        let find_in = |states: &VecDeque<Kept>| {
            let behind = states.partition_point(|kept| kept.moment.at <= time);
            let last = states.get(behind.checked_sub(1)?)?;
            last.shows(time).then(|| Arc::clone(&last.moment))
        };
        find_in(&self.recent).or_else(|| find_in(&self.old))
    }

    fn end_newest(&mut self, entry: Timestamp) {
        let newest = self.recent.back_mut().or_else(|| self.old.back_mut());
        if let Some(newest) = newest.filter(|newest| newest.moment.at < entry) {
            newest.until.get_or_insert(entry);
        }
    }

    fn thin_out(&mut self, now: u32, window: u32) {
        let is_due = |kept: &Kept| now.saturating_sub(kept.moment.at.seconds()) > CLOSELY;
        while self.recent.len() > RECENT_MAX || self.recent.front().is_some_and(is_due) {
            let Some(kept) = self.recent.pop_front() else { break };
            // The state of now has not ended, however old it is.
            let second = kept.moment.at.seconds();
            let is_last = kept.until.is_none_or(|until| until.seconds() > second);
            if is_last || kept.is_in_use() {
                self.old.push_back(kept);
            }
        }
        let is_over = |kept: &Kept| {
            kept.until.is_some_and(|until| now.saturating_sub(until.seconds()) > window)
        };
        while self.old.len() > OLD_MAX || self.old.front().is_some_and(is_over) {
            let Some(kept) = self.old.pop_front() else { break };
            kept.moment.release();
        }
    }

    fn forget(&mut self) {
        (self.is_read, self.read_at) = (false, None);
        for kept in self.recent.drain(..).chain(self.old.drain(..)) {
            kept.moment.release();
        }
    }
}
