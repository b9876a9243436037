//! Proposals and read barriers on their way.
//!
//! Owns who waits for which entry. A waiter hears of success when the entry is applied here, and of
//! loss when this member no longer leads: what becomes of the entry is then up to the next leader.

use super::{Member, Settled, Start};
use crate::Membership;
use crate::core::Work;
use crate::proposal::{Committed, Lost, LostCause, Proposal, Queued, Ticket, Waiter};
use quire_log::{Applied, LogIndex, Timestamp};

pub(super) struct InFlight {
    index: LogIndex,
    timestamp: Timestamp,
    bytes: usize,
    waiter: Waiter,
}

/// Reads that wait for the leader's word, and then for the state to get there.
#[derive(Default)]
pub(super) struct Reads {
    next_token: u64,
    asked: Vec<(u64, Waiter)>,
    granted: Vec<(LogIndex, Waiter)>,
}

/// Bytes on their way to be committed, above which no more are put into the log.
const IN_FLIGHT_BYTES_MAX: usize = 64 << 20;

impl Member {
    /// True while proposals can be taken.
    pub fn is_writable(&self) -> bool {
        !self.halted
            && self.trouble.is_none()
            && self.core.leads_in_full()
            && !self.core.is_handing_over()
            && (self.standing.writable || self.has_nothing_pending())
    }

    /// Plans that are made from here on can know of everything that will be applied before them.
    /// What was pending when proposals were last refused has been forgotten by whoever plans.
    fn has_nothing_pending(&self) -> bool {
        self.machine.applied().index == self.core.last()
    }

    /// True while the log can take more: what has not been committed is bounded.
    pub fn has_room(&self) -> bool {
        self.in_flight_bytes < IN_FLIGHT_BYTES_MAX
    }

    /// Puts proposals into the log, in this order, or loses all of them.
    pub(crate) fn propose(&mut self, group: Vec<Queued>, settled: &mut Settled) {
        if !self.is_writable() {
            let lost = Lost { cause: self.refusal() };
            settled.answers.extend(group.into_iter().map(|queued| (queued.waiter, Err(lost))));
            return;
        }
        let mut newest = self.core.newest_time();
        let mut payloads = Vec::with_capacity(group.len());
        let mut waiters = Vec::with_capacity(group.len());
        for Queued { proposal: Proposal { timestamp, payload }, waiter } in group {
            if timestamp <= newest || payload.is_empty() {
                // Stamps order the log. One that does not belongs to a plan of another time.
                settled.answers.push((waiter, Err(Lost { cause: LostCause::Superseded })));
                continue;
            }
            newest = timestamp;
            waiters.push((timestamp, payload.len(), waiter));
            payloads.push((timestamp, payload));
        }
        if payloads.is_empty() {
            return;
        }
        let Some(first) = self.core.propose(payloads) else {
            let lost = Lost { cause: self.refusal() };
            settled.answers.extend(waiters.into_iter().map(|(_, _, waiter)| (waiter, Err(lost))));
            return;
        };
        for (offset, (timestamp, bytes, waiter)) in waiters.into_iter().enumerate() {
            let index = LogIndex(first.0.saturating_add(offset as u64));
            self.in_flight_bytes = self.in_flight_bytes.saturating_add(bytes);
            self.in_flight.push_back(InFlight { index, timestamp, bytes, waiter });
        }
    }

    /// One proposal, for a driver that has no queue.
    pub fn submit(&mut self, timestamp: Timestamp, payload: Vec<u8>) -> Ticket {
        let (waiter, ticket) = Waiter::pair();
        let proposal = Proposal { timestamp, payload: payload.into() };
        let mut refused = Settled::default();
        self.propose(vec![Queued { proposal, waiter }], &mut refused);
        refused.answer();
        ticket
    }

