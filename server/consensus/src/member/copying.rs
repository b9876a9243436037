//! Copies of the state between members.
//!
//! Owns both ends. The receiver pulls: it asks for one chunk after the other, asks again when nothing
//! comes, and begins anew when the sender knows nothing of the copy. It drops its own state first,
//! so that disks need not hold two, and does not stand for election until the copy is whole. Its
//! vote and its log stay.

use super::Member;
use super::logging::LogTrouble;
use super::standing::Arriving;
use crate::message::{Consensus, Message, Transport};
use crate::recovery;
use quire_log::{Completeness, Export, Fatal};
use std::collections::BTreeMap;

/// Bytes of one chunk: small enough for heartbeats to pass between two of them.
const CHUNK_BYTES: usize = 512 << 10;

/// Chunks between two lines of the log: 64 MiB.
const TOLD_EVERY: u64 = 128;

/// Copies that leave at once.
const DEPARTURES_MAX: usize = 4;

/// Ticks after which nobody is believed to pull any more.
const DEPARTURE_PATIENCE: u32 = 100;

/// Ticks after which a copy is offered again.
const OFFER_PATIENCE: u32 = 10;

/// Ticks after which a chunk is asked for again, and how often before the copy begins anew.
const ARRIVAL_PATIENCE: u32 = 20;
const ARRIVAL_ATTEMPTS: u32 = 10;

/// Copies that leave.
#[derive(Default)]
pub(super) struct Departures {
    next_token: u64,
    by_peer: BTreeMap<u64, Departure>,
    /// For how many ticks an offer has had no answer.
    offered: BTreeMap<u64, u32>,
    outbox: Vec<(u64, Message)>,
}

struct Departure {
    token: u64,
    export: Box<dyn Export>,
    /// The chunk that was sent last, in case it was lost.
    sent: Option<(u64, bool, Vec<u8>)>,
    idle: u32,
}

/// A copy that arrives.
pub(super) struct Arrival {
    from: u64,
    token: u64,
    next: u64,
    bytes: u64,
    waited: u32,
    attempts: u32,
    ask: bool,
}

impl Arrival {
    fn new(from: u64) -> Arrival {
        Arrival { from, token: 0, next: 0, bytes: 0, waited: 0, attempts: 0, ask: true }
    }
}

impl Member {
    pub(super) fn arriving(&self) -> Option<Arriving> {
        let Arrival { from, next, bytes, .. } = *self.arrival.as_ref()?;
        Some(Arriving { from, chunks: next, bytes })
    }

    /// The leader says that this member is too far behind for the log.
    pub(super) fn copy_offered(&mut self, offer: Consensus) {
        let able = self.arrival.is_none() && self.arrival_pause == 0 && self.trouble.is_none();
        if offer.term < self.core.term() || offer.to != self.node || !able {
            return;
        }
        // As good as a heartbeat: without it the member would stand for election.
        let heartbeat = Consensus {
            kind: crate::ConsensusKind::Heartbeat,
            commit: self.core.committed(),
            index: quire_log::LogIndex::ZERO,
            log_term: quire_log::Term(0),
            ..offer.clone()
        };
        let _ = self.core.step(heartbeat);
        if offer.index > self.machine.applied().index || self.partial {
            self.begin_arrival(offer.from);
        }
    }

    pub(super) fn begin_arrival(&mut self, from: u64) {
        tracing::info!(target: "REPL", id = 7_200_010, from, "Getting a copy of the state");
        let begun = self.machine.begin_install();
        // One that failed may have dropped the state all the same.
        self.partial |= self.machine.completeness() != Completeness::Whole;
        self.set_candidacy(self.candidacy);
        match begun {
            Ok(()) => self.arrival = Some(Arrival::new(from)),
            Err(fatal) => {
                self.arrival_failed();
                copy_failed("begin", &fatal);
            }
        }
    }

