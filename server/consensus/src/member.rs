//! One member of the set, without thread, clock or socket.
//!
//! Owns the order of things that makes a write safe: append and sync, then vouch for it, then commit,
//! apply, answer. Whoever drives it gives it ticks, messages and proposals, and calls
//! [`Member::settle`] to have done what follows from them. A daemon drives it from a thread
//! ([`crate::Replica`]), a simulation from a seed.
//!
//! | trouble | what happens |
//! |---|---|
//! | the log's disk is full | the tail is cut back, leadership and what was on its way are lost; it goes on when there is room |
//! | the log failed otherwise | the member cannot vouch for anything any more and stops |
//! | apply failed | the entry stays; proposers hear that the outcome is unknown; it is tried again |

mod applying;
mod copying;
mod forcing;
mod logging;
mod proposing;
mod standing;

pub use forcing::Keeper;
pub use standing::{Arriving, MemberView, PeerProgress};

use crate::core::{Candidacy, Core, CoreStart, ELECTION_TICKS};
use crate::message::{Message, Transport};
use crate::proposal::{Committed, Lost, LostCause, Waiter};
use crate::recovery::{self, RecoveryError};
use crate::{Consensus, ConsensusKind, Membership, Options, Retention};
use applying::Backlog;
use copying::{Arrival, Departures};
use logging::LogTrouble;
use proposing::{InFlight, Reads};
use quire_log::{LogIndex, LogStore, StateMachine, Term};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// In what way a node takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// A set of one that needs no configuration.
    Alone,
    /// A member of the set that its state names; of none, as long as it names none.
    InSet,
}

/// See the module.
pub struct Member {
    node: u64,
    options: Options,
    start: Start,
    log: Arc<dyn LogStore>,
    machine: Arc<dyn StateMachine>,
    core: Core,
    in_flight: VecDeque<InFlight>,
    in_flight_bytes: usize,
    backlog: Backlog,
    reads: Reads,
    departures: Departures,
    arrival: Option<Arrival>,
    /// Ticks until another copy is asked for, after one that failed.
    arrival_pause: u32,
    /// The state is not whole: nothing can be applied to it.
    partial: bool,
    trouble: Option<LogTrouble>,
    /// The log failed for good.
    halted: bool,
    /// How often applying has failed since it last succeeded.
    apply_failures: u32,
    /// For how many ticks it has been failing.
    stalled_ticks: usize,
    candidacy: Candidacy,
    /// Entries younger than this are held back, as a delayed member does.
    delay_seconds: u32,
    wall_seconds: u32,
    /// An arbiter: it votes and keeps the log, and has no data.
    witness: bool,
    /// All members that are.
    witnesses: BTreeSet<u64>,
    keeper: Option<Arc<dyn Keeper>>,
    peers_applied: BTreeMap<u64, LogIndex>,
    /// The leader and position that were last told of our progress.
    progress_told: (Option<u64>, LogIndex),
    /// How many ticks ago that was.
    progress_age: usize,
    standing: MemberView,
    restarts: u64,
    failure: Option<RecoveryError>,
    pub(crate) groups: u64,
    pub(crate) committed_entries: u64,
    /// How often the log has forgotten something.
    pub(crate) truncations: u64,
}

/// What came out of settling.
#[derive(Default)]
pub struct Settled {
    /// Everything that was on its way is lost, and whatever was planned over it with it. To be noted
    /// before anybody is answered.
    pub lost: Option<LostCause>,
    answers: Vec<(Waiter, Result<Committed, Lost>)>,
    /// The view changed.
    pub changed: bool,
    /// A member got further.
    pub progressed: bool,
    /// There is more to do at once, as soon as a loss was noted.
    pub more: bool,
}

impl Settled {
    pub(crate) fn has_answers(&self) -> bool {
        !self.answers.is_empty()
    }

    /// Puts what came out earlier before this.
    pub(crate) fn follow(&mut self, earlier: &mut Settled) {
        let later = std::mem::take(&mut self.answers);
        self.answers = std::mem::take(&mut earlier.answers);
        self.answers.extend(later);
        self.changed |= earlier.changed;
        self.progressed |= earlier.progressed;
    }

    /// Answers those who wait.
    pub fn answer(self) {
        for (waiter, outcome) in self.answers {
            waiter.answer(outcome);
        }
    }
}

