//! Messages as bytes.
//!
//! Owns the format between members, which belongs to us and not to the core of the algorithm. Every
//! length is checked against what is there; bytes from outside give `None`, never a panic.

use super::{Consensus, ConsensusKind, Message};
use quire_log::{Entry, EntryKind, LogIndex, Term, Timestamp};

/// No message is longer: one entry or chunk of the largest size, and what surrounds it.
pub const MESSAGE_BYTES_MAX: usize = 64 << 20;

const CONSENSUS: u8 = 1;
const PROGRESS: u8 = 2;
const COPY_FETCH: u8 = 3;
const COPY_CHUNK: u8 = 4;
const COPY_REFUSED: u8 = 5;
const COPY_DONE: u8 = 6;
const GOSSIP: u8 = 7;

const KINDS: [(ConsensusKind, u8); 10] = [
    (ConsensusKind::Append, 1),
    (ConsensusKind::AppendResponse, 2),
    (ConsensusKind::Vote, 3),
    (ConsensusKind::VoteResponse, 4),
    (ConsensusKind::PreVote, 5),
    (ConsensusKind::PreVoteResponse, 6),
    (ConsensusKind::Heartbeat, 7),
    (ConsensusKind::HeartbeatResponse, 8),
    (ConsensusKind::CopyOffer, 9),
    (ConsensusKind::TimeoutNow, 10),
];

const ENTRY_KINDS: [(EntryKind, u8); 3] =
    [(EntryKind::TermStart, 1), (EntryKind::Effects, 2), (EntryKind::Configuration, 3)];

fn code_of<T: Copy + PartialEq>(table: &[(T, u8)], wanted: T) -> u8 {
    table.iter().find(|(kind, _)| *kind == wanted).map_or(0, |(_, code)| *code)
}

fn of_code<T: Copy>(table: &[(T, u8)], wanted: u8) -> Option<T> {
    table.iter().find(|(_, code)| *code == wanted).map(|(kind, _)| *kind)
}

impl Message {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Message::Consensus(message) => {
                out.push(CONSENSUS);
                message.encode(&mut out);
            }
            Message::Progress { applied } => {
                out.push(PROGRESS);
                put(&mut out, applied.0);
            }
            Message::CopyFetch { token, sequence } => {
                out.push(COPY_FETCH);
                put(&mut out, *token);
                put(&mut out, *sequence);
            }
            Message::CopyChunk { token, sequence, last, chunk } => {
                out.push(COPY_CHUNK);
                put(&mut out, *token);
                put(&mut out, *sequence);
                out.push(u8::from(*last));
                out.extend_from_slice(chunk);
            }
            Message::CopyRefused { token } => {
                out.push(COPY_REFUSED);
                put(&mut out, *token);
            }
            Message::CopyDone { token } => {
                out.push(COPY_DONE);
                put(&mut out, *token);
            }
            Message::Gossip(bytes) => {
                out.push(GOSSIP);
                out.extend_from_slice(bytes);
            }
        }
        out
    }

    /// `None` for bytes that are no message.
    pub fn decode(bytes: &[u8]) -> Option<Message> {
        let (&kind, rest) = bytes.split_first()?;
        let mut input = Input(rest);
        let message = match kind {
            CONSENSUS => Message::Consensus(Consensus::decode(&mut input)?),
            PROGRESS => Message::Progress { applied: LogIndex(input.number()?) },
            COPY_FETCH => Message::CopyFetch { token: input.number()?, sequence: input.number()? },
            COPY_CHUNK => {
                let (token, sequence) = (input.number()?, input.number()?);
                let last = input.flag()?;
                Message::CopyChunk { token, sequence, last, chunk: input.rest().to_vec() }
            }
            COPY_REFUSED => Message::CopyRefused { token: input.number()? },
            COPY_DONE => Message::CopyDone { token: input.number()? },
            GOSSIP => Message::Gossip(input.rest().to_vec()),
            _ => return None,
        };
        input.0.is_empty().then_some(message)
    }
}

