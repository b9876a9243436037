//! `$sort`: gathers all documents, or the first ones when a `$limit` follows, and gives them in
//! order. Documents with equal keys keep the order in which they came.

use super::memory::Budget;
use super::stage::{Kind, StageSpec};
use super::{Input, Stage, Step};
use crate::Constants;
use crate::sort::SortPattern;
use quire_bson::{DocBuf, RawValue};
use quire_errors::{CommandError, Result};
use std::collections::BinaryHeap;
use std::sync::Arc;

/// A document with its key; ordered by key and arrival only.
#[derive(Debug)]
pub(super) struct Keyed {
    key: Vec<u8>,
    arrival: u64,
    doc: DocBuf,
}

impl Keyed {
    fn bytes(&self) -> usize {
        size_of::<Keyed>() + self.key.len() + self.doc.as_bytes().len()
    }
}

impl PartialEq for Keyed {
    fn eq(&self, other: &Keyed) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Keyed {}

impl PartialOrd for Keyed {
    fn partial_cmp(&self, other: &Keyed) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Keyed {
    fn cmp(&self, other: &Keyed) -> std::cmp::Ordering {
        self.key.cmp(&other.key).then(self.arrival.cmp(&other.arrival))
    }
}

/// Gathers documents by key, at most `limit` of them: the largest on top falls out first.
#[derive(Debug)]
pub(super) struct Sorter {
    heap: BinaryHeap<Keyed>,
    limit: Option<u64>,
    arrivals: u64,
    budget: Budget,
}

impl Sorter {
    pub(super) fn new(limit: Option<u64>, refusal: fn() -> String) -> Sorter {
        Sorter { heap: BinaryHeap::new(), limit, arrivals: 0, budget: Budget::new(refusal) }
    }

    pub(super) fn add(&mut self, key: Vec<u8>, doc: DocBuf) -> Result<()> {
        let full = self.limit.is_some_and(|limit| self.heap.len() as u64 >= limit);
        if full {
            // What arrives later loses against an equal key.
            match self.heap.peek() {
                Some(last) if key < last.key => {}
                _ => return Ok(()),
            }
            if let Some(dropped) = self.heap.pop() {
                self.budget.give_back(dropped.bytes());
            }
        }
        let keyed = Keyed { key, arrival: self.arrivals, doc };
        self.arrivals = self.arrivals.saturating_add(1);
        self.budget.take(keyed.bytes())?;
        self.heap.push(keyed);
        Ok(())
    }

    /// The documents in order.
    pub(super) fn finish(&mut self) -> std::vec::IntoIter<Keyed> {
        std::mem::take(&mut self.heap).into_sorted_vec().into_iter()
    }
}

pub(super) struct Sort {
    pattern: SortPattern,
    state: State,
}

enum State {
    Gathering(Sorter),
    Giving(std::vec::IntoIter<Keyed>),
}

impl Sort {
    pub(super) fn new(pattern: SortPattern, limit: Option<u64>) -> Sort {
        let refusal = || {
            format!(
                "Sort exceeded memory limit of {} bytes, but did not opt in to external sorting.",
                super::memory::STAGE_BYTES_MAX
            )
        };
        Sort { pattern, state: State::Gathering(Sorter::new(limit, refusal)) }
    }
}

impl Stage for Sort {
    fn next(&mut self, input: &mut dyn Input) -> Result<Step> {
        loop {
            match &mut self.state {
                State::Gathering(sorter) => match input.next()? {
                    Step::Doc(doc) => sorter.add(self.pattern.key(doc.as_raw())?, doc)?,
                    Step::Yield => return Ok(Step::Yield),
                    Step::Done => self.state = State::Giving(sorter.finish()),
                },
                State::Giving(docs) => return Ok(give(docs)),
            }
        }
    }
}

pub(super) fn give(docs: &mut std::vec::IntoIter<Keyed>) -> Step {
    docs.next().map_or(Step::Done, |keyed| Step::Doc(keyed.doc))
}

pub(super) fn parse(
    name: &'static str,
    spec: RawValue<'_>,
    constants: &Arc<Constants>,
) -> Result<Vec<StageSpec>> {
    let RawValue::Document(pattern) = spec else {
        return Err(CommandError::location(15973, "the $sort key specification must be an object"));
    };
    if pattern.is_empty() {
        return Err(CommandError::location(15976, "$sort stage must have at least one sort key"));
    }
    let pattern = SortPattern::parse(pattern, &constants.order)?;
    Ok(vec![StageSpec::new(name, spec, Kind::Sort(pattern, None))])
}
