//! What waits to be sent to one member.
//!
//! Owns the order and the bound. Whatever keeps the set alive goes before pieces of a copy of the
//! state; within each of the two classes order is kept. Putting in never blocks: a full class loses
//! its oldest message that is sent again anyway.

use parking_lot::Mutex;
use quire_consensus::{ConsensusKind, Message};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

const MESSAGES_MAX: usize = 4096;
const BYTES_MAX: usize = 32 << 20;
const COPY_MESSAGES_MAX: usize = 64;
const COPY_BYTES_MAX: usize = 16 << 20;
/// What is taken at once, to be written with one system call.
const BATCH_BYTES: usize = 256 << 10;

#[derive(Debug)]
pub(super) struct Outbox {
    waiting: Mutex<Waiting>,
    filled: Notify,
    /// What was taken last is being written.
    sending: AtomicBool,
}

#[derive(Debug)]
struct Waiting {
    urgent: Class,
    copies: Class,
    last_put: Instant,
}

#[derive(Debug)]
struct Class {
    messages: VecDeque<Message>,
    bytes: usize,
    /// How many of the messages carry entries.
    appends: usize,
    messages_max: usize,
    bytes_max: usize,
}

impl Outbox {
    pub(super) fn new() -> Outbox {
        let waiting = Waiting {
            urgent: Class::new(MESSAGES_MAX, BYTES_MAX),
            copies: Class::new(COPY_MESSAGES_MAX, COPY_BYTES_MAX),
            last_put: Instant::now(),
        };
        Outbox {
            waiting: Mutex::new(waiting),
            filled: Notify::new(),
            sending: AtomicBool::new(false),
        }
    }

    pub(super) fn put(&self, message: Message) {
        let mut waiting = self.waiting.lock();
        waiting.last_put = Instant::now();
        match message {
            Message::CopyChunk { .. } => waiting.copies.put(message),
            _ => waiting.urgent.put(message),
        }
        drop(waiting);
        self.filled.notify_one();
    }

    /// Completes when there is something to take. For one task only.
    pub(super) async fn filled(&self) {
        while self.is_empty() {
            self.filled.notified().await;
        }
    }

    /// How long nothing was put in.
    pub(super) fn unused_for(&self) -> Duration {
        self.waiting.lock().last_put.elapsed()
    }

    /// Takes what is next: many small messages, or one large.
    pub(super) fn take(&self, batch: &mut Vec<Message>) {
        let mut waiting = self.waiting.lock();
        self.sending.store(true, Ordering::Relaxed);
        let mut room = BATCH_BYTES;
        while let Some(message) = waiting.urgent.take_within(room) {
            room = room.saturating_sub(message.weight());
            batch.push(message);
        }
        if batch.is_empty() {
            batch.extend(waiting.copies.take_within(BATCH_BYTES));
        }
    }

    /// What was taken last has left.
    pub(super) fn sent(&self) {
        self.sending.store(false, Ordering::Relaxed);
    }

    /// Whether something waits or is being written.
    pub(super) fn is_busy(&self) -> bool {
        // In this order: what is taken in between is still seen.
        !self.is_empty() || self.sending.load(Ordering::Relaxed)
    }

    fn is_empty(&self) -> bool {
        let waiting = self.waiting.lock();
        waiting.urgent.messages.is_empty() && waiting.copies.messages.is_empty()
    }

    /// Forgets what nobody can be told now: by the time someone can, it is no longer true.
    pub(super) fn clear(&self) {
        let mut waiting = self.waiting.lock();
        waiting.urgent.clear();
        waiting.copies.clear();
        self.sending.store(false, Ordering::Relaxed);
    }
}

impl Class {
    fn new(messages_max: usize, bytes_max: usize) -> Class {
        Class { messages: VecDeque::new(), bytes: 0, appends: 0, messages_max, bytes_max }
    }

    fn put(&mut self, message: Message) {
        let weight = message.weight();
        while !self.messages.is_empty()
            && (self.messages.len() >= self.messages_max
                || self.bytes.saturating_add(weight) > self.bytes_max)
        {
            self.drop_one();
        }
        self.bytes = self.bytes.saturating_add(weight);
        self.appends = self.appends.saturating_add(usize::from(is_append(&message)));
        self.messages.push_back(message);
    }

    /// Entries are sent again when the answer stays out; a vote would wait for a timeout.
    fn drop_one(&mut self) {
        let append = match self.appends {
            0 => None,
            _ => self.messages.iter().position(is_append),
        };
        self.remove(append.unwrap_or(0));
    }

    /// The first message if it fits, or if it is too large for any batch and the batch is empty.
    fn take_within(&mut self, room: usize) -> Option<Message> {
        let weight = self.messages.front()?.weight();
        if weight > room && room < BATCH_BYTES {
            return None;
        }
        self.remove(0)
    }

    fn remove(&mut self, place: usize) -> Option<Message> {
        let removed = self.messages.remove(place)?;
        self.bytes = self.bytes.saturating_sub(removed.weight());
        self.appends = self.appends.saturating_sub(usize::from(is_append(&removed)));
        Some(removed)
    }

    fn clear(&mut self) {
        self.messages.clear();
        self.bytes = 0;
        self.appends = 0;
    }
}

fn is_append(message: &Message) -> bool {
    matches!(message, Message::Consensus(consensus) if consensus.kind == ConsensusKind::Append)
}

#[cfg(test)]
mod tests;
