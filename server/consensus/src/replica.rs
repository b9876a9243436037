//! One member's handle on the replicated log.
//!
//! Owns starting, orders from outside, figures and going down. Who carries out a turn is decided in
//! `turns`; what a turn does is the member's business.

use crate::member::{Member, MemberView, Start};
use crate::message::{Message, NoPeers, Transport};
use crate::proposal::{Lost, LostCause, Proposal, Queued, Ticket, Waiter};
use crate::recovery::RecoveryError;
use crate::retention::Retention;
use crate::turns::{Shared, Submitted};
use crate::{Candidacy, Membership};
use parking_lot::Mutex;
use quire_log::{Applied, LogIndex, LogStats, LogStore, StateMachine, Term, Timestamp};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Bounds and tuning of a replica.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// This member's id; never zero.
    pub node: u64,
    /// Where the randomness of elections comes from.
    pub seed: u64,
    /// Proposals that may wait at once; more are refused.
    pub queue_entries_max: usize,
    /// Payload bytes that may wait at once; more are refused.
    pub queue_bytes_max: usize,
    /// Payload bytes committed with one sync.
    pub group_bytes_max: usize,
    /// A proposer commits by itself only while syncs are quicker than this.
    pub inline_sync_max: Duration,
    pub retention: Retention,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            node: 1,
            seed: 1,
            queue_entries_max: 100_000,
            queue_bytes_max: 256 << 20,
            group_bytes_max: 16 << 20,
            inline_sync_max: Duration::from_millis(2),
            retention: Retention::default(),
        }
    }
}

/// Hears of what happens to a member. Called from the thread that did it; must not block. What is
/// true then is asked of the replica: whoever begins to listen may do so between two changes.
pub trait Observer: Send + Sync {
    /// The member's place in the set changed.
    fn changed(&self);

    /// Another member got further.
    fn progressed(&self);

    /// Another member says something that is not about the log.
    fn gossip(&self, from: u64, bytes: &[u8]);
}

/// For a set of one, which has nothing to tell.
#[derive(Debug)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn changed(&self) {}
    fn progressed(&self) {}
    fn gossip(&self, _: u64, _: &[u8]) {}
}

/// What a replica is connected to.
pub struct Surroundings {
    pub transport: Arc<dyn Transport>,
    pub observer: Arc<dyn Observer>,
}

