//! The core of the algorithm, behind plain types.
//!
//! Owns the one place where the `raft` crate is used: nothing of it is visible outside this folder.
//! What the core must not be trusted with is done here: bytes from other members are checked before
//! they reach it, because it ends the process on impossible input; randomness comes from a seed; and
//! who stands for election when is decided by [`Candidacy`], not by the crate's priorities.

mod admission;
mod convert;
mod view;

use crate::Membership;
use crate::message::Consensus;
use quire_log::{
    Applied, Bytes, Entry, EntryKind, HardState, LogError, LogIndex, LogStore, Term, Timestamp,
};
use raft::eraftpb::{ConfChangeSingle, ConfChangeTransition, ConfChangeType, ConfChangeV2};
use raft::eraftpb::{Message as RaftMessage, MessageType};
use raft::{NO_LIMIT, RawNode, ReadOnlyOption, SnapshotStatus, StateRole};
use std::sync::Arc;
use view::LogView;

pub(crate) use admission::Inadmissible;

/// An election timeout in ticks. How long a tick lasts is up to the caller.
pub const ELECTION_TICKS: usize = 20;
const HEARTBEAT_TICKS: usize = 2;

/// Up to so many ticks are added to an election timeout, so that two members seldom stand at once.
const ELECTION_JITTER_TICKS: u64 = 4;

/// Longer than anybody waits.
const NEVER: usize = 1 << 40;

/// Bytes of entries in one message, and in one step of applying.
const APPEND_BYTES_MAX: u64 = 1 << 20;
const COMMITTED_BYTES_MAX: u64 = 16 << 20;

/// Append messages on their way to one member.
const INFLIGHT_MAX: usize = 256;

/// Whether and how eagerly a member stands for election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidacy {
    pub stands: bool,
    /// Added to the timeout of a member that others should come before.
    pub delay_ticks: u32,
}

impl Default for Candidacy {
    fn default() -> Candidacy {
        Candidacy { stands: true, delay_ticks: 0 }
    }
}

/// What a member is in its set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    Leader,
    #[default]
    Follower,
    /// It asks whether it would be elected.
    PreCandidate,
    Candidate,
}

/// From what the core starts, and starts again.
pub(crate) struct CoreStart {
    pub(crate) node: u64,
    pub(crate) log: Arc<dyn LogStore>,
    pub(crate) hard_state: HardState,
    pub(crate) membership: Arc<Membership>,
    pub(crate) applied: Applied,
    pub(crate) candidacy: Candidacy,
    pub(crate) seed: u64,
}

pub(crate) struct Core {
    raw: RawNode<LogView>,
    membership: Arc<Membership>,
    candidacy: Candidacy,
    random: u64,
    /// The role and term that the election timeout was chosen for.
    timed: (StateRole, u64),
    /// The process of the last leader is known to be gone.
    leader_is_dead: bool,
    /// The last entry that was given to the log, and its time.
    newest: (u64, Timestamp),
    /// What the other members were last told to be committed.
    told: u64,
}

/// What the core wants done, in this order.
pub(crate) struct Work {
    pub(crate) send_first: Vec<Consensus>,
    pub(crate) entries: Vec<Entry>,
    /// Must be synced with the entries, before anything else is sent.
    pub(crate) hard_state: Option<HardState>,
    pub(crate) send_when_synced: Vec<Consensus>,
    pub(crate) committed: Vec<Entry>,
    /// Reads that may be served once this index is applied, by their tokens.
    pub(crate) readable: Vec<(u64, LogIndex)>,
    ready: raft::Ready,
}

/// What follows from having synced.
#[derive(Default)]
pub(crate) struct Synced {
    pub(crate) send: Vec<Consensus>,
    pub(crate) committed: Vec<Entry>,
}

/// How far one other member is, as the leader knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PeerState {
    pub(crate) node: u64,
    pub(crate) matched: LogIndex,
    pub(crate) active: bool,
    pub(crate) needs_copy: bool,
}

