//! What leaves, in which order, and what is lost when too much waits.

use super::*;
use quire_consensus::Consensus;
use quire_log::{Entry, EntryKind, LogIndex, Term, Timestamp};

fn consensus(kind: ConsensusKind, index: u64, payload: usize) -> Message {
    let entry = Entry {
        index: LogIndex(index),
        term: Term(1),
        kind: EntryKind::Effects,
        timestamp: Timestamp::default(),
        payload: vec![0; payload].into(),
    };
    Message::Consensus(Consensus {
        kind,
        from: 1,
        to: 2,
        term: Term(1),
        index: LogIndex(index),
        log_term: Term(1),
        commit: LogIndex(0),
        commit_term: Term(0),
        reject: false,
        reject_hint: LogIndex(0),
        context: Vec::new(),
        entries: if payload == 0 { Vec::new() } else { vec![entry] },
    })
}

fn append(index: u64, payload: usize) -> Message {
    consensus(ConsensusKind::Append, index, payload)
}

fn chunk(sequence: u64, bytes: usize) -> Message {
    Message::CopyChunk { token: 1, sequence, last: false, chunk: vec![0; bytes] }
}

fn take(outbox: &Outbox) -> Vec<Message> {
    let mut batch = Vec::new();
    outbox.take(&mut batch);
    batch
}

#[test]
fn pieces_of_a_copy_wait_for_everything_else_and_go_one_by_one() {
    let outbox = Outbox::new();
    let gossip = |byte| Message::Gossip(vec![byte]);
    outbox.put(chunk(0, 10));
    outbox.put(gossip(1));
    outbox.put(append(1, 5));
    outbox.put(chunk(1, 10));
    outbox.put(Message::CopyFetch { token: 1, sequence: 9 });
    let fetch = Message::CopyFetch { token: 1, sequence: 9 };
    assert_eq!(take(&outbox), [gossip(1), append(1, 5), fetch]);
    assert_eq!(take(&outbox), [chunk(0, 10)]);
    outbox.put(gossip(2));
    assert_eq!(take(&outbox), [gossip(2)]);
    assert_eq!(take(&outbox), [chunk(1, 10)]);
    assert_eq!(take(&outbox), []);
}

#[test]
fn a_batch_is_bounded_but_never_empty_while_something_waits() {
    let outbox = Outbox::new();
    for index in 0..5 {
        outbox.put(append(index, BATCH_BYTES / 2));
    }
    outbox.put(append(5, 4 * BATCH_BYTES));
    outbox.put(append(6, 1));
    let sizes: Vec<usize> =
        std::iter::from_fn(|| Some(take(&outbox).len()).filter(|n| *n > 0)).collect();
    assert_eq!(sizes, [1, 1, 1, 1, 1, 1, 1]);
    for index in 0..5 {
        outbox.put(append(index, 1));
    }
    assert_eq!(take(&outbox).len(), 5);
}

#[test]
fn when_too_many_wait_the_oldest_entries_are_lost_before_any_vote() {
    let outbox = Outbox::new();
    let vote = consensus(ConsensusKind::Vote, 0, 0);
    outbox.put(vote.clone());
    for index in 0..MESSAGES_MAX as u64 + 10 {
        outbox.put(append(index, 0));
    }
    let mut left = Vec::new();
    while let [first, ..] = take(&outbox).as_slice() {
        left.push(first.clone());
        if left.len() > 1 {
            break;
        }
    }
    assert_eq!(left.first(), Some(&vote));
    let waiting = outbox.waiting.lock();
    assert!(waiting.urgent.messages.len() < MESSAGES_MAX);
}

#[test]
fn what_waits_is_bounded_in_messages_and_bytes_for_each_class() {
    let outbox = Outbox::new();
    for index in 0..2 * MESSAGES_MAX as u64 {
        outbox.put(Message::Progress { applied: LogIndex(index) });
    }
    assert_eq!(outbox.waiting.lock().urgent.messages.len(), MESSAGES_MAX);
    let newest = outbox.waiting.lock().urgent.messages.back().cloned();
    let last = LogIndex(2 * MESSAGES_MAX as u64 - 1);
    assert_eq!(newest, Some(Message::Progress { applied: last }));
    outbox.clear();
    assert!(!outbox.is_busy());
    for index in 0..80 {
        outbox.put(append(index, 1 << 20));
        outbox.put(chunk(index, 1 << 20));
    }
    let waiting = outbox.waiting.lock();
    assert!(waiting.urgent.bytes <= BYTES_MAX && waiting.copies.bytes <= COPY_BYTES_MAX);
    assert_eq!(waiting.urgent.messages.back(), Some(&append(79, 1 << 20)));
    assert_eq!(waiting.copies.messages.back(), Some(&chunk(79, 1 << 20)));
}

#[test]
fn a_message_larger_than_the_bound_goes_alone() {
    let outbox = Outbox::new();
    outbox.put(append(1, 10));
    outbox.put(append(2, BYTES_MAX + 1));
    assert_eq!(take(&outbox), [append(2, BYTES_MAX + 1)]);
    assert_eq!(outbox.waiting.lock().urgent.bytes, 0);
}
