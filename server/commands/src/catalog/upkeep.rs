//! What collections need that no client asked for.
//!
//! Owns the two passes a process runs again and again: expired documents go, and index builds that
//! lost their builder are finished or dropped. Builds that a restart interrupted are among those.

use crate::Server;
use quire_errors::{Code, CommandError, Result};
use quire_execution::{Watch, index_build, ttl};
use std::sync::atomic::Ordering;

/// Work of the server itself, which only its end interrupts.
struct Unasked<'a>(&'a Server);

impl Watch for Unasked<'_> {
    fn check(&self) -> Result<()> {
        if !self.0.topology.is_shutting_down() {
            return Ok(());
        }
        Err(CommandError::new(Code::InterruptedAtShutdown, "interrupted at shutdown"))
    }

    fn examined(&self, keys: u64, docs: u64) {
        self.0.counters.keys_examined.fetch_add(keys, Ordering::Relaxed);
        self.0.counters.docs_examined.fetch_add(docs, Ordering::Relaxed);
    }
}

impl Server {
    /// Deletes what has expired. To be called every `ttlMonitorSleepSecs`.
    pub async fn ttl_pass(&self) {
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

    /// Finishes or drops index builds without a builder. To be called when the process starts and
    /// whenever `index_builds.changed()` rings.
    pub async fn tend_index_builds(&self) {
        let watch = Unasked(self);
        let failures = index_build::tend(&self.sequencer, &self.index_builds, &watch).await;
        for (collection, error) in failures {
            tracing::warn!(
                target: "INDEX",
                id = 7_100_020,
                namespace = %collection.namespace,
                error = %error,
                "An index build that had lost its builder failed"
            );
        }
    }
}