impl Consensus {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(code_of(&KINDS, self.kind));
        for number in [
            self.from,
            self.to,
            self.term.0,
            self.index.0,
            self.log_term.0,
            self.commit.0,
            self.commit_term.0,
            self.reject_hint.0,
        ] {
            put(out, number);
        }
        out.push(u8::from(self.reject));
        put_bytes(out, &self.context);
        put(out, self.entries.len() as u64);
        for entry in &self.entries {
            out.push(code_of(&ENTRY_KINDS, entry.kind));
            put(out, entry.index.0);
            put(out, entry.term.0);
            put(out, entry.timestamp.0);
            put_bytes(out, &entry.payload);
        }
    }

    fn decode(input: &mut Input<'_>) -> Option<Consensus> {
        let kind = of_code(&KINDS, input.byte()?)?;
        let mut numbers = [0; 8];
        for number in &mut numbers {
            *number = input.number()?;
        }
        let [from, to, term, index, log_term, commit, commit_term, reject_hint] = numbers;
        let reject = input.flag()?;
        let context = input.bytes()?.to_vec();
        let count = input.number()?;
        let mut entries = Vec::new();
        for _ in 0..count {
            // A lying count ends with the bytes.
            entries.push(Entry {
                kind: of_code(&ENTRY_KINDS, input.byte()?)?,
                index: LogIndex(input.number()?),
                term: Term(input.number()?),
                timestamp: Timestamp(input.number()?),
                payload: input.bytes()?.to_vec().into(),
            });
        }
        Some(Consensus {
            kind,
            from,
            to,
            term: Term(term),
            index: LogIndex(index),
            log_term: Term(log_term),
            commit: LogIndex(commit),
            commit_term: Term(commit_term),
            reject,
            reject_hint: LogIndex(reject_hint),
            context,
            entries,
        })
    }
}

fn put(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_be_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn number(&mut self) -> Option<u64> {
        let (bytes, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*bytes))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<Message> {
        let entry = |n: u64, kind| Entry {
            index: LogIndex(n),
            term: Term(2),
            timestamp: Timestamp(n * 7),
            kind,
            payload: vec![n as u8; 3].into(),
        };
        let consensus = |kind| {
            Message::Consensus(Consensus {
                kind,
                from: u64::MAX,
                to: 2,
                term: Term(3),
                index: LogIndex(4),
                log_term: Term(5),
                commit: LogIndex(6),
                commit_term: Term(7),
                reject: true,
                reject_hint: LogIndex(8),
                context: b"context".to_vec(),
                entries: vec![
                    entry(5, EntryKind::TermStart),
                    entry(6, EntryKind::Effects),
                    entry(7, EntryKind::Configuration),
                ],
            })
        };
        KINDS
            .iter()
            .map(|(kind, _)| consensus(*kind))
            .chain([
                Message::Progress { applied: LogIndex(9) },
                Message::CopyFetch { token: 1, sequence: 2 },
                Message::CopyChunk { token: 1, sequence: 2, last: true, chunk: vec![1, 2] },
                Message::CopyRefused { token: 3 },
                Message::CopyDone { token: 4 },
                Message::Gossip(b"opaque".to_vec()),
            ])
            .collect()
    }

    #[test]
    fn every_message_comes_back_as_it_was_sent() {
        for message in samples() {
            assert_eq!(Message::decode(&message.encode()), Some(message));
        }
    }

    #[test]
    fn damaged_bytes_give_no_message_or_another_one_and_never_a_panic() {
        for message in samples() {
            let bytes = message.encode();
            for cut in 0..bytes.len() {
                let _ = Message::decode(&bytes[..cut]);
            }
            for at in 0..bytes.len() {
                for value in [0, 1, 0x7f, 0xff] {
                    let mut damaged = bytes.clone();
                    damaged[at] = value;
                    let _ = Message::decode(&damaged);
                }
            }
        }
        assert_eq!(Message::decode(&[]), None);
        assert_eq!(Message::decode(&[99]), None);
    }

    #[test]
    fn bytes_behind_a_message_are_refused() {
        let mut bytes = Message::CopyDone { token: 1 }.encode();
        bytes.push(0);
        assert_eq!(Message::decode(&bytes), None);
    }
}