impl Member {
    /// Starts from what is on disk.
    pub fn open(
        log: Arc<dyn LogStore>,
        machine: Arc<dyn StateMachine>,
        options: Options,
        start: Start,
    ) -> Result<Member, RecoveryError> {
        let partial = recovery::check(log.as_ref(), machine.as_ref())?;
        let membership = recovery::membership(machine.as_ref(), start, options.node)?;
        let core = Core::start(CoreStart {
            node: options.node,
            log: log.clone(),
            hard_state: recovery::hard_state(log.as_ref(), machine.as_ref())?,
            membership: Arc::new(membership),
            applied: recovery::applied(machine.as_ref(), partial),
            candidacy: Candidacy::default(),
            seed: options.seed,
        })?;
        // Until it is told what it is, it goes on as it was.
        let witness = !partial && machine.is_hollow();
        let mut member = Member {
            node: options.node,
            options,
            start,
            log,
            machine,
            core,
            in_flight: VecDeque::new(),
            in_flight_bytes: 0,
            backlog: Backlog::default(),
            reads: Reads::default(),
            departures: Departures::default(),
            arrival: None,
            arrival_pause: 0,
            partial,
            trouble: None,
            halted: false,
            apply_failures: 0,
            stalled_ticks: 0,
            candidacy: Candidacy::default(),
            delay_seconds: 0,
            wall_seconds: 0,
            witness,
            witnesses: BTreeSet::new(),
            keeper: None,
            peers_applied: BTreeMap::new(),
            progress_told: (None, LogIndex::ZERO),
            progress_age: 0,
            standing: MemberView::default(),
            restarts: 0,
            failure: None,
            groups: 0,
            committed_entries: 0,
            truncations: 0,
        };
        member.set_candidacy(Candidacy::default());
        if start == Start::Alone {
            member.core.campaign();
        }
        Ok(member)
    }

    pub fn node(&self) -> u64 {
        self.node
    }

    /// A tick has passed; the wall clock shows so many seconds.
    pub fn tick(&mut self, wall_seconds: u32) {
        self.wall_seconds = wall_seconds;
        if self.halted {
            return;
        }
        self.progress_age += 1;
        if self.progress_age >= ELECTION_TICKS {
            // What was told may have been lost on the way.
            self.progress_told = (None, LogIndex::ZERO);
        }
        if self.trouble.is_none() {
            self.core.tell_commit();
            // What was heard since the last tick may forbid to stand.
            self.set_candidacy(self.candidacy);
            self.core.tick();
        }
        self.stalled_ticks = if self.apply_failures > 0 { self.stalled_ticks + 1 } else { 0 };
        self.tick_copies();
    }

    /// Takes a message of another member.
    pub fn receive(&mut self, from: u64, message: Message) {
        if self.halted {
            return;
        }
        match message {
            // A log that is not open cannot be asked whether a message fits.
            Message::Consensus(_) if self.trouble.is_some() => {}
            Message::Consensus(message) if message.from == from => self.step(message),
            Message::Consensus(_) | Message::Gossip(_) => {}
            Message::Progress { applied } if self.core.membership().contains(from) => {
                let known = self.peers_applied.entry(from).or_default();
                *known = (*known).max(applied);
            }
            Message::Progress { .. } => {}
            copying => self.receive_copying(from, copying),
        }
    }

    fn step(&mut self, mut message: Consensus) {
        if message.kind == ConsensusKind::CopyOffer {
            return self.copy_offered(message);
        }
        let cannot = message.kind == ConsensusKind::TimeoutNow && !self.may_stand();
        if cannot || self.gives_up(&mut message) {
            return;
        }
        let from = message.from;
        let outcome = self.core.step(message);
        self.leave_other_copies();
        self.note_contradiction(from, outcome);
    }

    /// A member's process is known to be gone: its host refuses connections.
    pub fn peer_is_dead(&mut self, node: u64) {
        self.copy_was_left(node);
        self.core.peer_is_dead(node);
    }

    /// Whether and how eagerly this member stands for election.
    pub fn set_candidacy(&mut self, candidacy: Candidacy) {
        self.candidacy = candidacy;
        let stands = candidacy.stands && self.may_stand();
        self.core.set_candidacy(Candidacy { stands, ..candidacy });
    }

    /// Whoever has no state cannot lead, though its log may be the longest.
    fn may_stand(&self) -> bool {
        !self.partial && !self.is_left_behind()
    }

    /// Holds entries back until they are so old.
    pub fn set_delay(&mut self, seconds: u32) {
        self.delay_seconds = seconds;
    }

    /// Says which members are arbiters, which take part in elections and commits and apply nothing;
    /// and whether this one is, unless the configuration does not know it.
    ///
    /// Whoever is none any more has a state with holes, and gets a copy before it counts for anything
    /// else. Whoever has no state yet and is to be one need not get any, but for its position.
    pub fn set_witnesses(&mut self, witnesses: BTreeSet<u64>, own: Option<bool>) {
        self.witnesses = witnesses;
        let Some(witness) = own.filter(|own| *own != self.witness || self.lacks_data()) else {
            return;
        };
        let is_new = witness && !self.witness && self.machine.configuration().is_none();
        self.witness = witness;
        if is_new || self.lacks_data() {
            self.partial = true;
            self.set_candidacy(self.candidacy);
        }
    }

