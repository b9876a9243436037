//! Rules broken on purpose, to see that the checks find them.
//!
//! Nothing of the server has a switch for this: what stands around a member does what would follow
//! if the member broke the rule.

use parking_lot::Mutex;
use quire_consensus::{Consensus, ConsensusKind, Message};
use quire_log::{
    Applied, Completeness, Entry, EntryKind, Export, Fatal, HardState, LogError, LogIndex,
    LogStats, LogStore, MemoryFiles, SegmentFile, SegmentFiles, StateMachine, Term, Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// A rule that everybody breaks, or one node where that shows better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// A member votes for whoever asks, whomever it voted for before.
    VoteTwice,
    /// The log answers before it has synced.
    UnsyncedIsEnough,
    /// Copies of entries of earlier terms are counted.
    CountOldTerms,
    /// Two entries of one step are applied in the wrong order.
    ApplyOutOfOrder,
    /// An append does not remove what contradicts it.
    KeepTail,
    /// What a session did is forgotten while its client may ask for it again.
    ForgetTooEarly,
}

impl Planted {
    pub const ALL: [Planted; 6] = [
        Planted::VoteTwice,
        Planted::UnsyncedIsEnough,
        Planted::CountOldTerms,
        Planted::ApplyOutOfOrder,
        Planted::KeepTail,
        Planted::ForgetTooEarly,
    ];

    pub fn log(self, inner: Arc<dyn LogStore>) -> Arc<dyn LogStore> {
        match self {
            Planted::KeepTail => Arc::new(BadLog(inner)),
            _ => inner,
        }
    }

    pub fn state(self, inner: Arc<dyn StateMachine>, place: usize) -> Arc<dyn StateMachine> {
        match self {
            Planted::ApplyOutOfOrder if place == 0 => Arc::new(BadState(inner)),
            _ => inner,
        }
    }
}

/// Keeps what contradicts an append.
struct BadLog(Arc<dyn LogStore>);

impl BadLog {
    /// The entries from the first on that the log does not hold yet, whatever it holds.
    fn only_new(&self, entries: &[Entry]) -> Vec<Entry> {
        let last = self.0.last_index();
        let mut term = self.0.term(last).ok().flatten().unwrap_or_default();
        let mut kept: Vec<Entry> =
            entries.iter().filter(|entry| entry.index > last).cloned().collect();
        for entry in &mut kept {
            term = term.max(entry.term);
            entry.term = term;
        }
        kept
    }
}

impl LogStore for BadLog {
    fn first_index(&self) -> LogIndex {
        self.0.first_index()
    }

    fn last_index(&self) -> LogIndex {
        self.0.last_index()
    }

    fn term(&self, index: LogIndex) -> Result<Option<Term>, LogError> {
        self.0.term(index)
    }

    fn read(&self, range: RangeInclusive<u64>, bytes_max: usize) -> Result<Vec<Entry>, LogError> {
        self.0.read(range, bytes_max)
    }

    fn first_since(&self, time: Timestamp) -> Result<LogIndex, LogError> {
        self.0.first_since(time)
    }

    fn first_since_about(&self, time: Timestamp) -> Result<LogIndex, LogError> {
        self.0.first_since_about(time)
    }

    fn hard_state(&self) -> HardState {
        self.0.hard_state()
    }

    fn identity(&self) -> Option<u64> {
        self.0.identity()
    }

    fn set_identity(&self, identity: u64) -> Result<(), LogError> {
        self.0.set_identity(identity)
    }

    fn append(&self, entries: &[Entry], hard_state: Option<HardState>) -> Result<(), LogError> {
        self.0.append(&self.only_new(entries), hard_state)
    }

    fn compact(&self, through: LogIndex) -> Result<(), LogError> {
        self.0.compact(through)
    }

    fn restart_after(&self, index: LogIndex, term: Term) -> Result<(), LogError> {
        self.0.restart_after(index, term)
    }

    fn reopen(&self, keep_through: LogIndex) -> Result<(), LogError> {
        self.0.reopen(keep_through)
    }

    fn stats(&self) -> LogStats {
        self.0.stats()
    }

    fn bytes_from(&self, first: LogIndex) -> u64 {
        self.0.bytes_from(first)
    }
}

struct BadState(Arc<dyn StateMachine>);

impl StateMachine for BadState {
    fn applied(&self) -> Applied {
        self.0.applied()
    }

    fn durable(&self) -> Result<LogIndex, Fatal> {
        self.0.durable()
    }

    fn apply(&self, entries: &[Entry]) -> Result<(), Fatal> {
        let mut entries = entries.to_vec();
        let effects = |entry: &Entry| entry.kind == EntryKind::Effects;
        let pair = entries.windows(2).position(|pair| pair.iter().all(effects));
        if let Some(first) = pair
            && let Some([one, other]) = entries.get_mut(first..first.saturating_add(2))
        {
            std::mem::swap(&mut one.payload, &mut other.payload);
        }
        self.0.apply(&entries)
    }

    fn flush(&self) -> Result<(), Fatal> {
        self.0.flush()
    }

    fn completeness(&self) -> Completeness {
        self.0.completeness()
    }