impl Default for Surroundings {
    fn default() -> Surroundings {
        Surroundings { transport: Arc::new(NoPeers), observer: Arc::new(NoObserver) }
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
    /// How often the log has forgotten something.
    pub truncations: u64,
    pub log: LogStats,
}

/// A running replica. Dropping it stops its thread after what is queued.
pub struct Replica {
    shared: Arc<Shared>,
    log: Arc<dyn LogStore>,
    machine: Arc<dyn StateMachine>,
    replayed: u64,
    /// As the member has it, told without waiting for its turn.
    retention: Mutex<Retention>,
    /// Held by whoever changes it, from what it was until what it is.
    retention_change: Mutex<()>,
    /// The number of the candidacy that the member has.
    candidacy_told: AtomicU64,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Replica {
    /// Recovers from disk and starts as a set of one, which accepts proposals when this returns.
    pub fn open(
        log: Arc<dyn LogStore>,
        machine: Arc<dyn StateMachine>,
        options: Options,
    ) -> Result<Replica, RecoveryError> {
        Replica::start(log, machine, options, Start::Alone, Surroundings::default())
    }

    /// Recovers from disk and takes part in the set that the state names.
    pub fn join(
        log: Arc<dyn LogStore>,
        machine: Arc<dyn StateMachine>,
        options: Options,
        surroundings: Surroundings,
    ) -> Result<Replica, RecoveryError> {
        Replica::start(log, machine, options, Start::InSet, surroundings)
    }

    fn start(
        log: Arc<dyn LogStore>,
        machine: Arc<dyn StateMachine>,
        options: Options,
        start: Start,
        surroundings: Surroundings,
    ) -> Result<Replica, RecoveryError> {
        let behind = log.last_index().0.saturating_sub(machine.applied().index.0);
        let mut member = Member::open(log.clone(), machine.clone(), options, start)?;
        let replayed = if start == Start::Alone { behind } else { 0 };
        if start == Start::Alone {
            settle_alone(&mut member)?;
        }
        let shared = Arc::new(Shared::new(member, machine.clone(), options, surroundings));
        let for_thread = shared.clone();
        let thread = std::thread::Builder::new()
            .name("replica".to_owned())
            .spawn(move || for_thread.run())
            .map_err(|e| RecoveryError::Log(quire_log::LogError::Io(e.to_string())))?;
        let retention = Mutex::new(options.retention);
        let (retention_change, thread) = (Mutex::default(), Some(thread));
        let candidacy_told = AtomicU64::new(0);
        Ok(Replica {
            shared,
            log,
            machine,
            replayed,
            retention,
            retention_change,
            candidacy_told,
            thread,
        })
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
        self.submit(epoch, Proposal { timestamp, payload: payload.into() }, true)
    }

    /// [`Replica::propose`] for those who have more to propose before they wait: always by way of
    /// the queue, so that what follows shares a sync with it.
    pub fn enqueue(
        &self,
        epoch: u64,
        timestamp: Timestamp,
        payload: Vec<u8>,
    ) -> Result<Submitted, Lost> {
        self.submit(epoch, Proposal { timestamp, payload: payload.into() }, false)
    }

    fn submit(
        &self,
        epoch: u64,
        proposal: Proposal,
        may_be_inline: bool,
    ) -> Result<Submitted, Lost> {
        let mut queue = self.shared.queue.lock();
        if let Some(cause) = queue.closed.or(queue.refusing) {
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

    /// Refuses proposals, or takes them again: what a member does that is about to hand over.
    pub fn refuse_proposals(&self, refuse: bool) {
        self.shared.queue.lock().held = refuse;
        self.shared.refresh_refusal();
    }

    /// Proposes the next membership, in order with everything that was proposed before.
    pub fn propose_membership(
        &self,
        epoch: u64,
        timestamp: Timestamp,
        next: &Membership,
    ) -> Result<Ticket, Lost> {
        // What waits in the queue has older stamps and must get there first.
        self.shared.drain_queue();
        if epoch != self.shared.epoch() {
            return Err(Lost { cause: LostCause::Superseded });
        }
        self.shared.direct(|member| member.propose_membership(timestamp, next))
    }

    /// Makes this node the only voter of a new set; the configuration is to be proposed next, as
    /// soon as the view says that it is writable.
    pub fn bootstrap(&self) -> Result<(), RecoveryError> {
        self.shared.direct(Member::bootstrap)
    }

    /// Makes this node the only voter of a later incarnation of its set, as [`Replica::bootstrap`]
    /// does of a new one.
    pub fn force(&self) -> Result<(), RecoveryError> {
        self.shared.direct(Member::force)
    }

    /// See [`Member::set_witnesses`].
    pub fn set_witnesses(&self, witnesses: BTreeSet<u64>, own: Option<bool>) {
        self.shared.ask(|member| member.set_witnesses(witnesses, own));
    }

    /// Changes how much of the log stays: to what is made of what it was, unless that fails. One
    /// change follows another, also where making it takes a write to a disk.
    pub fn change_retention<Failure>(
        &self,
        change: impl FnOnce(Retention) -> Result<Retention, Failure>,
    ) -> Result<Retention, Failure> {
        let _changing = self.retention_change.lock();
        let retention = change(self.retention())?;
        *self.retention.lock() = retention;
        self.shared.ask(|member| member.set_retention(retention));
        Ok(retention)
    }

    /// How much of the log stays for members that were away and for readers of the past.
    pub fn retention(&self) -> Retention {
        *self.retention.lock()
    }

    /// Who keeps what a forced configuration makes this member give up.
    pub fn set_keeper(&self, keeper: Arc<dyn crate::Keeper>) {
        self.shared.ask(|member| member.set_keeper(keeper));
    }

    /// A promise that everything acknowledged before now can be read here when it is kept.
    pub fn read_barrier(&self) -> Result<Ticket, Lost> {
        self.shared.direct(Member::read_barrier)
    }

    /// Hands leadership to a voter that has caught up.
    pub fn transfer(&self, to: u64) {
        self.shared.direct(|member| member.transfer(to));
    }

    /// Stops leading without a successor.
    pub fn resign(&self) {
        self.shared.direct(Member::resign);
    }

    /// Stands for election at once.
    pub fn campaign(&self) {
        self.shared.direct(Member::campaign);
    }

    /// Whether and how eagerly it stands for election. Who tells counts from one, in the order in
    /// which it made up its mind: threads may overtake each other on their way here, and what is
    /// older is passed over. Gives whether it was taken.
    pub fn set_candidacy(&self, number: u64, candidacy: Candidacy) -> bool {
        self.shared.ask(|member| {
            let is_newer = self.candidacy_told.fetch_max(number, Ordering::Relaxed) < number;
            if is_newer {
                member.set_candidacy(candidacy);
            }
            is_newer
        })
    }

    /// Holds entries back until they are so old.
    pub fn set_delay(&self, seconds: u32) {
        self.shared.ask(|member| member.set_delay(seconds));
    }

    /// How long a tick lasts; an election timeout is [`crate::ELECTION_TICKS`] of them.
    pub fn set_tick(&self, tick: Duration) {
        self.shared.set_tick(tick);
    }

    /// A message of another member arrived. Too many at once are dropped, as a network may. Nothing
    /// follows from it before [`Replica::attend`].
    pub fn receive(&self, from: u64, message: Message) {
        self.shared.receive(from, message);
    }

    /// Has what was received dealt with. Takes as long as a sync at times, as a proposal's
    /// [`Submitted::commit`] does.
    pub fn attend(&self) {
        self.shared.attend();
    }

    /// A member's host refuses connections: its process is gone.
    pub fn peer_is_dead(&self, node: u64) {
        self.shared.direct(|member| member.peer_is_dead(node));
    }

    /// The member as it last saw itself.
    pub fn view(&self) -> MemberView {
        self.shared.view()
    }

    /// Counts the times that proposals were lost. Plans made over proposals of an earlier epoch are
    /// void. Once it has changed, [`StateMachine::lost`] is called.
    pub fn epoch(&self) -> u64 {
        self.shared.epoch()
    }

    /// True while proposals are taken.
    pub fn is_writable(&self) -> bool {
        self.refusal().is_none()
    }

    /// Why no proposals are taken now, if so.
    pub fn refusal(&self) -> Option<LostCause> {
        let queue = self.shared.queue.lock();
        queue.closed.or(queue.refusing)
    }

    pub fn term(&self) -> Term {
        self.shared.view().term
    }

    pub fn applied(&self) -> Applied {
        self.machine.applied()
    }

    /// The last entry of the log, committed or not, and the last one known to be committed.
    pub fn log_position(&self) -> (LogIndex, LogIndex) {
        self.shared.ask(|member| (member.last(), member.committed()))
    }

    /// The log itself, for readers of the past.
    pub fn log(&self) -> &Arc<dyn LogStore> {
        &self.log
    }

    pub fn stats(&self) -> ReplicaStats {
        let (queued, queued_bytes) = {
            let queue = self.shared.queue.lock();
            (queue.waiting.len() as u64, queue.bytes as u64)
        };
        let counters = &self.shared.counters;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ReplicaStats {
            term: self.term(),
            queued,
            queued_bytes,
            committed_entries: count(&counters.entries),
            groups: count(&counters.groups),
            inline_groups: count(&counters.inline_groups),
            replayed_at_start: self.replayed,
            truncations: count(&counters.truncations),
            log: self.log.stats(),
        }
    }

    /// Makes the applied state durable and lets the log forget what it no longer needs.
    pub fn checkpoint(&self) -> Result<(), quire_log::Fatal> {
        self.machine.flush()?;
        let truncations = self.shared.ask(|member| {
            member.compact();
            member.truncations
        });
        self.shared.counters.truncations.store(truncations, Ordering::Relaxed);
        Ok(())
    }

    /// Refuses new proposals, finishes the queued ones and flushes. What cannot be finished now is
    /// left to the next start.
    pub fn shut_down(&self) -> Result<(), quire_log::Fatal> {
        self.shared.close(LostCause::ShuttingDown);
        self.shared.wait_until_idle();
        self.machine.flush()
    }
}

/// Carries a set of one to where it accepts proposals.
fn settle_alone(member: &mut Member) -> Result<(), RecoveryError> {
    loop {
        let settled = member.settle(&NoPeers);
        if let Some(failure) = member.take_failure() {
            return Err(failure);
        }
        if !settled.more && member.is_writable() {
            return Ok(());
        }
        if !settled.more {
            let stuck = "a set of one could not elect itself".to_owned();
            return Err(RecoveryError::Log(quire_log::LogError::Corruption(stuck)));
        }
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.shared.close(LostCause::ShuttingDown);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