    /// It should have data, and effects were left out of what it has.
    fn lacks_data(&self) -> bool {
        !self.witness && self.machine.is_hollow()
    }

    pub fn set_retention(&mut self, retention: Retention) {
        self.options.retention = retention;
    }

    /// Who keeps what a forced configuration makes this member give up.
    pub fn set_keeper(&mut self, keeper: Arc<dyn Keeper>) {
        self.keeper = Some(keeper);
    }

    /// Hands leadership to a voter that has caught up.
    pub fn transfer(&mut self, to: u64) {
        if self.trouble.is_none() {
            self.core.transfer(to);
        }
    }

    /// Stops leading without a successor.
    pub fn resign(&mut self) {
        self.core.resign();
    }

    /// Stands for election at once, without asking whether anybody would vote.
    pub fn campaign(&mut self) {
        if self.may_stand() && self.trouble.is_none() {
            self.core.campaign();
        }
    }

    /// Becomes the only voter of a new set, whose configuration is to be proposed next.
    pub fn bootstrap(&mut self) -> Result<(), RecoveryError> {
        self.restart_core(Arc::new(Membership::alone(self.node)))?;
        self.core.campaign();
        Ok(())
    }

    /// Throws the core away and starts it from what is on disk.
    fn restart_core(&mut self, membership: Arc<Membership>) -> Result<(), RecoveryError> {
        // What is known to be committed need not be learned again.
        self.restart_core_from(membership, self.committed())
    }

    fn restart_core_from(
        &mut self,
        membership: Arc<Membership>,
        committed: LogIndex,
    ) -> Result<(), RecoveryError> {
        self.restarts += 1;
        let mut hard_state = recovery::hard_state(self.log.as_ref(), self.machine.as_ref())?;
        hard_state.commit = hard_state.commit.max(committed).min(self.log.last_index());
        self.core = Core::start(CoreStart {
            node: self.node,
            log: self.log.clone(),
            hard_state,
            membership,
            applied: recovery::applied(self.machine.as_ref(), self.partial),
            candidacy: self.candidacy,
            seed: self.options.seed.wrapping_add(self.restarts),
        })?;
        self.backlog = Backlog::default();
        self.set_candidacy(self.candidacy);
        Ok(())
    }

    /// Does what follows from everything that was given: writes, sends, applies.
    pub fn settle(&mut self, transport: &dyn Transport) -> Settled {
        let mut settled = Settled::default();
        if self.halted {
            return settled;
        }
        self.recover_log(&mut settled);
        while self.trouble.is_none() && !self.halted {
            let Some(work) = self.core.work() else { break };
            self.carry_out(work, transport, &mut settled);
        }
        self.take_stock(&mut settled);
        if settled.lost.is_some() {
            // Nothing of a later time may be seen by those who wait for what was lost.
            settled.more = true;
            return settled;
        }
        self.apply(transport, &mut settled);
        self.drive_copies(transport);
        self.take_stock(&mut settled);
        self.note_progress(&mut settled);
        settled
    }

    /// Other members do not know yet what is committed. They hear of it with the next entries, at a
    /// tick, or when they are told.
    pub fn has_commit_to_tell(&self) -> bool {
        self.trouble.is_none() && !self.halted && self.core.has_commit_to_tell()
    }

    /// Tells them, so that they apply it.
    pub fn tell_commit(&mut self) {
        if self.has_commit_to_tell() {
            self.core.tell_commit();
        }
    }

    /// Something failed and is worth another attempt soon.
    pub fn wants_retry(&self) -> bool {
        !self.halted && (self.trouble.is_some() || self.apply_failures > 0)
    }

    /// Gives up on what cannot be finished now: it is left to the next start.
    pub fn give_up(&mut self, settled: &mut Settled) {
        self.lose_all(LostCause::ShuttingDown, settled);
    }

    /// The last failure of log or state.
    pub(crate) fn take_failure(&mut self) -> Option<RecoveryError> {
        self.failure.take()
    }

    pub fn is_halted(&self) -> bool {
        self.halted
    }

    pub fn term(&self) -> Term {
        self.core.term()
    }

    /// The last entry of the log, and whether everything up to it is applied here.
    pub fn last(&self) -> LogIndex {
        self.core.last()
    }

    pub fn committed(&self) -> LogIndex {
        self.core.committed()
    }

    /// Lets the log forget what is durably applied and older than what readers of the past want.
    pub fn compact(&mut self) {
        self.compact_log();
    }
}
