//! Open cursors.
//!
//! Owns the registry: ids, who may use a cursor, and when it is forgotten. A cursor that is in use is
//! out of the registry's hands; killing it stops the operation that has it.

use crate::operations::{Operation, Stop};
use crate::sessions::{session_key, shown};
use crate::stable_api::Declared;
use parking_lot::Mutex;
use quire_bson::{Bson, DocBuf};
use quire_errors::{Code, CommandError, Result};
use quire_execution::{Moment, Query};
use quire_query::scripts::Scripts;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The most cursors that may be open at once.
const OPEN_MAX: usize = 100_000;

/// A query that has more to give.
pub struct Cursor {
    pub id: i64,
    pub namespace: String,
    pub query: Query,
    pub lsid: Option<DocBuf>,
    /// The API under which it was opened, and under which alone it is read.
    pub api: Declared,
    pub no_timeout: bool,
    pub tailable: bool,
    pub await_data: bool,
    /// The command that opened it, for `currentOp` and slow-operation lines.
    pub originating: DocBuf,
    pub comment: Option<Bson>,
    pub plan_summary: String,
    /// The time its commands may still take together; `None` is no limit.
    pub time_left: Option<Duration>,
    /// A document that did not fit into the last batch.
    pub held_back: Option<DocBuf>,
    /// How many documents it may still give; `None` is no limit.
    pub left: Option<u64>,
    /// The moment that all its batches show; `None` where each shows the state of its own.
    pub moment: Option<Arc<Moment>>,
    /// The scripts that its query brings. They rest while nobody reads from it.
    pub scripts: Option<Arc<dyn Scripts>>,
}

/// A cursor that one command has. Unless it is put back it is gone, also when the command is dropped
/// halfway.
pub struct CheckedOut<'a> {
    cursors: &'a Cursors,
    cursor: Option<Box<Cursor>>,
    id: i64,
}

impl CheckedOut<'_> {
    /// The cursor; there is one until it was put back.
    pub fn get(&mut self) -> Result<&mut Cursor> {
        let id = self.id;
        self.cursor.as_deref_mut().ok_or_else(|| not_found(id))
    }

    /// Keeps the cursor for the next command.
    pub fn put_back(mut self) {
        if let Some(cursor) = self.cursor.take() {
            self.cursors.put_back(cursor);
        }
    }
}

impl Drop for CheckedOut<'_> {
    fn drop(&mut self) {
        if self.cursor.is_some() {
            self.cursors.close(self.id);
        }
    }
}

enum Slot {
    Idle { cursor: Box<Cursor>, since: Instant },
    Busy { namespace: String, lsid: Option<DocBuf>, operation: Arc<Operation>, killed: bool },
}

/// Figures for serverStatus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CursorCounts {
    pub open: u64,
    pub pinned: u64,
    pub no_timeout: u64,
    pub timed_out: u64,
    pub total_opened: u64,
}

/// All open cursors.
#[derive(Default)]
pub struct Cursors {
    slots: Mutex<BTreeMap<i64, Slot>>,
    timed_out: AtomicU64,
    opened: AtomicU64,
}

impl Cursors {
    /// Keeps a new cursor; `random` makes its id.
    pub fn open(&self, mut cursor: Cursor, random: u64) -> Result<i64> {
        let mut slots = self.slots.lock();
        if slots.len() >= OPEN_MAX {
            return Err(CommandError::new(
                Code::IngressRequestRateLimitExceeded,
                format!("{OPEN_MAX} cursors are open; close some or read them to their end"),
            ));
        }
        let mut id = i64::try_from(random >> 1).unwrap_or(i64::MAX).max(1);
        while slots.contains_key(&id) {
            id = id.checked_add(1).unwrap_or(1);
        }
        cursor.id = id;
        cursor.scripts.iter().for_each(|scripts| scripts.rest());
        slots.insert(id, Slot::Idle { cursor: Box::new(cursor), since: Instant::now() });
        self.opened.fetch_add(1, Ordering::Relaxed);
        Ok(id)
    }

    /// Whether the query of an idle cursor brings scripts.
    pub fn runs_scripts(&self, id: i64) -> bool {
        match self.slots.lock().get(&id) {
            Some(Slot::Idle { cursor, .. }) => cursor.scripts.is_some(),
            _ => false,
        }
    }

