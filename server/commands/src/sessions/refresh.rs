//! What is done about sessions now and then.
//!
//! Owns when sessions are stored and when they are over: a session that nobody used for
//! `localLogicalSessionTimeoutMinutes`, on no member, is forgotten with its cursors.

use super::figures::Job;
use super::{Changes, SessionKey, collection, session_key};
use crate::Server;
use quire_bson::DocBuf;
use quire_errors::{Code, CommandError, Result};
use quire_replset::set::{SessionUse, SessionUses};
use std::collections::HashSet;
use std::time::Instant;

impl Server {
    /// Stores which sessions were used and which ended since the last time: a primary in the
    /// collection, others by telling the primary. To be called every `logicalSessionRefreshMillis`,
    /// and when another member told of its sessions.
    pub async fn refresh_sessions(&self) -> Result<()> {
        let _turn = self.sessions.turn.take().await;
        let began = Instant::now();
        let sessions_max = self.parameters.sessions_max();
        let now = self.now_millis();
        for operation in self.operations.list() {
            let key = operation.lsid.as_ref().map(|lsid| session_key(lsid.as_raw()));
            if let Some(Ok(key)) = key {
                self.sessions.still_used(&key, now);
            }
        }
        let changes = self.sessions.take_changes();
        let (used, ended) = (changes.used.len(), changes.ended.len());
        let outcome = self.store(&changes).await;
        match &outcome {
            Err(_) => self.sessions.put_back(changes, sessions_max),
            // Clients that never end their sessions must not keep others from having some.
            Ok(()) if self.sessions.count() > sessions_max / 2 => {
                self.sessions.forget_stored(&self.sessions_with_cursors());
            }
            Ok(()) => {}
        }
        let took = began.elapsed();
        self.sessions.figures.refreshed(Job { count: 0, took, at_millis: now, used, ended });
        outcome
    }

    async fn store(&self, changes: &Changes) -> Result<()> {
        if changes.used.is_empty() && changes.ended.is_empty() {
            return Ok(());
        }
        if self.takes_writes() {
            return collection::write(self, changes).await;
        }
        let used = changes
            .used
            .iter()
            .map(|used| SessionUse { session: used.key, at_millis: used.last_use_millis });
        let uses = SessionUses { used: used.collect(), ended: changes.ended.clone() };
        let set = self.replica_set.as_ref();
        if set.is_some_and(|set| set.tell_of_sessions(&uses)) {
            return Ok(());
        }
        Err(CommandError::new(
            Code::NotWritablePrimary,
            "there is no primary that could be told of the sessions in use",
        ))
    }

    /// Waits until another member has told of its sessions more often than that.
    pub async fn told_of_sessions(&self, seen: u64) {
        self.sessions.told_of.changed_since(seen).await;
    }

    /// How often other members told of their sessions.
    pub fn told_of_sessions_seen(&self) -> u64 {
        self.sessions.told_of.generation()
    }

    /// Forgets sessions that nobody used for too long, and the cursors of those that are gone.
    pub(crate) fn expire_sessions(&self) {
        let timeout = i64::try_from(self.parameters.session_timeout().as_millis());
        let before = self.now_millis().saturating_sub(timeout.unwrap_or(i64::MAX));
        let idle = self.sessions.idle_since(before);
        if !idle.is_empty() {
            self.look_elsewhere(&idle);
        }
        for key in &idle {
            self.sessions.forget_idle(key, before);
        }
        let is_over = |lsid: &DocBuf| {
            session_key(lsid.as_raw()).is_ok_and(|key| !self.sessions.is_known(&key))
        };
        self.cursors.kill_where(|_, lsid| lsid.is_some_and(is_over));
    }

    fn sessions_with_cursors(&self) -> HashSet<SessionKey> {
        let mut with_cursors = HashSet::new();
        self.cursors.for_each_session(|lsid| {
            with_cursors.extend(session_key(lsid.as_raw()).ok());
        });
        with_cursors
    }

    /// A session with cursors here may be in use on another member.
    fn look_elsewhere(&self, idle: &[SessionKey]) {
        let with_cursors = self.sessions_with_cursors();
        for key in idle.iter().filter(|key| with_cursors.contains(key)) {
            if let Ok(Some(at_millis)) = collection::last_use(self, key) {
                self.sessions.used_elsewhere(key, at_millis);
            }
        }
    }
}
