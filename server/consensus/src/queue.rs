//! What waits for the member's attention.
//!
//! Owns the queue itself: what it takes, and how much of it is dealt with at once. Whose turn that is
//! is the business of `turns`.

use crate::message::Message;
use crate::proposal::{LostCause, Queued};
use crate::replica::Options;
use std::collections::VecDeque;

/// Messages that may wait; more are lost, as a network may lose them.
const MESSAGES_MAX: usize = 4_096;

/// What a receiving thread deals with itself weighs no more than this together: it has other
/// connections too.
const BRIEF_BYTES_MAX: usize = 256 << 10;

/// The queue and who is at work on it.
#[derive(Default)]
pub(crate) struct Queue {
    pub(crate) waiting: VecDeque<Queued>,
    pub(crate) bytes: usize,
    pub(crate) messages: VecDeque<(u64, Message)>,
    /// Somebody spoke to the member directly, and what follows has to be carried out.
    pub(crate) poked: bool,
    /// It is somebody's turn.
    pub(crate) busy: bool,
    pub(crate) closed: Option<LostCause>,
    /// Proposals are not taken at the moment.
    pub(crate) refusing: Option<LostCause>,
    /// They are not taken because of an order.
    pub(crate) held: bool,
}

impl Queue {
    /// Nobody is at work and nothing waits to be proposed.
    pub(crate) fn is_idle(&self) -> bool {
        !self.busy && self.waiting.is_empty()
    }

    /// Takes a message, or loses it.
    pub(crate) fn hear(&mut self, from: u64, message: Message) {
        if self.messages.len() < MESSAGES_MAX && self.closed.is_none() {
            self.messages.push_back((from, message));
        }
    }

    pub(crate) fn messages_are_brief(&self) -> bool {
        let mut bytes = 0usize;
        self.messages.iter().all(|(_, message)| {
            bytes = bytes.saturating_add(message.weight());
            message.is_soon_done() && bytes <= BRIEF_BYTES_MAX
        })
    }

    pub(crate) fn has_room(&self, bytes: usize, options: &Options) -> bool {
        self.waiting.len() < options.queue_entries_max
            && self.bytes.saturating_add(bytes) <= options.queue_bytes_max
    }

    pub(crate) fn push(&mut self, queued: Queued) {
        self.bytes = self.bytes.saturating_add(queued.proposal.payload.len());
        self.waiting.push_back(queued);
    }

    /// Takes proposals while the member is writable and no order holds them back.
    pub(crate) fn refuse_unless(&mut self, writable: bool, refusal: LostCause) {
        let held = self.held.then_some(LostCause::NotLeader);
        self.refusing = if writable { held } else { Some(refusal) };
    }

    pub(crate) fn take_group(&mut self, bytes_max: usize) -> Vec<Queued> {
        let mut group = Vec::new();
        let mut bytes = 0usize;
        while let Some(next) = self.waiting.front() {
            let grown = bytes.saturating_add(next.proposal.payload.len());
            if !group.is_empty() && grown > bytes_max {
                break;
            }
            bytes = grown;
            group.extend(self.waiting.pop_front());
        }
        self.bytes = self.bytes.saturating_sub(bytes);
        group
    }
}
