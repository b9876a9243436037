//! One member's handle on the replicated log.
//!
//! Owns starting, figures and going down. Who commits a proposal is decided in `turns`.

use crate::committer::{Committer, Counters};
use crate::proposal::{Lost, LostCause, Proposal, Queued, Waiter};
use crate::recovery::{RecoveryError, recover};
use crate::turns::{Shared, Submitted};
use quire_log::{Applied, LogStats, LogStore, StateMachine, Term, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// What a member is in its set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Leader,
    Follower,
}

/// Bounds and tuning of a replica.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// This member's id; it votes for itself.
    pub node: u64,
    /// Proposals that may wait at once; more are refused.
    pub queue_entries_max: usize,
    /// Payload bytes that may wait at once; more are refused.
    pub queue_bytes_max: usize,
    /// Payload bytes committed with one sync.
    pub group_bytes_max: usize,
    /// A proposer commits by itself only while syncs are quicker than this.
    pub inline_sync_max: Duration,
    /// Entries kept behind the applied position for readers of the past.
    pub retain_entries: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            node: 1,
            queue_entries_max: 100_000,
            queue_bytes_max: 256 << 20,
            group_bytes_max: 16 << 20,
            inline_sync_max: Duration::from_millis(2),
            retain_entries: 100_000,
        }
    }
}

/// Figures for serverStatus and metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplicaStats {
    pub term: Term,
    pub queued: u64,
    pub queued_bytes: u64,
    pub committed_entries: u64,
    pub groups: u64,
    pub inline_groups: u64,
    pub replayed_at_start: u64,
    pub log: LogStats,
}

/// A running replica. Dropping it stops the committer after what is queued.
pub struct Replica {
    shared: Arc<Shared>,
    log: Arc<dyn LogStore>,
    machine: Arc<dyn StateMachine>,
    term: Term,
    replayed: u64,
    counters: Arc<Counters>,
    /// What cannot end by itself is given up from now on.
    closing: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Replica {
    /// Recovers from disk and starts committing.
    pub fn open(
        log: Arc<dyn LogStore>,
        machine: Arc<dyn StateMachine>,
        options: Options,
    ) -> Result<Replica, RecoveryError> {
        let recovered = recover(log.as_ref(), machine.as_ref(), options.node)?;
        let closing = Arc::new(AtomicBool::new(false));
        let committer =
            Committer::new(log.clone(), machine.clone(), options, &recovered, closing.clone());
        let counters = committer.counters();
        let shared = Arc::new(Shared::new(committer, machine.clone(), options));
        let for_thread = shared.clone();
        let thread = std::thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || for_thread.run())
            .map_err(|e| RecoveryError::Log(quire_log::LogError::Io(e.to_string())))?;
        let (term, replayed) = (recovered.term, recovered.replayed);
        let thread = Some(thread);
        Ok(Replica { shared, log, machine, term, replayed, counters, closing, thread })
    }

    /// Puts an entry on its way. The caller has stamped it, calls in the order of the stamps, and
    /// tells which [`Replica::epoch`] it planned in: what was planned over lost proposals must not
    /// follow them.
    ///
    /// A refusal is certain: nothing was written.
    pub fn propose(
        &self,
        epoch: u64,
        timestamp: Timestamp,
        payload: Vec<u8>,
    ) -> Result<Submitted, Lost> {
        self.submit(epoch, Proposal { timestamp, payload }, true)
    }

    /// [`Replica::propose`] for those who have more to propose before they wait: always by way of
    /// the queue, so that what follows shares a sync with it.
    pub fn enqueue(
        &self,
        epoch: u64,
        timestamp: Timestamp,
        payload: Vec<u8>,
    ) -> Result<Submitted, Lost> {
        self.submit(epoch, Proposal { timestamp, payload }, false)
    }

    fn submit(
        &self,
        epoch: u64,
        proposal: Proposal,
        may_be_inline: bool,
    ) -> Result<Submitted, Lost> {
        let mut queue = self.shared.queue.lock();
        if let Some(cause) = queue.closed {
            return Err(Lost { cause });
        }
        if epoch != self.shared.epoch() {
            return Err(Lost { cause: LostCause::Superseded });
        }
        if !queue.has_room(proposal.payload.len(), &self.shared.options) {
            return Err(Lost { cause: LostCause::Overloaded });
        }
        if may_be_inline && queue.is_idle() && self.shared.inline_pays() {
            queue.busy = true;
            return Ok(Submitted::inline(self.shared.clone(), proposal));
        }
        let (waiter, ticket) = Waiter::pair();
        queue.push(Queued { proposal, waiter });
        let wake = !queue.busy;
        drop(queue);
        if wake {
            self.shared.work.notify_one();
        }
        Ok(Submitted::queued(ticket))
    }

    /// Counts the times that proposals were lost. Plans made over proposals of an earlier epoch are
    /// void. Once it has changed, [`StateMachine::lost`] is called.
    pub fn epoch(&self) -> u64 {
        self.shared.epoch()
    }

    pub fn role(&self) -> Role {
        Role::Leader
    }

    pub fn term(&self) -> Term {
        self.term
    }

    pub fn applied(&self) -> Applied {
        self.machine.applied()
    }

    pub fn stats(&self) -> ReplicaStats {
        let (queued, queued_bytes) = {
            let queue = self.shared.queue.lock();
            (queue.waiting.len() as u64, queue.bytes as u64)
        };
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ReplicaStats {
            term: self.term,
            queued,
            queued_bytes,
            committed_entries: count(&self.counters.entries),
            groups: count(&self.counters.groups),
            inline_groups: count(&self.counters.inline_groups),
            replayed_at_start: self.replayed,
            log: self.log.stats(),
        }
    }

    /// Makes the applied state durable and lets the log forget what it no longer needs.
    pub fn checkpoint(&self) -> Result<(), quire_log::Fatal> {
        self.machine.flush()?;
        self.shared.committer.lock().compact();
        Ok(())
    }

    /// Refuses new proposals, finishes the queued ones and flushes. What cannot be finished now is
    /// left to the next start.
    pub fn shut_down(&self) -> Result<(), quire_log::Fatal> {
        self.close();
        self.shared.wait_until_idle();
        self.machine.flush()
    }

    fn close(&self) {
        // In this order: a proposal taken in after the committer has given up on an apply would be
        // planned without entries that are committed.
        self.shared.close(LostCause::ShuttingDown);
        self.closing.store(true, Ordering::Release);
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
