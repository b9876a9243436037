//! One member's handle on the replicated log.
//!
//! Owns the queue in front of the committer and the rule who commits: on an idle node the proposer
//! itself (no thread hop, which costs 30 us on an idle machine), under load one thread that takes all
//! that is queued with one sync.

use crate::committer::Committer;
use crate::proposal::{Committed, Lost, LostCause, Queued, Ticket, Waiter};
use crate::recovery::{RecoveryError, recover};
use futures_channel::oneshot;
use parking_lot::{Condvar, Mutex};
use quire_log::{Applied, LogStats, LogStore, StateMachine, Term, Timestamp};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
    /// Log bytes kept behind the applied position for readers of the past.
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

/// The queue and who is at work on it.
pub(crate) struct Queue {
    pub(crate) waiting: VecDeque<Queued>,
    pub(crate) bytes: usize,
    /// Someone, inline or the thread, is committing.
    pub(crate) busy: bool,
    pub(crate) closed: Option<LostCause>,
}

pub(crate) struct Shared {
    pub(crate) queue: Mutex<Queue>,
    pub(crate) work: Condvar,
    pub(crate) idle: Condvar,
    pub(crate) committer: Mutex<Committer>,
    pub(crate) epoch: AtomicU64,
    pub(crate) options: Options,
}