    pub(super) fn receive_copying(&mut self, from: u64, message: Message) {
        match message {
            Message::CopyFetch { token, sequence } => self.copy_fetched(from, token, sequence),
            Message::CopyChunk { token, sequence, last, chunk } => {
                self.chunk_arrived(from, token, sequence, last, &chunk);
            }
            Message::CopyRefused { token } => {
                let current = |arrival: &Arrival| arrival.from == from && arrival.token == token;
                if token != 0 && self.arrival.as_ref().is_some_and(current) {
                    self.arrival = None;
                }
            }
            Message::CopyDone { token } => {
                if self.departures.by_peer.get(&from).is_some_and(|copy| copy.token == token) {
                    self.departures.by_peer.remove(&from);
                    self.core.copy_ended(from);
                    self.peers_applied.remove(&from);
                    tracing::info!(target: "REPL", id = 7_200_011, to = from, "A copy has arrived");
                }
            }
            Message::Consensus(_) | Message::Progress { .. } | Message::Gossip(_) => {}
        }
    }

    fn copy_fetched(&mut self, peer: u64, token: u64, sequence: u64) {
        let reply =
            self.departing_chunk(peer, token, sequence).unwrap_or(Message::CopyRefused { token });
        self.departures.outbox.push((peer, reply));
    }

    fn departing_chunk(&mut self, peer: u64, token: u64, sequence: u64) -> Option<Message> {
        if token == 0 {
            self.begin_departure(peer)?;
        }
        let departure = self.departures.by_peer.get_mut(&peer)?;
        if token != 0 && departure.token != token {
            return None;
        }
        departure.idle = 0;
        let again = departure.sent.as_ref().is_some_and(|(sent, ..)| *sent == sequence);
        if !again {
            let expected = departure.sent.as_ref().map_or(0, |(sent, ..)| sent.saturating_add(1));
            if sequence != expected {
                return None;
            }
            let chunk = departure.export.next_chunk(CHUNK_BYTES);
            let chunk = chunk.map_err(|fatal| copy_failed("read", &fatal)).ok()?;
            let last = chunk.is_none();
            departure.sent = Some((sequence, last, chunk.unwrap_or_default()));
        }
        let (sequence, last, chunk) = departure.sent.clone()?;
        Some(Message::CopyChunk { token: departure.token, sequence, last, chunk })
    }

    fn begin_departure(&mut self, peer: u64) -> Option<()> {
        let full = self.departures.by_peer.len() >= DEPARTURES_MAX;
        if self.partial || (full && !self.departures.by_peer.contains_key(&peer)) {
            return None;
        }
        let to_witness = self.witnesses.contains(&peer);
        if self.machine.is_hollow() && !to_witness {
            // There is nothing to give but holes.
            return None;
        }
        let export = match to_witness {
            true => self.machine.export_position(),
            false => self.machine.export(),
        };
        let export = export.map_err(|fatal| copy_failed("begin", &fatal)).ok()?;
        tracing::info!(
            target: "REPL",
            id = 7_200_012,
            to = peer,
            through = export.applied().index.0,
            "Giving a copy of the state"
        );
        self.departures.next_token += 1;
        let token = self.departures.next_token.wrapping_add(self.options.seed | 1).max(1);
        let departure = Departure { token, export, sent: None, idle: 0 };
        self.departures.by_peer.insert(peer, departure);
        Some(())
    }

    fn chunk_arrived(&mut self, from: u64, token: u64, sequence: u64, last: bool, chunk: &[u8]) {
        let Some(arrival) = self.arrival.as_mut() else { return };
        let expected = arrival.from == from
            && arrival.next == sequence
            && (arrival.token == token || arrival.token == 0);
        if !expected {
            return;
        }
        arrival.token = token;
        arrival.next += 1;
        arrival.bytes = arrival.bytes.saturating_add(chunk.len() as u64);
        arrival.waited = 0;
        arrival.attempts = 0;
        arrival.ask = !last;
        if arrival.next.is_multiple_of(TOLD_EVERY) {
            tracing::info!(
                target: "REPL",
                id = 7_200_016,
                from,
                bytes = arrival.bytes,
                "The copy of the state is arriving"
            );
        }
        if !chunk.is_empty()
            && let Err(fatal) = self.machine.install_chunk(chunk)
        {
            self.arrival_failed();
            return copy_failed("write", &fatal);
        }
        if last {
            self.arrival = None;
            self.finish_arrival(from, token);
        }
    }

