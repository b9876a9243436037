//! What the server does unasked.
//!
//! Owns the periodic work: watching the disk, making applied state durable so that a restart is
//! short, forgetting what nobody came back for, deleting expired documents and old records of
//! sessions, collections that were left half filled, index builds that lost their builder, and moving the time of a set on to which nobody
//! writes.

use crate::shutdown::Shutdown;
use quire_bson::doc;
use quire_commands::{DiskSpace, Server};
use std::sync::Arc;
use std::time::Duration;

/// How often the disk is looked at while there is plenty of space.
const DISK_EVERY: Duration = Duration::from_millis(200);

/// How often it is looked at when it may soon be full: fast disks take gigabytes in a second.
const NEARLY_FULL_EVERY: Duration = Duration::from_millis(20);

/// Space above the reserve below which the disk may soon be full.
const NEARLY_FULL_BYTES: u64 = 2 << 30;

/// Free space below which writes are refused, besides room for what is not flushed yet: compactions
/// need it.
const RESERVE_BYTES: u64 = 256 << 20;

/// What is held in memory goes to disk as data, and once more when that is compacted; the log of it is
/// there already.
const UNFLUSHED_COPIES: u64 = 2;

/// On small disks the reserve is a part of the whole.
const RESERVE_PARTS: u64 = 10;

/// How often applied state becomes durable, which bounds what a restart replays.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

/// When storing sessions is tried again after it failed.
const SESSIONS_AGAIN: Duration = Duration::from_secs(5);

/// After which a pass that failed is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// The least time between two looks at what was left half done.
const TEND_EVERY: Duration = Duration::from_secs(1);

/// How often it is looked whether entries without effect are wanted again.
const NOOPS_LOOK: Duration = Duration::from_secs(1);

/// Starts everything; the tasks end when the process goes down.
pub(crate) fn start(server: &Arc<Server>, shutdown: &Arc<Shutdown>) {
    spawn(shutdown, watch_disk(server.clone()));
    spawn(shutdown, make_durable(server.clone()));
    spawn(shutdown, expire(server.clone()));
    spawn(shutdown, refresh_sessions(server.clone()));
    spawn(shutdown, delete_expired(server.clone()));
    spawn(shutdown, forget_sessions(server.clone()));
    spawn(shutdown, tend_index_builds(server.clone()));
    spawn(shutdown, drop_orphans(server.clone()));
    spawn(shutdown, write_noops(server.clone()));
}

fn spawn(shutdown: &Arc<Shutdown>, work: impl Future<Output = ()> + Send + 'static) {
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = shutdown.begun() => {}
            () = work => {}
        }
    });
}

async fn watch_disk(server: Arc<Server>) {
    loop {
        let pause = match server.host.disk() {
            Some(space) => {
                let reserve = reserve(&server, space);
                note_disk(&server, space, reserve);
                let is_nearly_full = space.free < reserve.saturating_add(NEARLY_FULL_BYTES);
                if is_nearly_full { NEARLY_FULL_EVERY } else { DISK_EVERY }
            }
            None => DISK_EVERY,
        };
        tokio::time::sleep(pause).await;
    }
}

/// Whatever is acknowledged and still in memory must find its place on the disk.
fn reserve(server: &Server, space: DiskSpace) -> u64 {
    let unflushed = server.documents.engine_stats().memtable_bytes;
    RESERVE_BYTES
        .min(space.total / RESERVE_PARTS)
        .saturating_add(unflushed.saturating_mul(UNFLUSHED_COPIES))
}

fn note_disk(server: &Server, space: DiskSpace, reserve: u64) {
    let full = space.free < reserve;
    let was_full = server.sequencer.set_disk_full(full);
    if full && !was_full {
        tracing::error!(
            target: "STORAGE",
            id = 7_100_010,
            freeBytes = space.free,
            reserveBytes = reserve,
            "The disk is full: writes are refused until space returns"
        );
    } else if was_full && !full {
        tracing::info!(
            target: "STORAGE",
            id = 7_100_011,
            freeBytes = space.free,
            "Space has returned: writes are accepted again"
        );
    }
}

async fn make_durable(server: Arc<Server>) {
    let mut durable = server.sequencer.replica().applied().index;
    loop {
        tokio::time::sleep(CHECKPOINT_EVERY).await;
        let replica = server.sequencer.replica().clone();
        let applied = replica.applied().index;
        if applied == durable {
            continue;
        }
        match tokio::task::spawn_blocking(move || replica.checkpoint()).await {
            Ok(Ok(())) => durable = applied,
            Ok(Err(fatal)) => tracing::error!(
                target: "STORAGE",
                id = 7_100_012,
                reason = fatal.reason,
                "Applied state could not be made durable; the log keeps it"
            ),
            Err(_) => return,
        }
    }
}

async fn expire(server: Arc<Server>) {
    loop {
        tokio::time::sleep(server.parameters.cursor_monitor_interval()).await;
        server.expire_idle();
    }
}

/// Also at once when another member tells of its sessions.
async fn refresh_sessions(server: Arc<Server>) {
    let mut pause = server.parameters.session_refresh_interval();
    let mut seen = server.told_of_sessions_seen();
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = server.told_of_sessions(seen) => {}
        }
        pause = server.parameters.session_refresh_interval();
        // Read first: what is told while these are stored is stored next.
        seen = server.told_of_sessions_seen();
        if let Err(error) = server.refresh_sessions().await {
            pause = pause.min(SESSIONS_AGAIN);
            tracing::debug!(
                target: "CONTROL",
                id = 7_100_071,
                error = %error,
                "Sessions could not be stored; the next time tries again"
            );
        }
    }
}

async fn delete_expired(server: Arc<Server>) {
    loop {
        tokio::time::sleep(server.parameters.ttl_monitor_sleep()).await;
        if server.parameters.ttl_monitor_enabled() {
            server.ttl_pass().await;
        }
    }
}

async fn forget_sessions(server: Arc<Server>) {
    loop {
        tokio::time::sleep(server.parameters.session_refresh_interval()).await;
        server.forget_sessions().await;
    }
}

/// Also finishes the builds that the last end of the process interrupted.
async fn tend_index_builds(server: Arc<Server>) {
    loop {
        let seen = server.builder_wanted_seen();
        server.tend_index_builds().await;
        // A build that fails for a lasting reason is not tried at once again.
        tokio::time::sleep(TEND_EVERY).await;
        server.builder_wanted(seen).await;
    }
}

/// Also drops what the last end of the process left.
async fn drop_orphans(server: Arc<Server>) {
    loop {
        let seen = server.orphans_left_seen();
        if server.drop_orphans().await {
            tokio::time::sleep(TEND_EVERY).await;
            server.orphans_left(seen).await;
        } else {
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }
}

/// A primary that nobody writes to writes an entry without effect now and then: drivers take the age
/// of the last one for how far a member is behind.
async fn write_noops(server: Arc<Server>) {
    let Some(set) = server.replica_set.clone() else { return };
    loop {
        let seen = set.operation_time();
        let interval = server.parameters.noop_interval();
        tokio::time::sleep(interval.unwrap_or(NOOPS_LOOK)).await;
        let is_idle = set.operation_time() == seen && server.sequencer.holds() == 0;
        if interval.is_some() && is_idle && server.takes_writes() {
            let note = doc! { "msg": "periodic noop" };
            // A member that is primary no more has nothing to keep going.
            let _ = set.write_note(note).await;
        }
    }
}
