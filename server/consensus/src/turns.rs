//! Who drives the member, and when.
//!
//! Owns whose turn it is at the member that has the queue before it: on an idle node the proposer's (no
//! thread hop, which costs 30 us on an idle machine), under load that of one thread, which takes all
//! that is queued with one sync. Brief messages find the same turn on the thread that received them;
//! ticks and second attempts are always the thread's.

use crate::alarms::Alarms;
use crate::member::{Member, MemberView, Settled};
use crate::message::{Message, Transport};
use crate::proposal::{Lost, LostCause, Proposal, Queued, Ticket, Waiter};
use crate::queue::Queue;
use crate::replica::{Observer, Options, Surroundings};
use parking_lot::{Condvar, Mutex};
use quire_log::StateMachine;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// How long a failed apply or a full disk waits before the next attempt.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// What one turn carries.
#[derive(Default)]
struct Turn {
    messages: VecDeque<(u64, Message)>,
    group: Vec<Queued>,
    ticks: u32,
    tells_commit: bool,
}

/// Figures, readable while the member is at work.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) entries: AtomicU64,
    pub(crate) groups: AtomicU64,
    pub(crate) inline_groups: AtomicU64,
    pub(crate) truncations: AtomicU64,
}

pub(crate) struct Shared {
    pub(crate) queue: Mutex<Queue>,
    /// Only the thread waits here.
    pub(crate) work: Condvar,
    idle: Condvar,
    member: Mutex<Member>,
    view: Mutex<MemberView>,
    machine: Arc<dyn StateMachine>,
    transport: Arc<dyn Transport>,
    observer: Arc<dyn Observer>,
    pub(crate) counters: Counters,
    /// Changes only while the queue is locked.
    epoch: AtomicU64,
    pub(crate) options: Options,
    tick_micros: AtomicU64,
    /// A moving average of the time that a turn with effects to log takes, whosever it is: what only
    /// proposers' own turns told would stay what it is once there are none.
    turn_nanos: AtomicU64,
    has_room: AtomicBool,
    wants_retry: AtomicBool,
    has_commit_to_tell: AtomicBool,
    /// The thread has its alarm set for that. Changes only while the queue is locked.
    will_tell_commit: AtomicBool,
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
        member: Member,
        machine: Arc<dyn StateMachine>,
        options: Options,
        surroundings: Surroundings,
    ) -> Shared {
        let Surroundings { transport, observer } = surroundings;
        let refusing = (!member.is_writable()).then_some(LostCause::NotLeader);
        Shared {
            // A member that does not lead yet may have something to say at once.
            queue: Mutex::new(Queue { refusing, poked: refusing.is_some(), ..Queue::default() }),
            work: Condvar::new(),
            idle: Condvar::new(),
            view: Mutex::new(member.view().clone()),
            member: Mutex::new(member),
            machine,
            transport,
            observer,
            counters: Counters::default(),
            epoch: AtomicU64::new(0),
            options,
            tick_micros: AtomicU64::new(0),
            turn_nanos: AtomicU64::new(0),
            has_room: AtomicBool::new(true),
            wants_retry: AtomicBool::new(false),
            has_commit_to_tell: AtomicBool::new(false),
            will_tell_commit: AtomicBool::new(false),
        }
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub(crate) fn view(&self) -> MemberView {
        self.view.lock().clone()
    }

    pub(crate) fn set_tick(&self, tick: Duration) {
        let micros = u64::try_from(tick.as_micros()).unwrap_or(u64::MAX);
        self.tick_micros.store(micros, Ordering::Relaxed);
        self.work.notify_one();
    }

    /// Speaks to the member outside of its turns; the thread carries out what follows.
    pub(crate) fn direct<T>(&self, order: impl FnOnce(&mut Member) -> T) -> T {
        let answer = order(&mut self.member.lock());
        self.poke();
        answer
    }

    /// Asks the member something, or tells it what has no consequences before its next turn.
    pub(crate) fn ask<T>(&self, order: impl FnOnce(&mut Member) -> T) -> T {
        order(&mut self.member.lock())
    }

    fn poke(&self) {
        self.queue.lock().poked = true;
        self.work.notify_one();
    }

    pub(crate) fn receive(&self, from: u64, message: Message) {
        if let Message::Gossip(bytes) = &message {
            return self.observer.gossip(from, bytes);
        }
        self.queue.lock().hear(from, message);
    }

    /// Deals with what was received: now, if nobody is at work and it is soon done.
    pub(crate) fn attend(&self) {
        let mut queue = self.queue.lock();
        // Whoever is at work finds it at the end of the turn.
        if queue.busy || queue.messages.is_empty() || queue.closed.is_some() {
            return;
        }
        if !queue.messages_are_brief() || !self.inline_pays() {
            self.work.notify_one();
            return;
        }
        let turn = self.begin_turn(&mut queue);
        drop(queue);
        if self.take_turn(turn) {
            self.poke();
        }
        self.release();
    }

    /// Inline commits block the proposer's thread for one sync, which pays while syncs are quick.
    pub(crate) fn inline_pays(&self) -> bool {
        let usual = Duration::from_nanos(self.turn_nanos.load(Ordering::Relaxed));
        usual <= self.options.inline_sync_max
            && self.has_room.load(Ordering::Relaxed)
            && !self.wants_retry.load(Ordering::Relaxed)
    }

    /// Uses the proposer's turn.
    fn commit_inline(&self, proposal: Proposal) -> Ticket {
        let (waiter, ticket) = Waiter::pair();
        let started = Instant::now();
        let mut member = self.member.lock();
        let mut settled = Settled::default();
        member.propose(vec![Queued { proposal, waiter }], &mut settled);
        if self.settle(member, settled) {
            self.poke();
        }
        self.counters.inline_groups.fetch_add(1, Ordering::Relaxed);
        self.note_turn(started);
        self.release();
        ticket.at_once()
    }

    fn note_turn(&self, started: Instant) {
        let taken = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let usual = self.turn_nanos.load(Ordering::Relaxed);
        self.turn_nanos.store(usual / 8 * 7 + taken / 8, Ordering::Relaxed);
    }

    /// Has the member do what follows, and tells everybody what came of it.
    fn settle(&self, mut member: parking_lot::MutexGuard<'_, Member>, mut before: Settled) -> bool {
        let mut behind = Vec::new();
        let settled = loop {
            let guard = EndsTheProcess;
            let mut settled = member.settle(self.transport.as_ref());
            std::mem::forget(guard);
            settled.follow(&mut before);
            let Some(cause) = settled.lost.take() else { break settled };
            behind.extend(self.note(Lost { cause }).into_iter().map(|queued| (queued, cause)));
            before = settled;
        };
        let writable = member.is_writable();
        let refusal = member.refusal_now();
        self.has_room.store(member.has_room(), Ordering::Relaxed);
        self.wants_retry.store(member.wants_retry(), Ordering::Relaxed);
        self.has_commit_to_tell.store(member.has_commit_to_tell(), Ordering::Relaxed);
        self.counters.entries.store(member.committed_entries, Ordering::Relaxed);
        self.counters.groups.store(member.groups, Ordering::Relaxed);
        self.counters.truncations.store(member.truncations, Ordering::Relaxed);
        if settled.changed || settled.progressed {
            *self.view.lock() = member.view().clone();
        }
        drop(member);
        let more = self.deliver(settled, writable, refusal);
        for (queued, cause) in behind {
            queued.waiter.answer(Err(Lost { cause }));
        }
        more
    }

    fn deliver(&self, settled: Settled, writable: bool, refusal: LostCause) -> bool {
        {
            let mut queue = self.queue.lock();
            queue.refuse_unless(writable, refusal);
        }
        let (changed, progressed, more) = (settled.changed, settled.progressed, settled.more);
        // Whoever hears that a proposal was lost must find the new epoch, and whoever asks then who
        // leads must not hear what was true before.
        if changed {
            self.observer.changed();
        }
        settled.answer();
        if progressed {
            self.observer.progressed();
        }
        more
    }

    pub(crate) fn refresh_refusal(&self) {
        let writable = self.member.lock().is_writable();
        self.queue.lock().refuse_unless(writable, LostCause::NotLeader);
    }

    /// Ends a turn.
    fn release(&self) {
        let mut queue = self.queue.lock();
        queue.busy = false;
        let untold = self.has_commit_to_tell.load(Ordering::Relaxed)
            && !self.will_tell_commit.load(Ordering::Relaxed);
        let more = !queue.waiting.is_empty() || !queue.messages.is_empty() || queue.poked || untold;
        let closed = queue.closed.is_some();
        let idle = queue.is_idle();
        drop(queue);
        if more || closed || self.wants_retry.load(Ordering::Relaxed) {
            self.work.notify_one();
        }
        if idle {
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

    /// Waits until everything that is queued now has its place in the log.
    pub(crate) fn drain_queue(&self) {
        self.wait_until_idle();
    }

    /// The thread: takes what there is, until closed.
    pub(crate) fn run(&self) {
        let mut alarms = Alarms::default();
        let mut more = false;
        while let Some(turn) = self.next_turn(&mut alarms, more) {
            more = self.take_turn(turn);
            self.release();
        }
        // What is still on its way is left to the next start, or to the next leader.
        let mut settled = Settled::default();
        self.member.lock().give_up(&mut settled);
        if settled.has_answers() {
            let lost = Lost { cause: LostCause::ShuttingDown };
            for queued in self.note(lost) {
                queued.waiter.answer(Err(lost));
            }
        }
        settled.answer();
    }

    /// Waits for work; `None` when there will be none.
    fn next_turn(&self, alarms: &mut Alarms, more: bool) -> Option<Turn> {
        let waiting_since = Instant::now();
        let mut queue = self.queue.lock();
        loop {
            let tick = Duration::from_micros(self.tick_micros.load(Ordering::Relaxed));
            let ticks = alarms.ticks_due(tick);
            let untold = self.has_commit_to_tell.load(Ordering::Relaxed);
            let tells_commit = alarms.commit_is_due(untold);
            let retry = self.wants_retry.load(Ordering::Relaxed);
            let retry_due = retry && waiting_since.elapsed() >= RETRY_PAUSE;
            let has_room = self.has_room.load(Ordering::Relaxed);
            let proposals = has_room && !queue.waiting.is_empty();
            let due = proposals
                || !queue.messages.is_empty()
                || queue.poked
                || ticks > 0
                || tells_commit
                || retry_due
                || more;
            if !queue.busy && due {
                alarms.ticked(tick, ticks);
                let turn = self.begin_turn(&mut queue);
                return Some(Turn { ticks, tells_commit, ..turn });
            }
            if queue.closed.is_some() && !queue.busy && (queue.waiting.is_empty() || !has_room) {
                self.give_up_waiting(&mut queue);
                return None;
            }
            self.will_tell_commit.store(untold, Ordering::Relaxed);
            let wait = alarms.until_next(tick);
            let wait = if retry { wait.min(RETRY_PAUSE) } else { wait };
            self.work.wait_for(&mut queue, wait);
        }
    }

    fn begin_turn(&self, queue: &mut Queue) -> Turn {
        queue.busy = true;
        queue.poked = false;
        let messages = std::mem::take(&mut queue.messages);
        let group = if self.has_room.load(Ordering::Relaxed) {
            queue.take_group(self.options.group_bytes_max)
        } else {
            Vec::new()
        };
        Turn { messages, group, ..Turn::default() }
    }

    /// The node goes down and the log takes no more.
    fn give_up_waiting(&self, queue: &mut Queue) {
        queue.bytes = 0;
        for queued in std::mem::take(&mut queue.waiting) {
            queued.waiter.answer(Err(Lost { cause: LostCause::ShuttingDown }));
        }
        self.idle.notify_all();
    }

    fn take_turn(&self, turn: Turn) -> bool {
        let Turn { messages, group, ticks, tells_commit } = turn;
        let started = Instant::now();
        let mut member = self.member.lock();
        let groups = member.groups;
        let mut settled = Settled::default();
        let guard = EndsTheProcess;
        // Before the ticks: a leader's sign of life may be among them.
        for (from, message) in messages {
            member.receive(from, message);
        }
        for _ in 0..ticks {
            member.tick(wall_seconds());
        }
        if !group.is_empty() {
            member.propose(group, &mut settled);
        }
        if tells_commit {
            member.tell_commit();
        }
        std::mem::forget(guard);
        let more = self.settle(member, settled);
        // What was not synced says nothing of syncs.
        if self.counters.groups.load(Ordering::Relaxed) != groups {
            self.note_turn(started);
        }
        more
    }

    /// After a loss everything in the queue, which was planned over what was lost, is lost too.
    fn note(&self, lost: Lost) -> VecDeque<Queued> {
        let mut queue = self.queue.lock();
        self.epoch.fetch_add(1, Ordering::AcqRel);
        if lost.cause == LostCause::Failed {
            queue.closed.get_or_insert(LostCause::Failed);
        }
        queue.bytes = 0;
        let behind = std::mem::take(&mut queue.waiting);
        drop(queue);
        self.machine.lost();
        behind
    }
}

fn wall_seconds() -> u32 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| u32::try_from(since.as_secs()).unwrap_or(u32::MAX))
}

/// A panic in the member leaves its state unknown: nothing may be acknowledged after it.
struct EndsTheProcess;

impl Drop for EndsTheProcess {
    fn drop(&mut self) {
        tracing::error!(
            target: "REPL",
            id = 7_200_003,
            "The replication core failed; the process ends, because its state is unknown"
        );
        std::process::abort();
    }
}
