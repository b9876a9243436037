//! The search for an order that explains a history (Wing and Gong's, with Lowe's memory).
//!
//! Owns the list of calls and answers, in the order of time. The search takes a call that lies before
//! the first answer in the list, removes it and its answer, and goes on from the state behind it; at an
//! answer whose call was not taken yet it goes back. What was reached once (these operations taken, this
//! state) is never searched again.

use crate::history::Operation;
use crate::model::Model;
use std::collections::HashSet;

/// Bounds of a search: histories exist for which it takes exponential time.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many different situations are visited.
    pub situations: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { situations: 2_000_000 }
    }
}

/// What the search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Linearizable,
    Violation(Witness),
    /// The limits did not suffice to tell.
    Undecided,
}

/// How far an explanation could be brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The longest order that explains a part of the history, as positions in it.
    pub explained: Vec<usize>,
    /// The operation that had to be explained next and could not be.
    pub stuck: usize,
}

/// Whether a history of one key is linearizable.
pub fn check<M: Model>(model: &M, history: &[Operation<M::Action>], limits: Limits) -> Verdict {
    Search::new(model, history).run(limits)
}

/// The list's end in both directions.
const END: usize = 0;

#[derive(Clone, Copy, Debug)]
enum Event {
    /// The sentinel before the first and behind the last event.
    End,
    Call(usize),
    Return(usize),
}

struct Node {
    event: Event,
    previous: usize,
    next: usize,
}

/// One operation taken.
struct Taken<S> {
    call: usize,
    /// The state before it.
    before: S,
    /// No other choice at its place could have helped.
    forced: bool,
}

struct Search<'h, M: Model> {
    model: &'h M,
    history: &'h [Operation<M::Action>],
    nodes: Vec<Node>,
    /// Of each operation the node of its answer.
    returns: Vec<Option<usize>>,
    taken: Vec<Taken<M::State>>,
    placed: Placed,
    state: M::State,
    /// Answered operations that are not taken yet.
    unexplained: usize,
    longest: Option<Witness>,
}

impl<'h, M: Model> Search<'h, M> {
    fn new(model: &'h M, history: &'h [Operation<M::Action>]) -> Search<'h, M> {
        let mut events: Vec<(u64, bool, usize)> = Vec::with_capacity(history.len() * 2);
        for (position, operation) in history.iter().enumerate() {
            // At the same moment calls come first: then the two overlap, which is the milder reading.
            events.push((operation.called, false, position));
            events.extend(operation.returned.map(|returned| (returned, true, position)));
        }
        events.sort_unstable();
        let mut nodes = vec![Node { event: Event::End, previous: END, next: END }];
        let mut returns = vec![None; history.len()];
        for (_, is_return, position) in events {
            let own = nodes.len();
            let event = if is_return { Event::Return(position) } else { Event::Call(position) };
            if is_return {
                returns[position] = Some(own);
            }
            nodes.push(Node { event, previous: own - 1, next: END });
            nodes[own - 1].next = own;
            nodes[END].previous = own;
        }
        Search {
            model,
            history,
            nodes,
            unexplained: returns.iter().flatten().count(),
            returns,
            taken: Vec::new(),
            placed: Placed::none(history.len()),
            state: model.initial(),
            longest: None,
        }
    }

    fn run(mut self, limits: Limits) -> Verdict {
        let mut seen: HashSet<(Placed, M::State)> = HashSet::new();
        let mut at = self.first();
        while self.unexplained > 0 {
            match self.nodes[at].event {
                Event::Call(position) => {
                    let forced = self.only_reads(position);
                    let after = self.model.step(&self.state, &self.history[position].action);
                    let fresh = after
                        .filter(|after| seen.insert((self.placed.with(position), after.clone())));
                    match fresh {
                        Some(after) => {
                            self.take(at, position, after, forced);
                            at = self.first();
                        }
                        None => at = self.nodes[at].next,
                    }
                    if seen.len() > limits.situations {
                        return Verdict::Undecided;
                    }
                }
                Event::Return(_) | Event::End => {
                    self.remember_if_longest(at);
                    match self.go_back() {
                        Some(next) => at = next,
                        None => return self.violation(),
                    }
                }
            }
        }
        Verdict::Linearizable
    }

    fn only_reads(&self, position: usize) -> bool {
        self.model.only_reads(&self.history[position].action)
    }

    /// Where to look first: at a read that is right in this state, otherwise at the first event.
    fn first(&self) -> usize {
        let mut at = self.nodes[END].next;
        while let Event::Call(position) = self.nodes[at].event {
            let action = &self.history[position].action;
            if self.model.only_reads(action) && self.model.step(&self.state, action).is_some() {
                return at;
            }
            at = self.nodes[at].next;
        }
        self.nodes[END].next
    }

    fn take(&mut self, call: usize, position: usize, after: M::State, forced: bool) {
        self.unlink(call);
        if let Some(answer) = self.returns[position] {
            self.unlink(answer);
            self.unexplained -= 1;
        }
        self.placed.set(position, true);
        let before = std::mem::replace(&mut self.state, after);
        self.taken.push(Taken { call, before, forced });
    }

    /// Undoes the last choice that had an alternative, and returns where to look for it.
    fn go_back(&mut self) -> Option<usize> {
        loop {
            let Taken { call, before, forced } = self.taken.pop()?;
            let Event::Call(position) = self.nodes[call].event else { return None };
            if let Some(answer) = self.returns[position] {
                self.link(answer);
                self.unexplained += 1;
            }
            self.link(call);
            self.placed.set(position, false);
            self.state = before;
            if !forced {
                return Some(self.nodes[call].next);
            }
        }
    }

    fn unlink(&mut self, node: usize) {
        let (previous, next) = (self.nodes[node].previous, self.nodes[node].next);
        self.nodes[previous].next = next;
        self.nodes[next].previous = previous;
    }

    /// Puts a node back between the neighbours it had; nodes come back in the reverse of the order
    /// in which they went.
    fn link(&mut self, node: usize) {
        let (previous, next) = (self.nodes[node].previous, self.nodes[node].next);
        self.nodes[previous].next = node;
        self.nodes[next].previous = node;
    }

    fn remember_if_longest(&mut self, at: usize) {
        let Event::Return(stuck) = self.nodes[at].event else { return };
        let known = self.longest.as_ref().map_or(0, |witness| witness.explained.len() + 1);
        if self.taken.len() >= known {
            let explained =
                self.taken.iter().filter_map(|taken| match self.nodes[taken.call].event {
                    Event::Call(position) => Some(position),
                    Event::Return(_) | Event::End => None,
                });
            self.longest = Some(Witness { explained: explained.collect(), stuck });
        }
    }

    fn violation(self) -> Verdict {
        // Going back only ever begins at an answer, so there is a witness.
        self.longest.map_or(Verdict::Undecided, Verdict::Violation)
    }
}

/// Which operations are taken, a bit each.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Placed(Vec<u64>);

impl Placed {
    fn none(operations: usize) -> Placed {
        Placed(vec![0; operations.div_ceil(64)])
    }

    fn set(&mut self, position: usize, taken: bool) {
        let bit = 1 << (position % 64);
        if taken {
            self.0[position / 64] |= bit;
        } else {
            self.0[position / 64] &= !bit;
        }
    }

    fn with(&self, position: usize) -> Placed {
        let mut other = self.clone();
        other.set(position, true);
        other
    }
}
