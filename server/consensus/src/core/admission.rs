//! Which messages may reach the core.
//!
//! Owns the checks that keep the core from ending the process: it takes for granted that members
//! tell the truth. A member that lost its disk, a forced configuration or damaged bytes do not.

use super::view::LogView;
use crate::message::{Consensus, ConsensusKind};
use quire_log::Entry;
use raft::{Raft, Storage as _};

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inadmissible {
    /// It is not for this member, or no member could have sent it.
    Nonsense,
    /// The sender takes for committed what is not here, or the reverse: the histories differ.
    OtherHistory,
}

pub(super) fn check(raft: &Raft<LogView>, message: &Consensus) -> Result<(), Inadmissible> {
    let addressed = message.to == raft.id && message.from != raft.id && message.from != 0;
    if !addressed || message.term.0 == 0 {
        return Err(Inadmissible::Nonsense);
    }
    let last = raft.raft_log.last_index();
    match message.kind {
        ConsensusKind::Append => check_append(raft, message),
        ConsensusKind::Heartbeat if message.commit.0 > last && message.term.0 >= raft.term => {
            Err(Inadmissible::OtherHistory)
        }
        ConsensusKind::AppendResponse if !message.reject && message.index.0 > last => {
            Err(Inadmissible::Nonsense)
        }
        ConsensusKind::Vote | ConsensusKind::PreVote
            if message.context != b"" && message.context != raft::CAMPAIGN_TRANSFER =>
        {
            Err(Inadmissible::Nonsense)
        }
        // Copies are handled beside the core.
        ConsensusKind::CopyOffer => Err(Inadmissible::Nonsense),
        _ => Ok(()),
    }
}

fn check_append(raft: &Raft<LogView>, message: &Consensus) -> Result<(), Inadmissible> {
    let mut index = message.index;
    let mut term = message.log_term;
    for entry in &message.entries {
        if entry.index.0 != index.0.saturating_add(1) || entry.term < term {
            return Err(Inadmissible::Nonsense);
        }
        (index, term) = (entry.index, entry.term);
    }
    if term > message.term {
        return Err(Inadmissible::Nonsense);
    }
    let contradicts = |entry: &Entry| {
        entry.index.0 <= raft.raft_log.committed
            && raft.store().first_index().is_ok_and(|first| entry.index.0 >= first)
            && raft.raft_log.term(entry.index.0).is_ok_and(|own| own != entry.term.0)
    };
    if message.term.0 >= raft.term && message.entries.iter().any(contradicts) {
        return Err(Inadmissible::OtherHistory);
    }
    Ok(())
}