/// A running replica. Dropping it stops the committer after what is queued.
pub struct Replica {
    shared: Arc<Shared>,
    log: Arc<dyn LogStore>,
    machine: Arc<dyn StateMachine>,
    term: Term,
    replayed: u64,
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
        let committer = Committer::new(log.clone(), machine.clone(), options, &recovered);
        let queue = Queue { waiting: VecDeque::new(), bytes: 0, busy: false, closed: None };
        let shared = Arc::new(Shared {
            queue: Mutex::new(queue),
            work: Condvar::new(),
            idle: Condvar::new(),
            committer: Mutex::new(committer),
            epoch: AtomicU64::new(0),
            options,
        });
        let for_thread = shared.clone();
        let thread = std::thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || for_thread.run())
            .map_err(|e| RecoveryError::Log(quire_log::LogError::Io(e.to_string())))?;
        let (term, replayed) = (recovered.term, recovered.replayed);
        Ok(Replica { shared, log, machine, term, replayed, thread: Some(thread) })
    }

    /// Puts an entry on its way. The caller has stamped it and calls in the order of the stamps.
    ///
    /// A refusal is certain: nothing was written.
    pub fn propose(&self, timestamp: Timestamp, payload: Vec<u8>) -> Result<Submitted, Lost> {
        self.submit(timestamp, payload, true)
    }

    /// [`Replica::propose`] for those who have more to propose before they wait: always by way of
    /// the queue, so that what follows shares a sync with it.
    pub fn enqueue(&self, timestamp: Timestamp, payload: Vec<u8>) -> Result<Submitted, Lost> {
        self.submit(timestamp, payload, false)
    }

    fn submit(
        &self,
        timestamp: Timestamp,
        payload: Vec<u8>,
        may_be_inline: bool,
    ) -> Result<Submitted, Lost> {
        let mut queue = self.shared.queue.lock();
        if let Some(cause) = queue.closed {
            return Err(Lost { cause });
        }
        let options = &self.shared.options;
        if queue.waiting.len() >= options.queue_entries_max
            || queue.bytes.saturating_add(payload.len()) > options.queue_bytes_max
        {
            return Err(Lost { cause: LostCause::Overloaded });
        }
        let idle = !queue.busy && queue.waiting.is_empty();
        if may_be_inline && idle && self.shared.inline_pays() {
            queue.busy = true;
            let queued = Queued { timestamp, payload, waiter: Waiter::Inline };
            return Ok(Submitted { shared: self.shared.clone(), state: Pending::Inline(queued) });
        }
        let (sender, receiver) = oneshot::channel();
        queue.bytes += payload.len();
        queue.waiting.push_back(Queued { timestamp, payload, waiter: Waiter::Remote(sender) });
        let wake = !queue.busy;
        drop(queue);
        if wake {
            self.shared.work.notify_one();
        }
        let ticket = Ticket::waiting(receiver);
        Ok(Submitted { shared: self.shared.clone(), state: Pending::Queued(ticket) })
    }

    /// Counts the times that queued proposals were lost. Plans made over proposals of an earlier
    /// epoch are void.
    pub fn epoch(&self) -> u64 {
        self.shared.epoch.load(Ordering::Acquire)
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
        let counters = self.shared.committer.lock().counters();
        ReplicaStats {
            term: self.term,
            queued,
            queued_bytes,
            committed_entries: counters.entries,
            groups: counters.groups,
            inline_groups: counters.inline_groups,
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

    /// Refuses new proposals, finishes the queued ones and flushes.
    pub fn shut_down(&self) -> Result<(), quire_log::Fatal> {
        let mut queue = self.shared.queue.lock();
        queue.closed.get_or_insert(LostCause::ShuttingDown);
        self.shared.work.notify_all();
        while queue.busy || !queue.waiting.is_empty() {
            self.shared.idle.wait(&mut queue);
        }
        drop(queue);
        self.machine.flush()
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.shared.queue.lock().closed.get_or_insert(LostCause::ShuttingDown);
        self.shared.work.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A proposal whose place in the log is taken. [`Submitted::commit`] must be called outside of any
/// lock that other proposers need, because it may do the commit itself.
pub struct Submitted {
    shared: Arc<Shared>,
    state: Pending,
}

enum Pending {
    Inline(Queued),
    Queued(Ticket),
    Taken,
}

impl Submitted {
    /// Commits now, if this proposal came to an idle node, or gives the ticket to wait on.
    pub fn commit(mut self) -> Ticket {
        match std::mem::replace(&mut self.state, Pending::Taken) {
            Pending::Inline(queued) => Ticket::done(self.shared.commit_inline(queued)),
            Pending::Queued(ticket) => ticket,
            Pending::Taken => Ticket::done(Err(Lost { cause: LostCause::Failed })),
        }
    }
}

impl Drop for Submitted {
    /// A proposal that was submitted is carried out even if its proposer gave up in between.
    fn drop(&mut self) {
        if let Pending::Inline(queued) = std::mem::replace(&mut self.state, Pending::Taken) {
            let _ = self.shared.commit_inline(queued);
        }
    }
}

impl Shared {
    /// Inline commits block the proposer's thread for one sync, which pays while syncs are quick.
    fn inline_pays(&self) -> bool {
        // The committer is idle here, so its lock is free but for a moment.
        self.committer
            .try_lock()
            .is_some_and(|committer| committer.sync_time() <= self.options.inline_sync_max)
    }

    fn commit_inline(&self, queued: Queued) -> Result<Committed, Lost> {
        let outcome = self.committer.lock().commit_one(queued);
        self.note(&outcome.map(|_| ()));
        self.release();
        outcome
    }

    /// Ends a turn of committing: hands over to the thread when more has come.
    fn release(&self) {
        let mut queue = self.queue.lock();
        queue.busy = false;
        let more = !queue.waiting.is_empty();
        drop(queue);
        if more {
            self.work.notify_one();
        } else {
            self.idle.notify_all();
        }
    }

    /// The committer thread: takes what is queued, as much as one sync should carry, until closed.
    fn run(&self) {
        loop {
            let group = {
                let mut queue = self.queue.lock();
                while queue.busy || queue.waiting.is_empty() {
                    if queue.closed.is_some() && !queue.busy && queue.waiting.is_empty() {
                        self.idle.notify_all();
                        return;
                    }
                    self.work.wait(&mut queue);
                }
                queue.busy = true;
                queue.take_group(self.options.group_bytes_max)
            };
            let outcome = self.committer.lock().commit_group(group);
            self.note(&outcome);
            self.release();
        }
    }

    /// After a failed group everything behind it in the queue was planned over it, so it is lost too.
    fn note(&self, outcome: &Result<(), Lost>) {
        let Err(lost) = outcome else { return };
        let mut queue = self.queue.lock();
        self.epoch.fetch_add(1, Ordering::AcqRel);
        if lost.cause == LostCause::Failed {
            queue.closed.get_or_insert(LostCause::Failed);
        }
        queue.bytes = 0;
        let behind = std::mem::take(&mut queue.waiting);
        drop(queue);
        for queued in behind {
            queued.waiter.answer(Err(*lost));
        }
    }
}

impl Queue {
    fn take_group(&mut self, bytes_max: usize) -> Vec<Queued> {
        let mut group = Vec::new();
        let mut bytes = 0usize;
        while let Some(next) = self.waiting.front() {
            if !group.is_empty() && bytes.saturating_add(next.payload.len()) > bytes_max {
                break;
            }
            bytes = bytes.saturating_add(next.payload.len());
            group.extend(self.waiting.pop_front());
        }
        self.bytes = self.bytes.saturating_sub(bytes);
        group
    }
}
