//! What collections need that no client asked for.
//!
//! Owns the passes a process runs again and again: expired documents go, records of sessions that
//! nobody uses any more go, collections that were left half filled go, and index builds that lost
//! their builder are finished or dropped. What a restart or a step-down interrupted is among those.
//! On a set all that is the primary's business; the others follow its log.

use crate::Server;
use crate::sessions::Job;
use quire_errors::{Code, CommandError, Result};
use quire_execution::wait::race;
use quire_execution::{Watch, drop_orphans, forget_sessions, index_build, ttl};
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Work of the server itself, which goes on as long as it may write.
pub(crate) struct Unasked<'a>(pub(crate) &'a Server);

impl Watch for Unasked<'_> {
    fn check(&self) -> Result<()> {
        if self.0.topology.is_shutting_down() {
            return Err(CommandError::new(Code::InterruptedAtShutdown, "interrupted at shutdown"));
        }
        if !self.0.takes_writes() {
            return Err(CommandError::new(Code::NotWritablePrimary, "not primary"));
        }
        Ok(())
    }

    fn examined(&self, keys: u64, docs: u64) {
        self.0.counters.keys_examined.fetch_add(keys, Ordering::Relaxed);
        self.0.counters.docs_examined.fetch_add(docs, Ordering::Relaxed);
    }
}

impl Server {
    /// Deletes what has expired. To be called every `ttlMonitorSleepSecs`.
    pub async fn ttl_pass(&self) {
        if !self.takes_writes() {
            return;
        }
        let deleted = ttl::delete_expired(&self.sequencer, self.now_millis(), &Unasked(self)).await;
        self.counters.ttl_passes.fetch_add(1, Ordering::Relaxed);
        match deleted {
            Ok(deleted) => {
                self.counters.ttl_deleted.fetch_add(deleted, Ordering::Relaxed);
                self.counters.docs_deleted.fetch_add(deleted, Ordering::Relaxed);
            }
            Err(error) => tracing::warn!(
                target: "INDEX",
                id = 22537,
                error = %error,
                "Expired documents could not be deleted; the next pass tries again"
            ),
        }
    }

    /// Forgets what sessions have written that nobody uses any more. To be called every
    /// `logicalSessionRefreshMillis`.
    pub async fn forget_sessions(&self) {
        if self.replica_set.is_none() || !self.takes_writes() {
            return;
        }
        let timeout = i64::try_from(self.parameters.session_timeout().as_millis());
        let before = self.now_millis().saturating_sub(timeout.unwrap_or(i64::MAX));
        let began = Instant::now();
        let forgotten = forget_sessions(&self.sequencer, before, &Unasked(self)).await;
        let ended = forgotten.as_ref().map_or(0, |n| usize::try_from(*n).unwrap_or(usize::MAX));
        let (took, at_millis) = (began.elapsed(), self.now_millis());
        self.sessions.figures.reaped(Job { took, at_millis, ended, ..Job::default() });
        // Who is no longer primary leaves the rest to its successor.
        if let Err(error) = forgotten
            && self.takes_writes()
        {
            tracing::warn!(
                target: "CONTROL",
                id = 7_100_030,
                error = %error,
                "Records of sessions could not be forgotten; the next pass tries again"
            );
        }
    }

    /// Finishes or drops index builds without a builder. To be called when the process starts and
    /// whenever [`Server::builder_wanted`] says so.
    pub async fn tend_index_builds(&self) {
        if !self.takes_writes() {
            return;
        }
        let watch = Unasked(self);
        let failures = index_build::tend(&self.sequencer, &self.index_builds, &watch).await;
        // Who is no longer primary has not failed: its successor goes on.
        for (collection, error) in failures.into_iter().filter(|_| self.takes_writes()) {
            tracing::warn!(
                target: "INDEX",
                id = 7_100_020,
                namespace = %collection.namespace,
                error = %error,
                "An index build that had lost its builder failed"
            );
        }
    }

    /// Drops the collections that were left half filled. To be called when the process starts and
    /// whenever [`Server::orphans_left`] says so. False when it failed and should be tried again.
    pub async fn drop_orphans(&self) -> bool {
        if !self.takes_writes() {
            return true;
        }
        match drop_orphans(&self.sequencer, &self.temporaries).await {
            Ok(dropped) => {
                for namespace in dropped {
                    tracing::info!(
                        target: "STORAGE",
                        id = 7_100_072,
                        namespace = %namespace,
                        "A temporary collection that nobody fills any more was dropped"
                    );
                }
                true
            }
            // Who is no longer primary leaves them to its successor.
            Err(error) if self.takes_writes() => {
                tracing::warn!(
                    target: "STORAGE",
                    id = 7_100_073,
                    error = %error,
                    "Temporary collections could not be dropped; it is tried again"
                );
                false
            }
            Err(_) => true,
        }
    }

    /// How often collections were left or this member's role changed; to be read before orphans are
    /// dropped.
    pub fn orphans_left_seen(&self) -> (u64, u64) {
        (self.temporaries.changed().generation(), self.topology.changed.generation())
    }

    /// Waits until a collection was left or this member's role has changed since.
    pub async fn orphans_left(&self, (collections, role): (u64, u64)) {
        let left = self.temporaries.changed().changed_since(collections);
        race(left, self.topology.changed.changed_since(role)).await;
    }

    /// How often builds were left or this member's role changed; to be read before builds are tended.
    pub fn builder_wanted_seen(&self) -> (u64, u64) {
        (self.index_builds.changed().generation(), self.topology.changed.generation())
    }

    /// Waits until a build was left or this member's role has changed since.
    pub async fn builder_wanted(&self, (builds, role): (u64, u64)) {
        let builds = self.index_builds.changed().changed_since(builds);
        race(builds, self.topology.changed.changed_since(role)).await;
    }
}
