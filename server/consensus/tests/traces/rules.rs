//! What must hold of messages and logs in every scenario.

use quire_consensus::{Consensus, ConsensusKind, Message};
use quire_log::{Entry, EntryKind, LogIndex, Term};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub struct Rules {
    /// Who said that it would vote for whom.
    would_vote: BTreeMap<(u64, Term), BTreeSet<u64>>,
    /// What was once known to be committed.
    committed: BTreeMap<LogIndex, Term>,
    /// Every election: its term, and the last entry that the candidate named.
    pub votes_asked: Vec<(Term, LogIndex, Term)>,
}

impl Rules {
    pub fn sent(&mut self, from: u64, to: u64, message: &Message, commit: LogIndex) {
        let Message::Consensus(message) = message else { return };
        assert_ne!(from, to, "nobody talks to itself");
        let Consensus { kind, term, index, log_term, .. } = message;
        match kind {
            ConsensusKind::PreVoteResponse if !message.reject => {
                self.would_vote.entry((to, *term)).or_default().insert(from);
            }
            ConsensusKind::Vote => {
                let asked = self.would_vote.get(&(from, *term)).map_or(0, BTreeSet::len);
                assert!(asked >= 1, "no vote before a majority would give it");
                assert!(log_term < term, "the term of the last entry, not the candidate's");
                self.votes_asked.push((*term, *index, *log_term));
            }
            ConsensusKind::Append | ConsensusKind::Heartbeat => {
                assert!(message.commit <= commit, "nobody hears of more than is committed");
            }
            _ => {}
        }
    }

    /// A log as it is on disk begins every term with an empty entry.
    pub fn terms_begin_empty(&self, entries: &[Entry]) {
        let mut term = Term(0);
        for entry in entries {
            if entry.term > term {
                assert_eq!(entry.kind, EntryKind::TermStart, "a term begins with an empty entry");
                assert!(entry.payload.is_empty());
            }
            term = entry.term;
        }
    }

    /// What is committed stays what it was.
    pub fn committed_stays(&mut self, entries: &[Entry], commit: LogIndex) {
        for entry in entries.iter().take_while(|entry| entry.index <= commit) {
            let known = *self.committed.entry(entry.index).or_insert(entry.term);
            assert_eq!(known, entry.term, "entry {} was committed", entry.index);
        }
    }
}
