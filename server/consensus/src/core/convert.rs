//! Between our types and the crate's.
//!
//! Owns what an entry's fields mean inside the core: the time travels in the entry's context, and a
//! configuration's payload too, because the crate wants its own form of the change as data. Nothing
//! of the crate's encoding reaches the disk or another member.

use crate::message::{Consensus, ConsensusKind};
use quire_log::{Bytes, Entry, EntryKind, LogIndex, Term, Timestamp};
use raft::eraftpb::{self, EntryType, MessageType};

const KINDS: [(ConsensusKind, MessageType); 10] = [
    (ConsensusKind::Append, MessageType::MsgAppend),
    (ConsensusKind::AppendResponse, MessageType::MsgAppendResponse),
    (ConsensusKind::Vote, MessageType::MsgRequestVote),
    (ConsensusKind::VoteResponse, MessageType::MsgRequestVoteResponse),
    (ConsensusKind::PreVote, MessageType::MsgRequestPreVote),
    (ConsensusKind::PreVoteResponse, MessageType::MsgRequestPreVoteResponse),
    (ConsensusKind::Heartbeat, MessageType::MsgHeartbeat),
    (ConsensusKind::HeartbeatResponse, MessageType::MsgHeartbeatResponse),
    (ConsensusKind::CopyOffer, MessageType::MsgSnapshot),
    (ConsensusKind::TimeoutNow, MessageType::MsgTimeoutNow),
];

/// Marks a configuration that the core need not know of: to it, an ordinary entry.
const QUIET: u8 = 1;

pub(super) fn to_raft(message: Consensus) -> eraftpb::Message {
    let mut raft = eraftpb::Message::default();
    if let Some((_, kind)) = KINDS.iter().find(|(kind, _)| *kind == message.kind) {
        raft.set_msg_type(*kind);
    }
    raft.from = message.from;
    raft.to = message.to;
    raft.term = message.term.0;
    raft.index = message.index.0;
    raft.log_term = message.log_term.0;
    raft.commit = message.commit.0;
    raft.commit_term = message.commit_term.0;
    raft.reject = message.reject;
    raft.reject_hint = message.reject_hint.0;
    raft.context = message.context.into();
    raft.entries = message.entries.into_iter().map(entry_to_raft).collect::<Vec<_>>().into();
    raft
}

pub(super) fn from_raft_all(messages: Vec<eraftpb::Message>) -> Vec<Consensus> {
    messages.into_iter().filter_map(from_raft).collect()
}

/// `None` for the kinds that never leave a member.
fn from_raft(mut raft: eraftpb::Message) -> Option<Consensus> {
    let (kind, _) = KINDS.iter().find(|(_, kind)| *kind == raft.get_msg_type())?;
    let (mut index, mut log_term) = (raft.index, raft.log_term);
    if *kind == ConsensusKind::CopyOffer {
        let offered = raft.get_snapshot().get_metadata();
        (index, log_term) = (offered.index, offered.term);
    }
    Some(Consensus {
        kind: *kind,
        from: raft.from,
        to: raft.to,
        term: Term(raft.term),
        index: LogIndex(index),
        log_term: Term(log_term),
        commit: LogIndex(raft.commit),
        commit_term: Term(raft.commit_term),
        reject: raft.reject,
        reject_hint: LogIndex(raft.reject_hint),
        context: std::mem::take(&mut raft.context).to_vec(),
        entries: entries_from_raft(raft.take_entries().into()),
    })
}

pub(super) fn entry_to_raft(entry: Entry) -> eraftpb::Entry {
    let Entry { index, term, timestamp, kind, payload } = entry;
    let mut raft = eraftpb::Entry { index: index.0, term: term.0, ..eraftpb::Entry::default() };
    match kind {
        EntryKind::TermStart => {
            if timestamp != Timestamp::ZERO {
                raft.context = Bytes::copy_from_slice(&timestamp.0.to_be_bytes());
            }
        }
        EntryKind::Effects => {
            raft.context = Bytes::copy_from_slice(&timestamp.0.to_be_bytes());
            raft.data = payload;
        }
        EntryKind::Configuration => {
            raft.set_entry_type(EntryType::EntryConfChangeV2);
            raft.context = configuration_context(timestamp, &payload).into();
        }
    }
    raft
}

pub(super) fn configuration_context(timestamp: Timestamp, payload: &[u8]) -> Vec<u8> {
    let mut context = timestamp.0.to_be_bytes().to_vec();
    context.extend_from_slice(payload);
    context
}

pub(super) fn quiet_configuration(timestamp: Timestamp, payload: Vec<u8>) -> eraftpb::Entry {
    let mut context = timestamp.0.to_be_bytes().to_vec();
    context.push(QUIET);
    eraftpb::Entry { context: context.into(), data: payload.into(), ..Default::default() }
}

pub(super) fn entries_from_raft(entries: Vec<eraftpb::Entry>) -> Vec<Entry> {
    entries.into_iter().map(entry_from_raft).collect()
}

fn entry_from_raft(mut raft: eraftpb::Entry) -> Entry {
    let context = std::mem::take(&mut raft.context);
    let (timestamp, behind) = match context.split_first_chunk::<8>() {
        Some((time, behind)) => (Timestamp(u64::from_be_bytes(*time)), behind),
        None => (Timestamp::ZERO, [].as_slice()),
    };
    let (kind, payload) = if raft.get_entry_type() != EntryType::EntryNormal {
        (EntryKind::Configuration, Bytes::copy_from_slice(behind))
    } else if behind == [QUIET] {
        (EntryKind::Configuration, std::mem::take(&mut raft.data))
    } else if raft.data.is_empty() {
        (EntryKind::TermStart, Bytes::new())
    } else {
        (EntryKind::Effects, std::mem::take(&mut raft.data))
    };
    Entry { index: LogIndex(raft.index), term: Term(raft.term), timestamp, kind, payload }
}