impl Core {
    pub(crate) fn start(start: CoreStart) -> Result<Core, LogError> {
        let CoreStart { node, log, hard_state, membership, applied, candidacy, seed } = start;
        let newest = (log.last_index().0, newest_time(log.as_ref(), applied)?);
        let config = raft::Config {
            id: node,
            election_tick: ELECTION_TICKS,
            heartbeat_tick: HEARTBEAT_TICKS,
            applied: applied.index.0,
            max_size_per_msg: APPEND_BYTES_MAX,
            max_inflight_msgs: INFLIGHT_MAX,
            check_quorum: true,
            pre_vote: true,
            min_election_tick: ELECTION_TICKS,
            max_election_tick: usize::MAX,
            read_only_option: ReadOnlyOption::Safe,
            // See `tell_commit`.
            skip_bcast_commit: true,
            batch_append: true,
            // The crate's priorities mean something else than MongoDB's, and panic at term zero.
            priority: 0,
            max_uncommitted_size: NO_LIMIT,
            max_committed_size_per_ready: COMMITTED_BYTES_MAX,
        };
        let view = LogView::new(log, hard_state, &membership, applied);
        let silent = slog::Logger::root(slog::Discard, slog::o!());
        let raw = RawNode::new(&config, view, &silent)
            .map_err(|error| LogError::Corruption(format!("the log does not fit: {error}")))?;
        let timed = (StateRole::Follower, 0);
        let mut core = Core {
            raw,
            membership,
            candidacy,
            random: seed,
            timed,
            leader_is_dead: false,
            newest,
            told: 0,
        };
        core.choose_timeout();
        Ok(core)
    }

    pub(crate) fn tick(&mut self) {
        self.raw.tick();
        self.after_step();
    }

    /// Takes a message of another member.
    pub(crate) fn step(&mut self, message: Consensus) -> Result<(), Inadmissible> {
        admission::check(&self.raw.raft, &message)?;
        // What the core refuses it ignores: an unknown sender, an answer to nothing.
        let _ = self.raw.step(convert::to_raft(message));
        self.after_step();
        Ok(())
    }

    /// Puts entries behind the last one and gives the index of the first; `None` when this member
    /// does not lead or is about to hand over.
    pub(crate) fn propose(&mut self, payloads: Vec<(Timestamp, Bytes)>) -> Option<LogIndex> {
        if self.raw.raft.state != StateRole::Leader {
            return None;
        }
        let first = LogIndex(self.raw.raft.raft_log.last_index()).next();
        let entries = payloads.into_iter().map(|(timestamp, payload)| {
            convert::entry_to_raft(Entry {
                index: LogIndex::ZERO,
                term: Term(0),
                timestamp,
                kind: EntryKind::Effects,
                payload,
            })
        });
        self.append_own(entries.collect())?;
        Some(first)
    }

    /// Puts entries behind the last one, as a leader may.
    fn append_own(&mut self, entries: Vec<raft::eraftpb::Entry>) -> Option<()> {
        let mut message = RaftMessage::default();
        message.set_msg_type(MessageType::MsgPropose);
        message.from = self.raw.raft.id;
        message.entries = entries.into();
        self.raw.raft.step(message).ok()?;
        self.told = self.raw.raft.raft_log.committed;
        Some(())
    }

    /// More is committed than other members were told.
    pub(crate) fn has_commit_to_tell(&self) -> bool {
        let raft = &self.raw.raft;
        self.told < raft.raft_log.committed
            && raft.state == StateRole::Leader
            && raft.prs().iter().any(|(id, _)| *id != raft.id)
    }

    /// Tells what is committed to all other members. Entries that follow tell it too, and cost them and
    /// the leader no message more.
    pub(crate) fn tell_commit(&mut self) {
        if self.has_commit_to_tell() {
            self.raw.raft.bcast_append();
            self.told = self.raw.raft.raft_log.committed;
        }
    }

