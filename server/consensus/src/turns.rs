//! Who commits, and when.
//!
//! Owns the queue in front of the committer and whose turn it is: on an idle node the proposer's
//! (no thread hop, which costs 30 us on an idle machine), under load that of one thread, which takes
//! all that is queued with one sync. A turn that meets trouble goes to the thread, because it may
//! last, and a proposer's thread serves other connections too.

use crate::committer::{Committer, Trouble, committed};
use crate::proposal::{Lost, LostCause, Proposal, Queued, Ticket, Waiter};
use crate::replica::Options;
use parking_lot::{Condvar, Mutex};
use quire_log::{Entry, StateMachine};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The queue and who is at work on it.
#[derive(Default)]
pub(crate) struct Queue {
    pub(crate) waiting: VecDeque<Queued>,
    pub(crate) bytes: usize,
    /// It is somebody's turn, or a turn is waiting to be taken over.
    pub(crate) busy: bool,
    /// A proposer's turn that the thread has to bring to its end.
    stalled: Option<Stalled>,
    pub(crate) closed: Option<LostCause>,
}

struct Stalled {
    entries: Vec<Entry>,
    trouble: Trouble,
    waiter: Waiter,
}

/// What the thread does in one turn.
enum Turn {
    Group(Vec<Queued>),
    Stalled(Stalled),
}

pub(crate) struct Shared {
    pub(crate) queue: Mutex<Queue>,
    /// Only the thread waits here.
    pub(crate) work: Condvar,
    idle: Condvar,
    pub(crate) committer: Mutex<Committer>,
    machine: Arc<dyn StateMachine>,
    /// Changes only while the queue is locked.
    epoch: AtomicU64,
    pub(crate) options: Options,
}

/// A proposal whose place in the log is taken. [`Submitted::commit`] must be called outside of any
/// lock that other proposers need, because it may do the commit itself.
pub struct Submitted {
    state: Pending,
}

enum Pending {
    Inline(Arc<Shared>, Proposal),
    Queued(Ticket),
    Taken,
}

impl Submitted {
    /// The proposer has the turn and must use it.
    pub(crate) fn inline(shared: Arc<Shared>, proposal: Proposal) -> Submitted {
        Submitted { state: Pending::Inline(shared, proposal) }
    }

    pub(crate) fn queued(ticket: Ticket) -> Submitted {
        Submitted { state: Pending::Queued(ticket) }
    }

    /// Commits now, if this proposal came to an idle node, or gives the ticket to wait on.
    pub fn commit(mut self) -> Ticket {
        match std::mem::replace(&mut self.state, Pending::Taken) {
            Pending::Inline(shared, proposal) => shared.commit_inline(proposal),
            Pending::Queued(ticket) => ticket,
            Pending::Taken => Ticket::done(Err(Lost { cause: LostCause::Failed })),
        }
    }
}

impl Drop for Submitted {
    /// A proposal that was submitted is carried out even if its proposer gave up in between.
    fn drop(&mut self) {
        if let Pending::Inline(shared, proposal) =
            std::mem::replace(&mut self.state, Pending::Taken)
        {
            drop(shared.commit_inline(proposal));
        }
    }
}

