//! `$group`, and `$sortByCount`, which is one.
//!
//! Groups are told apart by the key bytes of their `_id`, so that 1 and 1.0 are one group, which
//! shows the value seen first. They come out in the order of their first documents.

mod accumulators;
mod parse;
mod picked;
mod ranked;
mod scripted;
mod set;
mod state;

pub(super) use parse::{parse, parse_sort_by_count};

use super::memory::Budget;
use super::stage::Definition;
use super::{EVERYTHING, Flow, Output, Stage};
use crate::expression::Expression;
use accumulators::Accumulation;
use quire_bson::{Bson, DocBuilder, RawDoc, Scratch};
use quire_collation::ValueOrder;
use quire_errors::Result;
use state::State;
use std::collections::HashMap;
use std::sync::Arc;

/// A parsed `$group`.
#[derive(Debug)]
pub(super) struct Spec {
    id: Expression,
    order: ValueOrder,
    fields: Vec<(String, Accumulation)>,
}

#[derive(Debug)]
struct Group {
    spec: Arc<Spec>,
}

impl Definition for Group {
    fn start(&self) -> Box<dyn Stage> {
        let refusal = || {
            "Exceeded memory limit for $group, but didn't allow external sort. Pass \
             allowDiskUse:true to opt in."
                .to_owned()
        };
        Box::new(Running {
            spec: Arc::clone(&self.spec),
            by_key: HashMap::new(),
            groups: Vec::new(),
            budget: Budget::new(refusal),
            giving: None,
            shown: Scratch::default(),
        })
    }
}

struct Running {
    spec: Arc<Spec>,
    by_key: HashMap<Vec<u8>, usize>,
    groups: Vec<OneGroup>,
    budget: Budget,
    giving: Option<std::vec::IntoIter<OneGroup>>,
    shown: Scratch,
}

struct OneGroup {
    id: Bson,
    states: Vec<Box<dyn State>>,
}

/// What a group takes in memory beside its key and what its accumulators report.
const GROUP_BYTES: usize = 64;
const STATE_BYTES: usize = 64;

impl Stage for Running {
    fn take(&mut self, doc: RawDoc<'_>, _: &mut dyn Output) -> Result<Flow> {
        self.add(doc).map(|()| Flow::More)
    }

    fn finish(&mut self, output: &mut dyn Output) -> Result<Flow> {
        self.by_key = HashMap::new();
        let groups = std::mem::take(&mut self.groups);
        for group in self.giving.get_or_insert_with(|| groups.into_iter()) {
            let shown = self.shown.try_make(|shown| self.spec.show(group, shown))?;
            let flow = output.take(shown)?;
            if flow != Flow::More {
                return Ok(flow);
            }
        }
        Ok(Flow::More)
    }

    fn needs(&self, _: u64) -> u64 {
        EVERYTHING
    }
}

impl Running {
    fn add(&mut self, doc: RawDoc<'_>) -> Result<()> {
        let id = self.spec.id.evaluate(doc)?.unwrap_or(Bson::Null);
        let at = self.group_of(id)?;
        let Some(group) = self.groups.get_mut(at) else { return Ok(()) };
        for (state, (_, accumulation)) in group.states.iter_mut().zip(&self.spec.fields) {
            let before = state.held_bytes();
            state.add(doc, accumulation.argument.evaluate(doc)?)?;
            self.budget.take(state.held_bytes().saturating_sub(before))?;
        }
        Ok(())
    }

    /// The position of the group with this `_id`, which is made when there is none.
    fn group_of(&mut self, id: Bson) -> Result<usize> {
        let key = state::key_of(&id, &self.spec.order);
        if let Some(at) = self.by_key.get(&key) {
            return Ok(*at);
        }
        let order = &self.spec.order;
        let started = self.spec.fields.iter().map(|(_, field)| field.start(&id, order));
        let states: Vec<_> = started.collect::<Result<_>>()?;
        self.budget.take(GROUP_BYTES + 2 * key.len() + states.len() * STATE_BYTES)?;
        let at = self.groups.len();
        self.groups.push(OneGroup { id, states });
        self.by_key.insert(key, at);
        Ok(at)
    }
}

impl Spec {
    fn show(&self, mut group: OneGroup, out: &mut DocBuilder) -> Result<()> {
        out.append_bson("_id", &group.id);
        for ((name, _), state) in self.fields.iter().zip(&mut group.states) {
            // Every group has every field: what is missing shows as null.
            out.append_bson(name, &state.finish()?.unwrap_or(Bson::Null));
        }
        Ok(())
    }
}
