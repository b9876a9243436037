//! Logical sessions.
//!
//! Owns which sessions are in use on this member. A session groups cursors and operations, so that
//! they end together, and numbers writes. All members' sessions stand in `config.system.sessions`,
//! which the primary writes now and then ([`collection`]); what is known here in between is this
//! member's own.

mod collection;
mod figures;
mod listing;
mod lsid;
mod refresh;
mod turn;

pub use collection::namespace as collection_namespace;
pub use figures::{Figures, Job};
pub use listing::{Listing, SessionEntry, digest_of};
pub use lsid::{NOBODY, SessionKey, lsid_of, session_key, shown};

use parking_lot::Mutex;
use quire_errors::{Code, CommandError, Result};
use quire_execution::wait::Signal;
use quire_replset::set::SessionUses;
use std::collections::{HashMap, HashSet};
use turn::Turn;

#[derive(Clone, Copy, Debug)]
struct Session {
    last_use_millis: i64,
    /// Used since it was last taken to be stored.
    is_fresh: bool,
}

/// What the collection does not show yet.
#[derive(Debug, Default)]
pub struct Changes {
    pub used: Vec<SessionEntry>,
    pub ended: Vec<SessionKey>,
}

impl From<SessionUses> for Changes {
    fn from(uses: SessionUses) -> Changes {
        let used = uses.used.iter();
        let used = used.map(|u| SessionEntry { key: u.session, last_use_millis: u.at_millis });
        Changes { used: used.collect(), ended: uses.ended }
    }
}

/// The sessions of this server.
#[derive(Default)]
pub struct Sessions {
    sessions: Mutex<HashMap<SessionKey, Session>>,
    /// Sessions that clients ended, and what other members told of theirs.
    ended: Mutex<HashSet<SessionKey>>,
    told: Mutex<HashMap<SessionKey, i64>>,
    /// Rings when another member told of its sessions.
    pub told_of: Signal,
    /// Held by whoever stores sessions, so that nobody is in another's way.
    turn: Turn,
    pub figures: Figures,
}

impl Sessions {
    /// Notes that a session is in use; at most `sessions_max` are remembered.
    pub fn touch(&self, key: &SessionKey, now_millis: i64, sessions_max: usize) -> Result<()> {
        let used = Session { last_use_millis: now_millis, is_fresh: true };
        let mut sessions = self.sessions.lock();
        if let Some(session) = sessions.get_mut(key) {
            *session = used;
            return Ok(());
        }
        if sessions.len() >= sessions_max {
            return Err(CommandError::new(
                Code::TooManyLogicalSessions,
                format!(
                    "Unable to add session ID {} into the cache because the number of active \
                     sessions is too high",
                    shown(key)
                ),
            ));
        }
        sessions.insert(*key, used);
        Ok(())
    }

    /// Forgets sessions, here and wherever else they are known.
    pub fn end(&self, keys: &[SessionKey], sessions_max: usize) {
        let mut sessions = self.sessions.lock();
        for key in keys {
            sessions.remove(key);
        }
        drop(sessions);
        let mut ended = self.ended.lock();
        let room = sessions_max.saturating_sub(ended.len());
        ended.extend(keys.iter().take(room));
    }

    pub fn is_known(&self, key: &SessionKey) -> bool {
        self.sessions.lock().contains_key(key)
    }

    /// Sessions that were last used before `before_millis`.
    pub fn idle_since(&self, before_millis: i64) -> Vec<SessionKey> {
        let sessions = self.sessions.lock();
        let idle = sessions.iter().filter(|(_, session)| session.last_use_millis < before_millis);
        idle.map(|(key, _)| *key).collect()
    }

    /// Forgets a session, unless it has been used since `before_millis`.
    pub fn forget_idle(&self, key: &SessionKey, before_millis: i64) {
        let mut sessions = self.sessions.lock();
        if sessions.get(key).is_some_and(|session| session.last_use_millis < before_millis) {
            sessions.remove(key);
        }
    }

    /// A command of the session still runs.
    fn still_used(&self, key: &SessionKey, now_millis: i64) {
        if let Some(session) = self.sessions.lock().get_mut(key) {
            *session = Session { last_use_millis: now_millis, is_fresh: true };
        }
    }

    /// Another member has used the session at that time.
    pub fn used_elsewhere(&self, key: &SessionKey, at_millis: i64) {
        if let Some(session) = self.sessions.lock().get_mut(key) {
            session.last_use_millis = session.last_use_millis.max(at_millis);
        }
    }

    /// What other members told of their sessions, for the collection.
    pub fn hear(&self, changes: &Changes, sessions_max: usize) {
        let mut told = self.told.lock();
        let room = sessions_max.saturating_sub(told.len());
        told.extend(changes.used.iter().take(room).map(|used| (used.key, used.last_use_millis)));
        drop(told);
        self.end(&changes.ended, sessions_max);
        self.told_of.notify();
    }

    /// What is to be stored. Should that fail, it is to be given back.
    pub fn take_changes(&self) -> Changes {
        // One batch may not write a session twice.
        let mut used = std::mem::take(&mut *self.told.lock());
        for (key, session) in self.sessions.lock().iter_mut().filter(|(_, s)| s.is_fresh) {
            session.is_fresh = false;
            let last = used.entry(*key).or_insert(session.last_use_millis);
            *last = session.last_use_millis.max(*last);
        }
        let used = used.into_iter();
        let used = used.map(|(key, last_use_millis)| SessionEntry { key, last_use_millis });
        let ended = self.ended.lock().drain().collect();
        Changes { used: used.collect(), ended }
    }

    /// Takes back what could not be stored.
    pub fn put_back(&self, changes: Changes, sessions_max: usize) {
        let mut elsewhere = Vec::new();
        {
            let mut sessions = self.sessions.lock();
            for used in changes.used {
                match sessions.get_mut(&used.key) {
                    Some(session) => session.is_fresh = true,
                    None => elsewhere.push((used.key, used.last_use_millis)),
                }
            }
        }
        let mut told = self.told.lock();
        let room = sessions_max.saturating_sub(told.len());
        told.extend(elsewhere.into_iter().take(room));
        drop(told);
        let mut ended = self.ended.lock();
        let room = sessions_max.saturating_sub(ended.len());
        ended.extend(changes.ended.into_iter().take(room));
    }

    /// Forgets what the collection knows as well and nobody has used since, but for `kept`.
    fn forget_stored(&self, kept: &HashSet<SessionKey>) {
        self.sessions.lock().retain(|key, session| session.is_fresh || kept.contains(key));
    }

    pub fn count(&self) -> usize {
        self.sessions.lock().len()
    }

    /// All sessions in the order of their ids.
    pub fn list(&self) -> Vec<SessionEntry> {
        let entry = |(key, session): (&SessionKey, &Session)| SessionEntry {
            key: *key,
            last_use_millis: session.last_use_millis,
        };
        let mut all: Vec<_> = self.sessions.lock().iter().map(entry).collect();
        all.sort_by_key(|session| session.key);
        all
    }
}

#[cfg(test)]
mod tests;