    /// Takes a cursor out for one command.
    pub fn check_out(
        &self,
        id: i64,
        namespace: &str,
        lsid: Option<&DocBuf>,
        operation: &Arc<Operation>,
    ) -> Result<CheckedOut<'_>> {
        let mut slots = self.slots.lock();
        let slot = slots.get_mut(&id).ok_or_else(|| not_found(id))?;
        let Slot::Idle { cursor, .. } = slot else {
            return Err(CommandError::new(
                Code::CursorInUse,
                format!("cursor id {id} is already in use"),
            ));
        };
        if cursor.namespace != namespace {
            return Err(CommandError::new(
                Code::Unauthorized,
                format!(
                    "Requested getMore on namespace '{namespace}', but cursor belongs to a \
                     different namespace {}",
                    cursor.namespace
                ),
            ));
        }
        check_session(cursor, lsid)?;
        let busy = Slot::Busy {
            namespace: cursor.namespace.clone(),
            lsid: cursor.lsid.clone(),
            operation: operation.clone(),
            killed: false,
        };
        match std::mem::replace(slot, busy) {
            Slot::Idle { cursor, .. } => Ok(CheckedOut { cursors: self, cursor: Some(cursor), id }),
            Slot::Busy { .. } => Err(not_found(id)),
        }
    }

    /// Gives a cursor back, unless it was killed meanwhile.
    fn put_back(&self, cursor: Box<Cursor>) {
        cursor.scripts.iter().for_each(|scripts| scripts.rest());
        let mut slots = self.slots.lock();
        let id = cursor.id;
        match slots.get(&id) {
            Some(Slot::Busy { killed: false, .. }) => {
                slots.insert(id, Slot::Idle { cursor, since: Instant::now() });
            }
            _ => {
                slots.remove(&id);
            }
        }
    }

    /// Forgets a cursor that came to its end or failed.
    fn close(&self, id: i64) {
        self.slots.lock().remove(&id);
    }

    /// Kills a cursor; false when there is none.
    pub fn kill(&self, id: i64, namespace: Option<&str>) -> bool {
        let mut slots = self.slots.lock();
        match slots.get_mut(&id) {
            Some(Slot::Idle { cursor, .. }) if namespace.is_none_or(|n| n == cursor.namespace) => {
                slots.remove(&id);
                true
            }
            Some(Slot::Busy { namespace: own, operation, killed, .. })
                if namespace.is_none_or(|n| n == own) =>
            {
                *killed = true;
                operation.stop(Stop::CursorKilled);
                true
            }
            _ => false,
        }
    }

    /// Kills all cursors that `matches` picks by namespace and session.
    pub fn kill_where(&self, matches: impl Fn(&str, Option<&DocBuf>) -> bool) {
        let ids: Vec<i64> = {
            let slots = self.slots.lock();
            let picked = slots.iter().filter(|(_, slot)| match slot {
                Slot::Idle { cursor, .. } => matches(&cursor.namespace, cursor.lsid.as_ref()),
                Slot::Busy { namespace, lsid, .. } => matches(namespace, lsid.as_ref()),
            });
            picked.map(|(id, _)| *id).collect()
        };
        for id in ids {
            self.kill(id, None);
        }
    }

    /// Forgets cursors nobody asked for since `timeout`. Those of sessions end with these, unless
    /// they are to be treated like others.
    pub fn expire(&self, timeout: Duration, those_of_sessions: bool) {
        let now = Instant::now();
        let mut slots = self.slots.lock();
        let before = slots.len();
        slots.retain(|_, slot| match slot {
            Slot::Idle { cursor, since } => {
                let stays = cursor.no_timeout || cursor.lsid.is_some() && !those_of_sessions;
                stays || now.saturating_duration_since(*since) < timeout
            }
            Slot::Busy { .. } => true,
        });
        let gone = before.saturating_sub(slots.len()) as u64;
        self.timed_out.fetch_add(gone, Ordering::Relaxed);
    }

    pub fn counts(&self) -> CursorCounts {
        let slots = self.slots.lock();
        let no_timeout =
            |slot: &&Slot| matches!(slot, Slot::Idle { cursor, .. } if cursor.no_timeout);
        CursorCounts {
            open: slots.len() as u64,
            pinned: slots.values().filter(|slot| matches!(slot, Slot::Busy { .. })).count() as u64,
            no_timeout: slots.values().filter(no_timeout).count() as u64,
            timed_out: self.timed_out.load(Ordering::Relaxed),
            total_opened: self.opened.load(Ordering::Relaxed),
        }
    }

    /// Changes an idle cursor.
    #[cfg(test)]
    pub fn change(&self, id: i64, change: impl FnOnce(&mut Cursor)) {
        if let Some(Slot::Idle { cursor, .. }) = self.slots.lock().get_mut(&id) {
            change(cursor);
        }
    }

    /// Calls `show` with the session of every cursor that has one.
    pub fn for_each_session(&self, mut show: impl FnMut(&DocBuf)) {
        for slot in self.slots.lock().values() {
            let lsid = match slot {
                Slot::Idle { cursor, .. } => &cursor.lsid,
                Slot::Busy { lsid, .. } => lsid,
            };
            lsid.iter().for_each(&mut show);
        }
    }

    /// Calls `show` with every idle cursor.
    pub fn for_each_idle(&self, mut show: impl FnMut(&Cursor)) {
        for slot in self.slots.lock().values() {
            if let Slot::Idle { cursor, .. } = slot {
                show(cursor);
            }
        }
    }
}

fn check_session(cursor: &Cursor, lsid: Option<&DocBuf>) -> Result<()> {
    let key_of = |lsid: &DocBuf| session_key(lsid.as_raw());
    let own = cursor.lsid.as_ref().map(key_of).transpose()?;
    let asked = lsid.map(key_of).transpose()?;
    let id = cursor.id;
    let (code, why) = match (own, asked) {
        (own, asked) if own == asked => return Ok(()),
        (None, Some(asked)) => {
            (50736, format!("was not created in a session, in session {}", shown(&asked)))
        }
        (Some(own), None) => {
            (50737, format!("was created in session {}, without an lsid", shown(&own)))
        }
        (Some(own), Some(asked)) => {
            (50738, format!("was created in session {}, in session {}", shown(&own), shown(&asked)))
        }
        (None, None) => return Ok(()),
    };
    Err(CommandError::location(code, format!("Cannot run getMore on cursor {id}, which {why}")))
}

/// The error drivers know for a cursor that is gone.
pub fn not_found(id: i64) -> CommandError {
    CommandError::new(Code::CursorNotFound, format!("cursor id {id} not found"))
}
