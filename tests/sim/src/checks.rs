//! What must hold, whatever happens.
//!
//! Owns collecting what was seen and the first thing that was wrong. One file for each rule; the
//! wrappers around log and state, the network and the clients tell them what happened.

mod applied;
mod commit;
mod durable;
mod history;
mod leaders;
mod matching;
mod monotonic;
mod votes;

pub use history::{Kind, OperationId};

use crate::digest::digest;
use quire_consensus::{Consensus, ConsensusKind, Membership, Message, Role};
use quire_documents::Documents;
use quire_log::{Entry, EntryKind, HardState, LogIndex, LogStore, Term};

/// What a rule says: nothing, or what is wrong.
pub type Verdict = Result<(), String>;

/// A member as it is after a turn.
pub struct Sight<'a> {
    pub node: u64,
    pub role: Role,
    pub term: Term,
    /// The term that it led at the turn's beginning or end.
    pub led: Option<Term>,
    pub commit: LogIndex,
    /// The membership before the turn and after it.
    pub memberships: [&'a Membership; 2],
}

#[derive(Default)]
pub struct Checks {
    wrong: Option<String>,
    leaders: leaders::OneLeaderPerTerm,
    votes: votes::OneVotePerTerm,
    matching: matching::LogMatching,
    applied: applied::AppliedAlike,
    monotonic: monotonic::Monotonic,
    commit: commit::CommitRule,
    durable: durable::Durable,
    pub history: history::History,
    /// Copies of the state that arrived whole.
    pub copies: u64,
    /// The term from which on a forced configuration is in force, if there is one.
    forced_from: Option<Term>,
}

impl Checks {
    /// The first thing that was wrong.
    pub fn wrong(&self) -> Option<&str> {
        self.wrong.as_deref()
    }

    pub fn note(&mut self, verdict: Verdict) {
        if let Err(what) = verdict {
            self.wrong.get_or_insert(what);
        }
    }

    /// A member starts with what its disk holds.
    pub fn started(&mut self, node: u64, log: &dyn LogStore, was_wiped: bool) {
        let entries = match entries_of(log) {
            Ok(entries) => entries,
            Err(what) => return self.note(Err(what)),
        };
        let before = LogIndex(log.first_index().0.saturating_sub(1));
        let term_before = log.term(before).ok().flatten().unwrap_or_default();
        if !was_wiped {
            let verdict = self.durable.started(node, before, &entries, log.hard_state());
            self.note(verdict);
        }
        let verdict = self.matching.holds(node, term_before, &entries);
        self.note(verdict);
        self.durable.begins(node, before, &entries, log.hard_state());
        self.monotonic.restarted(node);
        let verdict = self.monotonic.term(node, log.hard_state().term);
        self.note(verdict);
    }

    /// Compares the log on disk with what was written to it.
    pub fn audit(&mut self, node: u64, log: &dyn LogStore) {
        let verdict = entries_of(log).and_then(|entries| {
            let before = LogIndex(log.first_index().0.saturating_sub(1));
            self.durable.started(node, before, &entries, log.hard_state())
        });
        self.note(verdict);
    }

    pub fn appended(&mut self, node: u64, before: Term, entries: &[Entry], hard: HardState) {
        let verdict = self.matching.holds(node, before, entries);
        self.note(verdict);
        self.durable.appended(node, entries, hard);
        if self.forced_from.is_some() && hard.commit == LogIndex::ZERO {
            // It gives a history up, and knows nothing to be committed in the other one.
            self.monotonic.restarted(node);
        }
    }

    /// An append of these failed: none, some or all of them may be there.
    pub fn append_failed(&mut self, node: u64, entries: &[Entry]) {
        let first = entries.first().map(|entry| entry.index);
        self.durable.unsure(node, first);
    }

    pub fn cut_back(&mut self, node: u64, through: LogIndex) {
        self.durable.unsure(node, Some(through.next()));
        // It starts again from what it has written down, which may be less than it knew.
        self.monotonic.restarted(node);
    }