    fn finish_arrival(&mut self, from: u64, token: u64) {
        self.keep_log_left_behind();
        let applied = match self.machine.finish_install() {
            Ok(applied) => applied,
            Err(fatal) => {
                self.arrival_failed();
                return copy_failed("finish", &fatal);
            }
        };
        if let Err(error) = self.adopt_copy() {
            self.arrival_failed();
            // A log that failed takes nothing more until it was opened again.
            self.trouble = Some(LogTrouble::keeping_everything());
            tracing::error!(
                target: "REPL",
                id = 7_200_013,
                error = %error,
                "The log could not follow the copy of the state"
            );
            return;
        }
        tracing::info!(
            target: "REPL",
            id = 7_200_014,
            from,
            through = applied.index.0,
            "The copy of the state is whole"
        );
        self.departures.outbox.push((from, Message::CopyDone { token }));
    }

    /// Whoever gave the copy is gone, and knows nothing of it when it comes back.
    pub(super) fn copy_was_left(&mut self, by: u64) {
        if self.arrival.as_ref().is_some_and(|arrival| arrival.from == by) {
            self.arrival = None;
        }
    }

    /// What failed here will hardly succeed at once.
    fn arrival_failed(&mut self) {
        self.arrival = None;
        self.arrival_pause = ARRIVAL_PATIENCE;
    }

    /// Lets the log begin behind a copy that has arrived, and starts the core from there.
    pub(super) fn adopt_copy(&mut self) -> Result<(), recovery::RecoveryError> {
        recovery::follow_copy(self.log.as_ref(), self.machine.as_ref())?;
        self.partial = self.lacks_data();
        let membership = recovery::membership(self.machine.as_ref(), self.start, self.node)?;
        self.restart_core(std::sync::Arc::new(membership))
    }

    pub(super) fn tick_copies(&mut self) {
        let mut ended = Vec::new();
        for (peer, departure) in &mut self.departures.by_peer {
            departure.idle += 1;
            if departure.idle > DEPARTURE_PATIENCE {
                ended.push(*peer);
            }
        }
        ended.extend(self.unanswered_offers());
        for peer in ended {
            self.departures.by_peer.remove(&peer);
            self.core.copy_ended(peer);
        }
        self.arrival_pause = self.arrival_pause.saturating_sub(1);
        if let Some(arrival) = &mut self.arrival {
            arrival.waited += 1;
            if arrival.waited > ARRIVAL_PATIENCE {
                arrival.waited = 0;
                arrival.attempts += 1;
                arrival.ask = true;
            }
            if arrival.attempts > ARRIVAL_ATTEMPTS {
                self.arrival = None;
            }
        }
    }

    /// Members that were offered a copy some time ago and did not come for it: the offer was lost,
    /// or they get one elsewhere.
    fn unanswered_offers(&mut self) -> Vec<u64> {
        let Departures { by_peer, offered, .. } = &mut self.departures;
        let waiting: Vec<u64> =
            self.core.peers().iter().filter(|peer| peer.needs_copy).map(|peer| peer.node).collect();
        offered.retain(|peer, _| waiting.contains(peer) && !by_peer.contains_key(peer));
        let mut unanswered = Vec::new();
        for peer in waiting.into_iter().filter(|peer| !by_peer.contains_key(peer)) {
            let ticks = offered.entry(peer).or_insert(0);
            *ticks += 1;
            if *ticks > OFFER_PATIENCE {
                *ticks = 0;
                unanswered.push(peer);
            }
        }
        unanswered
    }

    /// Sends what was prepared, and begins a copy that is needed and was not offered.
    pub(super) fn drive_copies(&mut self, transport: &dyn Transport) {
        let leader = self.core.leader().filter(|leader| *leader != self.node);
        if let Some(leader) = leader
            && self.partial
            && self.arrival.is_none()
            && self.arrival_pause == 0
            && self.trouble.is_none()
        {
            self.begin_arrival(leader);
        }
        for (to, message) in self.departures.outbox.drain(..) {
            transport.send(to, message);
        }
        if let Some(arrival) = &mut self.arrival
            && std::mem::take(&mut arrival.ask)
        {
            let Arrival { token, next: sequence, from, .. } = *arrival;
            transport.send(from, Message::CopyFetch { token, sequence });
        }
    }
}

fn copy_failed(step: &str, fatal: &Fatal) {
    tracing::error!(
        target: "REPL",
        id = 7_200_015,
        step,
        reason = fatal.reason,
        "A copy of the state failed"
    );
}