    fn configuration(&self) -> Option<Vec<u8>> {
        self.0.configuration()
    }

    fn export(&self) -> Result<Box<dyn Export>, Fatal> {
        self.0.export()
    }

    fn begin_install(&self) -> Result<(), Fatal> {
        self.0.begin_install()
    }

    fn install_chunk(&self, chunk: &[u8]) -> Result<(), Fatal> {
        self.0.install_chunk(chunk)
    }

    fn finish_install(&self) -> Result<Applied, Fatal> {
        self.0.finish_install()
    }

    fn log_restarted(&self) -> Result<(), Fatal> {
        self.0.log_restarted()
    }
}

/// Files of the log that hold the last write back until the next one, and say that it is synced.
pub struct ForgetfulFiles {
    files: Arc<MemoryFiles>,
    held: Arc<Mutex<Option<Held>>>,
}

struct Held {
    file: Arc<dyn SegmentFile>,
    offset: u64,
    bytes: Vec<u8>,
}

impl ForgetfulFiles {
    pub fn over(files: Arc<MemoryFiles>) -> ForgetfulFiles {
        ForgetfulFiles { files, held: Arc::default() }
    }

    fn wrap(&self, file: Arc<dyn SegmentFile>) -> Arc<dyn SegmentFile> {
        Arc::new(ForgetfulFile { file, held: self.held.clone() })
    }
}

impl SegmentFiles for ForgetfulFiles {
    fn list(&self) -> io::Result<Vec<u64>> {
        self.files.list()
    }

    fn open(&self, number: u64) -> io::Result<Arc<dyn SegmentFile>> {
        self.files.open(number).map(|file| self.wrap(file))
    }

    fn create(&self, number: u64, bytes: u64) -> io::Result<Arc<dyn SegmentFile>> {
        self.files.create(number, bytes).map(|file| self.wrap(file))
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        self.files.remove(number)
    }

    fn sync_names(&self) -> io::Result<()> {
        self.files.sync_names()
    }
}

struct ForgetfulFile {
    file: Arc<dyn SegmentFile>,
    held: Arc<Mutex<Option<Held>>>,
}

impl ForgetfulFile {
    fn write_what_is_held(&self) -> io::Result<()> {
        let Some(Held { file, offset, bytes }) = self.held.lock().take() else { return Ok(()) };
        file.write_at(offset, &bytes)?;
        file.sync()
    }
}

impl SegmentFile for ForgetfulFile {
    fn bytes(&self) -> io::Result<u64> {
        self.file.bytes()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.write_what_is_held()?;
        self.file.read_at(offset, into)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_what_is_held()?;
        let (file, bytes) = (self.file.clone(), bytes.to_vec());
        *self.held.lock() = Some(Held { file, offset, bytes });
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// What members would say that do not look whether they have voted.
#[derive(Default)]
pub struct Votes(BTreeSet<(u64, u64, Term)>);

impl Votes {
    /// A candidate asks a member, which is refused its vote by nothing but the vote it gave before.
    pub fn asked(&mut self, message: &Message, term: Term, log: &dyn LogStore) {
        let Message::Consensus(message) = message else { return };
        let last = log.last_index();
        let own = (log.term(last).ok().flatten().unwrap_or_default(), last);
        let is_current = (message.log_term, message.index) >= own;
        if message.kind == ConsensusKind::Vote && message.term == term && is_current {
            self.0.insert((message.to, message.from, term));
        }
    }

    pub fn rewrite(&self, message: &mut Message) {
        let Message::Consensus(message) = message else { return };
        if message.kind == ConsensusKind::VoteResponse
            && self.0.contains(&(message.from, message.to, message.term))
        {
            message.reject = false;
        }
    }
}

/// What a leader would say to others that counted copies whatever their term.
#[derive(Default)]
pub struct OldTerms(Mutex<BTreeMap<(u64, Term), BTreeMap<u64, LogIndex>>>);

impl OldTerms {
    /// A member tells a leader how far it got.
    pub fn hears(&self, message: &Message) {
        let Message::Consensus(message) = message else { return };
        let Consensus { kind, from, to, term, index, reject, .. } = *message;
        if kind == ConsensusKind::AppendResponse && !reject {
            let mut seen = self.0.lock();
            let known = seen.entry((to, term)).or_default().entry(from).or_default();
            *known = index.max(*known);
        }
    }

    /// Lets an append say more than its leader would.
    pub fn rewrite(&self, message: &mut Message, voters: usize, last: LogIndex) {
        let Message::Consensus(message) = message else { return };
        if message.kind != ConsensusKind::Append {
            return;
        }
        // As a leader that sends what is old first, and counts it.
        if message.entries.first().is_some_and(|first| first.term < message.term) {
            message.entries.retain(|entry| entry.term < message.term);
        }
        let mut seen: Vec<LogIndex> = vec![last];
        seen.extend(
            self.0
                .lock()
                .get(&(message.from, message.term))
                .into_iter()
                .flatten()
                .map(|(_, index)| *index),
        );
        seen.sort();
        let counted = seen.len().checked_sub(voters / 2 + 1).and_then(|place| seen.get(place));
        if let Some(counted) = counted {
            message.commit = message.commit.max(*counted);
        }
    }
}
