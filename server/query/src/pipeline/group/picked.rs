//! Accumulators that keep values as they came: `$first`, `$last`, `$firstN`, `$lastN`, `$push`, and
//! those that keep the n smallest or largest: `$minN`, `$maxN`; and `$mergeObjects`.

use super::state::{Growth, State};
use crate::expression::{Evaluated, Value, merge_into, size_of_value};
use quire_bson::{Bson, Document, RawDoc};
use quire_collation::ValueOrder;
use quire_errors::Result;
use std::cmp::Ordering;
use std::collections::VecDeque;

/// `$first`.
#[derive(Default)]
pub(super) struct First(Option<Value>);

impl State for First {
    fn add(&mut self, _: RawDoc<'_>, value: Evaluated<'_>) -> Result<Growth> {
        self.0.get_or_insert_with(|| value.into_value());
        Ok(Growth::NONE)
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(self.0.take().flatten())
    }
}

/// `$last`.
#[derive(Default)]
pub(super) struct Last(Value);

impl State for Last {
    fn add(&mut self, _: RawDoc<'_>, value: Evaluated<'_>) -> Result<Growth> {
        self.0 = value.into_value();
        Ok(Growth::NONE)
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(self.0.take())
    }
}

/// `$push`, `$firstN`, `$lastN`: values in the order in which they came.
pub(super) struct List {
    values: VecDeque<Bson>,
    held_bytes: usize,
    most: usize,
    keep: Keep,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// Everything that is there.
    All,
    First,
    Last,
}

impl List {
    pub(super) fn all() -> List {
        List::new(usize::MAX, Keep::All)
    }

    pub(super) fn first(n: usize) -> List {
        List::new(n, Keep::First)
    }

    pub(super) fn last(n: usize) -> List {
        List::new(n, Keep::Last)
    }

    fn new(most: usize, keep: Keep) -> List {
        List { values: VecDeque::new(), held_bytes: 0, most, keep }
    }
}

impl State for List {
    fn add(&mut self, _: RawDoc<'_>, value: Evaluated<'_>) -> Result<Growth> {
        let before = self.held_bytes;
        let is_over = self.values.len() >= self.most;
        if is_over && self.keep != Keep::Last {
            return Ok(Growth::NONE);
        }
        let value = match value.into_value() {
            Some(value) => value,
            None if self.keep == Keep::All => return Ok(Growth::NONE),
            None => Bson::Null,
        };
        if is_over && let Some(dropped) = self.values.pop_front() {
            self.held_bytes = self.held_bytes.saturating_sub(size_of_value(&dropped));
        }
        self.held_bytes = self.held_bytes.saturating_add(size_of_value(&value));
        self.values.push_back(value);
        Ok(Growth::between(before, self.held_bytes))
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(Some(Bson::Array(std::mem::take(&mut self.values).into())))
    }
}

/// `$minN`, `$maxN`: null and missing do not count.
pub(super) struct Extremes {
    /// The best so far, the best first.
    values: Vec<Bson>,
    held_bytes: usize,
    most: usize,
    better: Ordering,
    order: ValueOrder,
}

impl Extremes {
    pub(super) fn smallest(n: usize, order: &ValueOrder) -> Extremes {
        let (better, order) = (Ordering::Less, order.clone());
        Extremes { values: Vec::new(), held_bytes: 0, most: n, better, order }
    }

    pub(super) fn largest(n: usize, order: &ValueOrder) -> Extremes {
        Extremes { better: Ordering::Greater, ..Extremes::smallest(n, order) }
    }
}

impl State for Extremes {
    fn add(&mut self, _: RawDoc<'_>, value: Evaluated<'_>) -> Result<Growth> {
        let before = self.held_bytes;
        let Some(value) = value.into_value() else { return Ok(Growth::NONE) };
        if matches!(value, Bson::Null | Bson::Undefined) {
            return Ok(Growth::NONE);
        }
        let worse = |known: &Bson| self.order.compare_bson(&value, known) == self.better;
        let at = self.values.partition_point(|known| !worse(known));
        if at >= self.most {
            return Ok(Growth::NONE);
        }
        self.held_bytes = self.held_bytes.saturating_add(size_of_value(&value));
        self.values.insert(at, value);
        if self.values.len() > self.most
            && let Some(dropped) = self.values.pop()
        {
            self.held_bytes = self.held_bytes.saturating_sub(size_of_value(&dropped));
        }
        Ok(Growth::between(before, self.held_bytes))
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(Some(Bson::Array(std::mem::take(&mut self.values))))
    }
}

/// `$mergeObjects`: later objects win.
#[derive(Default)]
pub(super) struct Merged {
    doc: Document,
}

impl State for Merged {
    fn add(&mut self, _: RawDoc<'_>, value: Evaluated<'_>) -> Result<Growth> {
        let value = value.into_value();
        // An upper bound: what replaces a field is counted as if it were added.
        let growth = Growth(value.as_ref().map_or(0, size_of_value));
        merge_into(&mut self.doc, value).map(|()| growth)
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(Some(Bson::Document(std::mem::take(&mut self.doc))))
    }
}