    /// Proposes the next membership. Refused while another one is on its way.
    pub fn propose_membership(
        &mut self,
        timestamp: Timestamp,
        next: &Membership,
    ) -> Result<Ticket, Lost> {
        if !self.is_writable() {
            return Err(Lost { cause: self.refusal() });
        }
        if timestamp <= self.core.newest_time() {
            return Err(Lost { cause: LostCause::Superseded });
        }
        let Some(index) = self.core.propose_membership(timestamp, next) else {
            return Err(Lost { cause: LostCause::Overloaded });
        };
        let (waiter, ticket) = Waiter::pair();
        self.in_flight.push_back(InFlight { index, timestamp, bytes: 0, waiter });
        Ok(ticket)
    }

    /// A promise that everything acknowledged before now can be read here when it is kept.
    pub fn read_barrier(&mut self) -> Result<Ticket, Lost> {
        if !self.is_writable() {
            return Err(Lost { cause: self.refusal() });
        }
        self.reads.next_token = self.reads.next_token.wrapping_add(1);
        let token = self.reads.next_token;
        let (waiter, ticket) = Waiter::pair();
        self.reads.asked.push((token, waiter));
        self.core.read_index(token);
        Ok(ticket)
    }

    /// Why proposals are refused, when they are.
    pub(crate) fn refusal_now(&self) -> LostCause {
        self.refusal()
    }

    fn refusal(&self) -> LostCause {
        if self.halted {
            return LostCause::Failed;
        }
        if self.trouble.is_some() && self.start == Start::Alone {
            return LostCause::NoSpace;
        }
        LostCause::NotLeader
    }

    pub(super) fn grant_reads(&mut self, work: &Work) {
        for (token, index) in &work.readable {
            if let Some(at) = self.reads.asked.iter().position(|(asked, _)| asked == token) {
                let (_, waiter) = self.reads.asked.swap_remove(at);
                self.reads.granted.push((*index, waiter));
            }
        }
    }

    /// Answers whoever waited for what is applied now.
    pub(super) fn answer_applied(&mut self, applied: Applied, settled: &mut Settled) {
        while self.in_flight.front().is_some_and(|first| first.index <= applied.index) {
            let Some(InFlight { index, timestamp, bytes, waiter }) = self.in_flight.pop_front()
            else {
                break;
            };
            self.in_flight_bytes = self.in_flight_bytes.saturating_sub(bytes);
            let term = self.core.term();
            settled.answers.push((waiter, Ok(Committed { index, term, timestamp })));
        }
        let Applied { term, timestamp, .. } = applied;
        let granted = std::mem::take(&mut self.reads.granted);
        for (index, waiter) in granted {
            if index <= applied.index {
                settled.answers.push((waiter, Ok(Committed { index, term, timestamp })));
            } else {
                self.reads.granted.push((index, waiter));
            }
        }
    }

    /// Tells those whose entries are committed and could not be applied that they will have to find
    /// out by themselves.
    pub(super) fn answer_stalled(&mut self, settled: &mut Settled) {
        let committed = self.core.committed();
        let lost = Err(Lost { cause: LostCause::Stalled });
        while self.in_flight.front().is_some_and(|first| first.index <= committed) {
            let Some(first) = self.in_flight.pop_front() else { break };
            self.in_flight_bytes = self.in_flight_bytes.saturating_sub(first.bytes);
            settled.answers.push((first.waiter, lost));
        }
    }

    /// Everything on its way is lost to this member. Entries up to `kept` may still come.
    pub(super) fn lose(&mut self, above: LogIndex, cause: LostCause, settled: &mut Settled) {
        for InFlight { index, waiter, .. } in std::mem::take(&mut self.in_flight) {
            let cause = if index > above { cause } else { LostCause::NotLeader };
            settled.answers.push((waiter, Err(Lost { cause })));
        }
        self.in_flight_bytes = 0;
        let asked = std::mem::take(&mut self.reads.asked).into_iter().map(|(_, waiter)| waiter);
        let granted = std::mem::take(&mut self.reads.granted).into_iter().map(|(_, waiter)| waiter);
        let reads = asked.chain(granted).map(|waiter| (waiter, Err(Lost { cause })));
        settled.answers.extend(reads);
        settled.lost = Some(cause);
    }

    pub(super) fn lose_all(&mut self, cause: LostCause, settled: &mut Settled) {
        self.lose(LogIndex::ZERO, cause, settled);
    }
}
