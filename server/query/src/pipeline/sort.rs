//! `$sort`: gathers all documents, or the first ones when a `$limit` follows, and gives them in
//! order. Documents with equal keys keep the order in which they came.

use super::memory::Budget;
use super::stage::{Kind, StageSpec};
use super::{EVERYTHING, Flow, Output, Stage};
use crate::Constants;
use crate::sort::SortPattern;
use quire_bson::{DocBuf, RawDoc, RawValue};
use quire_errors::{CommandError, Result};
use std::collections::BinaryHeap;
use std::sync::Arc;

/// A document with its key; ordered by key and arrival only.
#[derive(Debug)]
struct Keyed {
    key: Vec<u8>,
    arrival: u64,
    doc: DocBuf,
}

impl Keyed {
    fn bytes(&self) -> usize {
        size_of::<Keyed>() + self.key.len() + self.doc.as_bytes().len()
    }

    /// Becomes another one in the same memory.
    fn replace(&mut self, key: &[u8], arrival: u64, doc: RawDoc<'_>) {
        self.key.clear();
        self.key.extend_from_slice(key);
        self.arrival = arrival;
        self.doc.copy_from(doc);
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

    /// Takes in a document by its key. Most are neither kept nor copied when only the first are wanted.
    pub(super) fn add(&mut self, key: &[u8], doc: RawDoc<'_>) -> Result<()> {
        let arrival = self.arrivals;
        self.arrivals = self.arrivals.saturating_add(1);
        if self.limit.is_some_and(|limit| self.heap.len() as u64 >= limit) {
            // What arrives later loses against an equal key.
            let last = self.heap.peek_mut().filter(|last| key < last.key.as_slice());
            let Some(mut last) = last else { return Ok(()) };
            self.budget.give_back(last.bytes());
            last.replace(key, arrival, doc);
            return self.budget.take(last.bytes());
        }
        let keyed = Keyed { key: key.to_vec(), arrival, doc: DocBuf::from(doc) };
        self.budget.take(keyed.bytes())?;
        self.heap.push(keyed);
        Ok(())
    }

    /// The documents in order; none are left here.
    pub(super) fn sorted(&mut self) -> Sorted {
        Sorted(std::mem::take(&mut self.heap).into_sorted_vec().into_iter())
    }
}

/// Documents in their order.
pub(super) struct Sorted(std::vec::IntoIter<Keyed>);

impl Sorted {
    /// Gives those that follow, until the output is full.
    pub(super) fn give(&mut self, output: &mut dyn Output) -> Result<Flow> {
        for keyed in &mut self.0 {
            let flow = output.take(keyed.doc.as_raw())?;
            if flow != Flow::More {
                return Ok(flow);
            }
        }
        Ok(Flow::More)
    }
}

pub(super) struct Sort {
    pattern: SortPattern,
    sorter: Sorter,
    /// The key of the document at hand.
    key: Vec<u8>,
    sorted: Option<Sorted>,
}

impl Sort {
    pub(super) fn new(pattern: SortPattern, limit: Option<u64>) -> Sort {
        let refusal = || {
            format!(
                "Sort exceeded memory limit of {} bytes, but did not opt in to external sorting.",
                super::memory::STAGE_BYTES_MAX
            )
        };
        Sort { pattern, sorter: Sorter::new(limit, refusal), key: Vec::new(), sorted: None }
    }
}

impl Stage for Sort {
    fn take(&mut self, doc: RawDoc<'_>, _: &mut dyn Output) -> Result<Flow> {
        self.key.clear();
        self.pattern.write_key(doc, &mut self.key)?;
        self.sorter.add(&self.key, doc).map(|()| Flow::More)
    }

    fn finish(&mut self, output: &mut dyn Output) -> Result<Flow> {
        self.sorted.get_or_insert_with(|| self.sorter.sorted()).give(output)
    }

    fn needs(&self, _: u64) -> u64 {
        EVERYTHING
    }
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
