//! Clients: each does one thing after the other, and asks again until it knows what became of it.

use crate::checks::{Kind, OperationId};
use crate::options::{MILLI, Micros};
use crate::planner::{Plan, read_list};
use crate::world::{Event, World};
use quire_consensus::{Committed, Lost, Ticket};

/// After which a client asks again, perhaps somebody else.
const PATIENCE: Micros = 1_500 * MILLI;

struct Operation {
    kind: Kind,
    id: OperationId,
    key: i32,
    begun: u64,
}

struct Waiting {
    place: usize,
    ticket: Ticket,
    since: Micros,
}

#[derive(Default)]
pub struct Client {
    session: u32,
    number: u32,
    operation: Option<Operation>,
    waiting: Option<Waiting>,
    place: usize,
    pub finished: u64,
}

impl Client {
    pub fn is_idle(&self) -> bool {
        self.operation.is_none()
    }

    /// The session of a write that it may ask for again.
    pub fn open_session(&self) -> Option<u32> {
        let operation = self.operation.as_ref()?;
        (operation.kind == Kind::Append).then_some(self.session)
    }
}

/// How many lists are written at a time, and how many operations each gets, about.
const LISTS: u64 = 3;
const LIST_OPERATIONS: u64 = 25;

impl World {
    pub fn client_acts(&mut self, client: usize) {
        let think = self.options.think;
        let pause = think / 2 + self.random.below(think);
        self.after(pause, Event::Client(client));
        let now = self.now;
        let Some(state) = self.clients.get_mut(client) else { return };
        if let Some(waiting) = &state.waiting {
            if now < waiting.since + PATIENCE {
                return;
            }
            state.waiting = None;
            state.place += 1;
            if !self.calm && self.random.chance(100) {
                // It is gone, and nobody will ever ask for this again.
                self.clients[client] = Client::default();
                return;
            }
        }
        if self.clients[client].operation.is_none() {
            if self.closing {
                return;
            }
            let operation = self.new_operation(client);
            self.clients[client].operation = Some(operation);
        }
        self.ask(client);
    }

    fn new_operation(&mut self, client: usize) -> Operation {
        let kind = if self.random.chance(650) { Kind::Append } else { Kind::Read };
        let base = self.appends / (LISTS * LIST_OPERATIONS) * LISTS;
        let key = i32::try_from(base + self.random.below(LISTS)).unwrap_or_default();
        let state = &mut self.clients[client];
        if kind == Kind::Append {
            self.appends += 1;
            if state.session == 0 {
                self.sessions += 1;
                state.session = self.sessions;
            }
            state.number += 1;
        }
        let id = OperationId(state.session, state.number);
        let begun = self.checks.lock().history.begun(kind, id, key);
        Operation { kind, id, key, begun }
    }

    /// Asks the node that the client takes for the leader.
    fn ask(&mut self, client: usize) {
        let places = self.nodes.len();
        let state = &mut self.clients[client];
        let place = state.place % places;
        let now = self.now;
        let node = &mut self.nodes[place];
        let seconds = node.seconds(now);
        let busy = node.busy_until > now;
        let Some(running) =
            node.running.as_mut().filter(|running| !busy && running.member.view().writable)
        else {
            state.place = usize::try_from(self.random.below(places as u64)).unwrap_or_default();
            return;
        };
        let Some(Operation { kind, id, key, .. }) = &state.operation else { return };
        let ticket = match kind {
            Kind::Read => match running.member.read_barrier() {
                Ok(ticket) => ticket,
                Err(_) => return,
            },
            Kind::Append => match running.planner.append(&running.documents, seconds, *id, *key) {
                Plan::Wait => return,
                Plan::Done => {
                    self.checks.lock().acknowledged(*id, running.member.term());
                    return state.finish();
                }
                Plan::Propose(timestamp, payload) => running.member.submit(timestamp, payload),
            },
        };
        state.waiting = Some(Waiting { place, ticket, since: now });
        self.turn(place);
    }

    /// Looks whether anybody who waits for a node was answered.
    pub fn answer_clients(&mut self, place: usize) {
        for client in 0..self.clients.len() {
            let Some(waiting) = &mut self.clients[client].waiting else { continue };
            if waiting.place != place {
                continue;
            }
            if let Some(outcome) = waiting.ticket.outcome() {
                self.clients[client].waiting = None;
                self.answered(client, place, outcome);
            }
        }
    }

    fn answered(&mut self, client: usize, place: usize, outcome: Result<Committed, Lost>) {
        let Some(Operation { kind, id, key, begun }) = self.clients[client].operation else {
            return;
        };
        // Whoever hears that it is lost asks again.
        let Ok(Committed { term, .. }) = outcome else { return };
        let Some(running) = &self.nodes[place].running else { return };
        let Ok(list) = read_list(&running.documents, key) else { return };
        match kind {
            // Otherwise it was the entry that made the collections.
            Kind::Append if list.as_ref().is_some_and(|list| list.contains(&id.to_number())) => {
                self.checks.lock().acknowledged(id, term);
            }
            Kind::Append => return,
            Kind::Read => {
                let seen = list.unwrap_or_default();
                self.checks.lock().read(key, begun, seen, term);
            }
        }
        self.clients[client].finish();
    }
}

impl Client {
    fn finish(&mut self) {
        self.operation = None;
        self.waiting = None;
        self.finished += 1;
    }
}