    pub fn log_restarted(&mut self, node: u64, after: LogIndex) {
        self.durable.restarted_after(node, after);
    }

    /// A member goes on alone with what it holds. What only others hold is given up, and nothing
    /// else: from here on there are two histories, which its log has in common.
    pub fn forced(&mut self, from: Term, log: &dyn LogStore, applied: LogIndex, commit: LogIndex) {
        let entries = match entries_of(log) {
            Ok(entries) => entries,
            Err(what) => return self.note(Err(what)),
        };
        self.forced_from = Some(from);
        let tail = entries.iter().filter(|entry| entry.index > applied);
        self.applied.forced(applied, tail.map(|entry| (entry.index, digest_of(entry))));
        let term = log.term(commit).ok().flatten().unwrap_or_default();
        self.commit.forced(commit, term);
    }

    fn is_forced(&self, term: Term) -> bool {
        self.forced_from.is_some_and(|from| term >= from)
    }

    /// A client hears from a leader of this term that its write took effect.
    pub fn acknowledged(&mut self, id: OperationId, term: Term) {
        let forced = self.is_forced(term);
        self.history.acknowledged(id, forced);
    }

    /// A client reads from a leader of this term.
    pub fn read(&mut self, key: i32, begun: u64, seen: Vec<i64>, term: Term) {
        let forced = self.is_forced(term);
        self.history.read(key, begun, seen, forced);
    }

    pub fn applying(&mut self, node: u64, entries: &[Entry]) {
        for entry in entries {
            let forced = self.is_forced(entry.term);
            let verdict = self.applied.entry(node, entry.index, digest_of(entry), forced);
            self.note(verdict);
        }
    }

    pub fn state(&mut self, node: u64, documents: &Documents) {
        let verdict = self.applied.state(node, documents);
        self.note(verdict);
    }

    pub fn sent(&mut self, from: u64, message: &Message) {
        let Message::Consensus(message) = message else { return };
        let Consensus { kind, term, to, reject, .. } = *message;
        let verdict = match kind {
            ConsensusKind::VoteResponse if !reject => self.votes.granted(from, term, to),
            ConsensusKind::Append | ConsensusKind::Heartbeat => self.leaders.leads(from, term),
            _ => Ok(()),
        };
        self.note(verdict);
        if kind != ConsensusKind::PreVote && kind != ConsensusKind::PreVoteResponse {
            self.monotonic.promised(from, term);
        }
    }

    /// A member after a turn.
    pub fn saw(&mut self, sight: &Sight<'_>) {
        let Sight { node, role, term, commit, .. } = *sight;
        let verdict = self.monotonic.term(node, term);
        self.note(verdict);
        let verdict = self.monotonic.commit(node, commit);
        self.note(verdict);
        if role == Role::Leader {
            let verdict = self.leaders.leads(node, term);
            self.note(verdict);
            let verdict = self.commit.leads(node, term, &self.durable, self.is_forced(term));
            self.note(verdict);
        }
        // Whoever led in this turn has committed what it did as a leader.
        let forced = self.is_forced(sight.led.unwrap_or(term));
        let verdict = self.commit.committed(sight, &self.durable, forced);
        self.note(verdict);
    }

    /// Terms that had a leader.
    pub fn elections(&self) -> u64 {
        self.leaders.terms()
    }
}

fn entries_of(log: &dyn LogStore) -> Result<Vec<Entry>, String> {
    let (first, last) = (log.first_index().0, log.last_index().0);
    log.read(first..=last, usize::MAX).map_err(|error| format!("a log cannot be read: {error}"))
}

fn digest_of(entry: &Entry) -> u64 {
    let kind = match entry.kind {
        EntryKind::TermStart => 0_u8,
        EntryKind::Effects => 1,
        EntryKind::Configuration => 2,
    };
    digest(&[
        &entry.index.0.to_le_bytes(),
        &entry.term.0.to_le_bytes(),
        &entry.timestamp.0.to_le_bytes(),
        &[kind],
        &entry.payload,
    ])
}