    /// Proposes the next membership; `None` when this cannot be done now.
    pub(crate) fn propose_membership(
        &mut self,
        timestamp: Timestamp,
        next: &Membership,
    ) -> Option<LogIndex> {
        if self.raw.raft.state != StateRole::Leader || self.raw.raft.has_pending_conf() {
            return None;
        }
        if !next.follows(&self.membership) {
            return None;
        }
        let index = LogIndex(self.raw.raft.raft_log.last_index()).next();
        let change = change_between(&self.membership, next);
        let nothing_changes = change.changes.is_empty() && !leaves_joint(&self.membership, next);
        if nothing_changes {
            // Only what is opaque here changes; the core would take an empty change for leaving a
            // joint set.
            self.append_own(vec![convert::quiet_configuration(timestamp, next.encode())])?;
        } else {
            let context = convert::configuration_context(timestamp, &next.encode());
            self.raw.propose_conf_change(context, change).ok()?;
        }
        Some(index)
    }

    /// The entry of a membership has been applied. False when it is no step from the one before it,
    /// as for a member that knew of none: then the core must be started again from what is on disk.
    #[must_use]
    pub(crate) fn change_membership(&mut self, next: Arc<Membership>) -> bool {
        if !next.follows(&self.membership) {
            return false;
        }
        let change = change_between(&self.membership, &next);
        let is_change = !change.changes.is_empty() || leaves_joint(&self.membership, &next);
        if is_change && self.raw.apply_conf_change(&change).is_err() {
            return false;
        }
        self.raw.mut_store().set_membership(&next);
        self.membership = next;
        self.after_step();
        let own = self.raw.raft.id;
        if !self.membership.is_voter(own) && !self.membership.outgoing.contains(&own) {
            // Whoever does not belong to the set any more takes no proposals, so it must not lead.
            self.resign();
        }
        true
    }

    pub(crate) fn membership(&self) -> &Arc<Membership> {
        &self.membership
    }

    /// Asks to be told when a read that began now may be served.
    pub(crate) fn read_index(&mut self, token: u64) {
        self.raw.read_index(token.to_be_bytes().to_vec());
    }

    /// Hands leadership over.
    pub(crate) fn transfer(&mut self, to: u64) {
        if self.raw.raft.state == StateRole::Leader && self.membership.is_voter(to) {
            self.raw.transfer_leader(to);
        }
    }

    /// Stops leading without a successor.
    pub(crate) fn resign(&mut self) {
        if self.raw.raft.state == StateRole::Leader {
            let term = self.raw.raft.term;
            self.raw.raft.become_follower(term, raft::INVALID_ID);
            self.after_step();
        }
    }

    /// Stands for election at once, without asking first.
    pub(crate) fn campaign(&mut self) {
        if self.raw.raft.state == StateRole::Leader || !self.raw.raft.promotable() {
            return;
        }
        let mut order = RaftMessage::default();
        order.set_msg_type(MessageType::MsgTimeoutNow);
        order.from = self.raw.raft.id;
        // The core lets only followers be ordered.
        if self.raw.raft.state != StateRole::Follower {
            let term = self.raw.raft.term;
            self.raw.raft.become_follower(term, raft::INVALID_ID);
        }
        let _ = self.raw.raft.step(order);
        self.after_step();
    }

    pub(crate) fn set_candidacy(&mut self, candidacy: Candidacy) {
        if self.candidacy != candidacy {
            self.candidacy = candidacy;
            self.choose_timeout();
        }
    }

    /// A member's process is gone. If it led, nobody needs to wait for the timeout.
    pub(crate) fn peer_is_dead(&mut self, node: u64) {
        self.raw.report_unreachable(node);
        let raft = &mut self.raw.raft;
        if raft.state != StateRole::Leader && raft.leader_id == node {
            raft.leader_id = raft::INVALID_ID;
            self.leader_is_dead = true;
            self.hurry();
        }
    }

