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
use crate::expression::{Evaluated, Expression};
use accumulators::Accumulation;
use quire_bson::{Bson, DocBuilder, RawDoc, Scratch};
use quire_collation::ValueOrder;
use quire_errors::Result;
use state::{Growth, State};
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
            groups: Groups {
                by_key: HashMap::new(),
                key: Vec::new(),
                all: Vec::new(),
                budget: Budget::new(refusal),
            },
            giving: None,
            shown: Scratch::default(),
        })
    }
}

struct Running {
    spec: Arc<Spec>,
    groups: Groups,
    giving: Option<std::vec::IntoIter<OneGroup>>,
    shown: Scratch,
}

/// The groups so far, in the order of their first documents.
struct Groups {
    by_key: HashMap<Vec<u8>, usize>,
    /// The key of the document at hand.
    key: Vec<u8>,
    all: Vec<OneGroup>,
    budget: Budget,
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
        self.groups.add(&self.spec, doc).map(|()| Flow::More)
    }

    fn finish(&mut self, output: &mut dyn Output) -> Result<Flow> {
        self.groups.by_key = HashMap::new();
        let groups = std::mem::take(&mut self.groups.all);
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

impl Groups {
    fn add(&mut self, spec: &Spec, doc: RawDoc<'_>) -> Result<()> {
        let at = self.find_or_make(spec, spec.id.look_up(doc)?)?;
        let Some(group) = self.all.get_mut(at) else { return Ok(()) };
        for (state, (_, accumulation)) in group.states.iter_mut().zip(&spec.fields) {
            let Growth(bytes) = state.add(doc, accumulation.argument.look_up(doc)?)?;
            self.budget.take(bytes)?;
        }
        Ok(())
    }

    /// The position of the group with this `_id`, which is made when there is none.
    fn find_or_make(&mut self, spec: &Spec, id: Evaluated<'_>) -> Result<usize> {
        self.key.clear();
        state::append_key(&mut self.key, &id, &spec.order);
        if let Some(at) = self.by_key.get(&self.key) {
            return Ok(*at);
        }
        let id = id.into_value().unwrap_or(Bson::Null);
        let started = spec.fields.iter().map(|(_, field)| field.start(&id, &spec.order));
        let states: Vec<_> = started.collect::<Result<_>>()?;
        self.budget.take(GROUP_BYTES + 2 * self.key.len() + states.len() * STATE_BYTES)?;
        let at = self.all.len();
        self.all.push(OneGroup { id, states });
        self.by_key.insert(self.key.clone(), at);
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