impl Shared {
    pub(crate) fn new(
        committer: Committer,
        machine: Arc<dyn StateMachine>,
        options: Options,
    ) -> Shared {
        Shared {
            queue: Mutex::default(),
            work: Condvar::new(),
            idle: Condvar::new(),
            committer: Mutex::new(committer),
            machine,
            epoch: AtomicU64::new(0),
            options,
        }
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Inline commits block the proposer's thread for one sync, which pays while syncs are quick.
    pub(crate) fn inline_pays(&self) -> bool {
        // The committer is idle here, so its lock is free but for a moment.
        self.committer
            .try_lock()
            .is_some_and(|committer| committer.sync_time() <= self.options.inline_sync_max)
    }

    /// Uses the proposer's turn.
    fn commit_inline(&self, proposal: Proposal) -> Ticket {
        let mut committer = self.committer.lock();
        let entries = committer.entries(vec![(proposal.timestamp, proposal.payload)]);
        let Some(entry) = entries.first() else {
            return Ticket::done(Err(Lost { cause: LostCause::Failed }));
        };
        let outcome = match committer.commit(&entries) {
            Ok(()) => {
                committer.counters().inline_groups.fetch_add(1, Ordering::Relaxed);
                committer.compact_if_due();
                Ok(committed(entry))
            }
            Err(trouble) if trouble.is_final() => Err(committer
                .settle(&entries, trouble)
                .err()
                .unwrap_or(Lost { cause: LostCause::Failed })),
            Err(trouble) => {
                drop(committer);
                return self.hand_over(entries, trouble);
            }
        };
        drop(committer);
        if let Err(lost) = outcome {
            self.note(lost);
        }
        self.release();
        Ticket::done(outcome)
    }

    /// Leaves a turn that may last to the thread.
    fn hand_over(&self, entries: Vec<Entry>, trouble: Trouble) -> Ticket {
        let (waiter, ticket) = Waiter::pair();
        self.queue.lock().stalled = Some(Stalled { entries, trouble, waiter });
        self.work.notify_one();
        ticket
    }

    /// Ends a turn.
    fn release(&self) {
        let mut queue = self.queue.lock();
        queue.busy = false;
        let (more, closed) = (!queue.waiting.is_empty(), queue.closed.is_some());
        drop(queue);
        if more || closed {
            self.work.notify_one();
        }
        if !more {
            self.idle.notify_all();
        }
    }

    /// Refuses proposals from now on.
    pub(crate) fn close(&self, cause: LostCause) {
        self.queue.lock().closed.get_or_insert(cause);
        self.work.notify_all();
    }

    pub(crate) fn wait_until_idle(&self) {
        let mut queue = self.queue.lock();
        while !queue.is_idle() {
            self.idle.wait(&mut queue);
        }
    }

    /// The committer thread: takes what is queued, as much as one sync should carry, until closed.
    pub(crate) fn run(&self) {
        while let Some(turn) = self.next_turn() {
            let (entries, waiters, outcome) = self.take_turn(turn);
            if let Err(lost) = outcome {
                self.note(lost);
            }
            // Whoever hears that a proposal was lost must find the new epoch.
            for (waiter, entry) in waiters.into_iter().zip(&entries) {
                waiter.answer(outcome.map(|()| committed(entry)));
            }
            self.committer.lock().compact_if_due();
            self.release();
        }
    }

    /// Waits for work; `None` when there will be none.
    fn next_turn(&self) -> Option<Turn> {
        let mut queue = self.queue.lock();
        loop {
            if let Some(stalled) = queue.stalled.take() {
                return Some(Turn::Stalled(stalled));
            }
            if !queue.busy && !queue.waiting.is_empty() {
                queue.busy = true;
                return Some(Turn::Group(queue.take_group(self.options.group_bytes_max)));
            }
            if queue.closed.is_some() && queue.is_idle() {
                return None;
            }
            self.work.wait(&mut queue);
        }
    }

    fn take_turn(&self, turn: Turn) -> (Vec<Entry>, Vec<Waiter>, Result<(), Lost>) {
        let mut committer = self.committer.lock();
        match turn {
            Turn::Stalled(Stalled { entries, trouble, waiter }) => {
                let outcome = committer.settle(&entries, trouble);
                (entries, vec![waiter], outcome)
            }
            Turn::Group(group) => {
                let (payloads, waiters): (Vec<_>, Vec<_>) = group
                    .into_iter()
                    .map(|Queued { proposal, waiter }| {
                        ((proposal.timestamp, proposal.payload), waiter)
                    })
                    .unzip();
                let entries = committer.entries(payloads);
                let outcome = committer
                    .commit(&entries)
                    .or_else(|trouble| committer.settle(&entries, trouble));
                (entries, waiters, outcome)
            }
        }
    }

    /// After a failed group everything behind it in the queue, which was planned over it, is lost
    /// too.
    fn note(&self, lost: Lost) {
        let mut queue = self.queue.lock();
        self.epoch.fetch_add(1, Ordering::AcqRel);
        if lost.cause == LostCause::Failed {
            queue.closed.get_or_insert(LostCause::Failed);
        }
        queue.bytes = 0;
        let behind = std::mem::take(&mut queue.waiting);
        drop(queue);
        self.machine.lost();
        for queued in behind {
            queued.waiter.answer(Err(lost));
        }
    }
}

impl Queue {
    /// Nobody is at work and nothing waits.
    pub(crate) fn is_idle(&self) -> bool {
        !self.busy && self.waiting.is_empty()
    }

    pub(crate) fn has_room(&self, bytes: usize, options: &Options) -> bool {
        self.waiting.len() < options.queue_entries_max
            && self.bytes.saturating_add(bytes) <= options.queue_bytes_max
    }

    pub(crate) fn push(&mut self, queued: Queued) {
        self.bytes = self.bytes.saturating_add(queued.proposal.payload.len());
        self.waiting.push_back(queued);
    }

    fn take_group(&mut self, bytes_max: usize) -> Vec<Queued> {
        let mut group = Vec::new();
        let mut bytes = 0usize;
        while let Some(next) = self.waiting.front() {
            let grown = bytes.saturating_add(next.proposal.payload.len());
            if !group.is_empty() && grown > bytes_max {
                break;
            }
            bytes = grown;
            group.extend(self.waiting.pop_front());
        }
        self.bytes = self.bytes.saturating_sub(bytes);
        group
    }
}