    /// Asks a member again where its log ends: it has got a copy, or perhaps none was needed.
    pub(crate) fn copy_ended(&mut self, node: u64) {
        self.raw.report_snapshot(node, SnapshotStatus::Finish);
    }

    /// The next work, if there is any. It must be done and given to [`Core::synced`] before anything
    /// else is asked of the core.
    pub(crate) fn work(&mut self) -> Option<Work> {
        if !self.raw.has_ready() {
            return None;
        }
        let mut ready = self.raw.ready();
        let send_first = convert::from_raft_all(ready.take_messages());
        let send_when_synced = convert::from_raft_all(ready.take_persisted_messages());
        let hard_state = ready.must_sync().then(|| self.hard_state());
        let readable = ready
            .take_read_states()
            .into_iter()
            .filter_map(|state| {
                let token = <[u8; 8]>::try_from(state.request_ctx.as_slice()).ok()?;
                Some((u64::from_be_bytes(token), LogIndex(state.index)))
            })
            .collect();
        let committed = convert::entries_from_raft(ready.take_committed_entries());
        let mut entries = convert::entries_from_raft(ready.take_entries());
        self.stamp(&mut entries);
        Some(Work { send_first, entries, hard_state, send_when_synced, committed, readable, ready })
    }

    /// The entry that starts a term is stamped by nobody: its time follows from its place, so that
    /// every member gives it the same.
    fn stamp(&mut self, entries: &mut [Entry]) {
        let Some(first) = entries.first() else { return };
        let before = first.index.0.saturating_sub(1);
        let mut time =
            if before == self.newest.0 { self.newest.1 } else { self.raw.store().time_of(before) };
        for entry in entries.iter_mut() {
            if entry.timestamp == Timestamp::ZERO {
                entry.timestamp = time.next();
            }
            time = entry.timestamp;
            self.newest = (entry.index.0, time);
        }
    }

    /// Everything in `work` was done, but for applying.
    pub(crate) fn synced(&mut self, work: Work) -> Synced {
        self.raw.mut_store().remember(work.entries);
        let mut light = self.raw.advance_append(work.ready);
        self.after_step();
        Synced {
            send: convert::from_raft_all(light.take_messages()),
            committed: convert::entries_from_raft(light.take_committed_entries()),
        }
    }

    pub(crate) fn applied(&mut self, applied: Applied) {
        self.raw.mut_store().set_applied(applied);
        if applied.index.0 > self.raw.raft.raft_log.applied {
            self.raw.advance_apply_to(applied.index.0);
        }
    }

    pub(crate) fn hard_state(&self) -> HardState {
        let state = self.raw.raft.hard_state();
        HardState { term: Term(state.term), vote: state.vote, commit: LogIndex(state.commit) }
    }

    pub(crate) fn role(&self) -> Role {
        match self.raw.raft.state {
            StateRole::Leader => Role::Leader,
            StateRole::Follower => Role::Follower,
            StateRole::PreCandidate => Role::PreCandidate,
            StateRole::Candidate => Role::Candidate,
        }
    }

    pub(crate) fn term(&self) -> Term {
        Term(self.raw.raft.term)
    }

    /// The leader, where it is known.
    pub(crate) fn leader(&self) -> Option<u64> {
        let leader = self.raw.raft.leader_id;
        (leader != raft::INVALID_ID).then_some(leader)
    }

    pub(crate) fn last(&self) -> LogIndex {
        LogIndex(self.raw.raft.raft_log.last_index())
    }

    /// The time of the last entry that was given to the log.
    pub(crate) fn newest_time(&self) -> Timestamp {
        self.newest.1
    }

    pub(crate) fn committed(&self) -> LogIndex {
        LogIndex(self.raw.raft.raft_log.committed)
    }

    /// A leader that has applied an entry of its own term knows the whole committed past.
    pub(crate) fn leads_in_full(&self) -> bool {
        let raft = &self.raw.raft;
        raft.state == StateRole::Leader && raft.apply_to_current_term()
    }

