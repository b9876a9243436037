//! `$top`, `$topN`, `$bottom`, `$bottomN`: values of the documents that sort first or last.

use super::state::{Growth, State};
use crate::expression::{Evaluated, Value, size_of_value};
use crate::sort::SortPattern;
use quire_bson::{Bson, RawDoc};
use quire_errors::Result;
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Top,
    Bottom,
}

pub(super) struct Ranked {
    pattern: SortPattern,
    end: End,
    most: usize,
    /// Whether the result is the one value instead of an array.
    single: bool,
    /// By sort key, equal ones in the order in which they came.
    values: BTreeMap<(Vec<u8>, u64), Bson>,
    arrivals: u64,
    held_bytes: usize,
}

impl Ranked {
    pub(super) fn new(pattern: SortPattern, end: End, n: Option<usize>) -> Ranked {
        Ranked {
            pattern,
            end,
            most: n.unwrap_or(1),
            single: n.is_none(),
            values: BTreeMap::new(),
            arrivals: 0,
            held_bytes: 0,
        }
    }

    fn bytes(key: &[u8], value: &Bson) -> usize {
        key.len().saturating_add(size_of_value(value))
    }
}

impl State for Ranked {
    fn add(&mut self, doc: RawDoc<'_>, value: Evaluated<'_>) -> Result<Growth> {
        let before = self.held_bytes;
        let key = self.pattern.key(doc)?;
        let value = value.into_value().unwrap_or(Bson::Null);
        self.held_bytes = self.held_bytes.saturating_add(Ranked::bytes(&key, &value));
        self.values.insert((key, self.arrivals), value);
        self.arrivals = self.arrivals.saturating_add(1);
        if self.values.len() > self.most {
            let dropped = match self.end {
                End::Top => self.values.pop_last(),
                End::Bottom => self.values.pop_first(),
            };
            if let Some(((key, _), value)) = dropped {
                self.held_bytes = self.held_bytes.saturating_sub(Ranked::bytes(&key, &value));
            }
        }
        Ok(Growth::between(before, self.held_bytes))
    }

    fn finish(&mut self) -> Result<Value> {
        let mut values = std::mem::take(&mut self.values).into_values();
        Ok(if self.single { values.next() } else { Some(Bson::Array(values.collect())) })
    }
}