    pub(crate) fn is_handing_over(&self) -> bool {
        self.raw.raft.lead_transferee.is_some()
    }

    /// The other members, as a leader sees them.
    pub(crate) fn peers(&self) -> Vec<PeerState> {
        let own = self.raw.raft.id;
        let progress = self.raw.raft.prs().iter().filter(|(id, _)| **id != own);
        let mut peers: Vec<PeerState> = progress
            .map(|(id, progress)| PeerState {
                node: *id,
                matched: LogIndex(progress.matched),
                active: progress.recent_active,
                needs_copy: progress.state == raft::ProgressState::Snapshot,
            })
            .collect();
        peers.sort_by_key(|peer| peer.node);
        peers
    }

    /// Keeps the election timeout ours after whatever may have chosen a new one.
    fn after_step(&mut self) {
        let raft = &self.raw.raft;
        let now = (raft.state, raft.term);
        if raft.leader_id != raft::INVALID_ID {
            self.leader_is_dead = false;
        }
        if now != self.timed || raft.randomized_election_timeout() >= 2 * NEVER {
            self.timed = now;
            self.choose_timeout();
        }
    }

    fn choose_timeout(&mut self) {
        let ticks = if self.candidacy.stands {
            let jitter = self.random() % ELECTION_JITTER_TICKS;
            ELECTION_TICKS + jitter as usize + self.candidacy.delay_ticks as usize
        } else {
            NEVER
        };
        self.raw.raft.set_randomized_election_timeout(ticks);
        if self.leader_is_dead || self.is_only_voter() {
            self.hurry();
        }
    }

    /// Nobody else could be heard of.
    fn is_only_voter(&self) -> bool {
        let Membership { voters, outgoing, .. } = self.membership.as_ref();
        outgoing.is_empty() && voters.iter().eq([&self.raw.raft.id])
    }

    /// Stands soon: the survivors one after the other, in the order of their ids.
    fn hurry(&mut self) {
        if !self.candidacy.stands {
            return;
        }
        let own = self.raw.raft.id;
        let rank = self.membership.voters.iter().take_while(|voter| **voter < own).count();
        let wait = 1 + rank + self.candidacy.delay_ticks as usize;
        let timeout = self.raw.raft.randomized_election_timeout();
        self.raw.raft.election_elapsed = timeout.saturating_sub(wait);
    }

    /// `SplitMix64`.
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn newest_time(log: &dyn LogStore, applied: Applied) -> Result<Timestamp, LogError> {
    let last = log.last_index();
    if last < log.first_index() {
        return Ok(applied.timestamp);
    }
    let entries = log.read(last.0..=last.0, 1)?;
    Ok(entries.first().map_or(applied.timestamp, |entry| entry.timestamp))
}

fn leaves_joint(now: &Membership, next: &Membership) -> bool {
    now.is_joint() && !next.is_joint()
}

/// What has to change to come from one membership to the next.
fn change_between(now: &Membership, next: &Membership) -> ConfChangeV2 {
    let mut change = ConfChangeV2::default();
    if leaves_joint(now, next) {
        return change;
    }
    let mut steps = Vec::new();
    let mut step = |kind, node| {
        let mut single = ConfChangeSingle::default();
        single.set_change_type(kind);
        single.node_id = node;
        steps.push(single);
    };
    for node in next.voters.difference(&now.voters) {
        step(ConfChangeType::AddNode, *node);
    }
    for node in next.learners.difference(&now.learners) {
        step(ConfChangeType::AddLearnerNode, *node);
    }
    // Whoever is on the way out has left the new half already.
    let stays = |node: &u64| next.voters.contains(node) || next.learners.contains(node);
    for node in now.voters.union(&now.learners).filter(|node| !stays(node)) {
        step(ConfChangeType::RemoveNode, *node);
    }
    // More than one step always goes by way of two majorities.
    if next.is_joint() {
        change.set_transition(ConfChangeTransition::Explicit);
    }
    change.changes = steps.into();
    change
}
