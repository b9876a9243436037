//! `$min` and `$max`.

use super::Accumulator;
use crate::expression::value::{NULL, Value, is_nullish};
use quire_bson::Bson;
use quire_collation::ValueOrder;
use quire_errors::Result;
use std::cmp::Ordering;

/// The smallest or the largest value seen; null and missing do not count.
#[derive(Debug)]
pub struct Extreme {
    wanted: Ordering,
    best: Option<Bson>,
    order: ValueOrder,
}

impl Extreme {
    pub fn min(order: &ValueOrder) -> Extreme {
        Extreme { wanted: Ordering::Less, best: None, order: order.clone() }
    }

    pub fn max(order: &ValueOrder) -> Extreme {
        Extreme { wanted: Ordering::Greater, ..Extreme::min(order) }
    }
}

impl Accumulator for Extreme {
    fn add(&mut self, value: Value) -> Result<()> {
        if is_nullish(&value) {
            return Ok(());
        }
        let better = match (&value, &self.best) {
            (Some(value), Some(best)) => self.order.compare_bson(value, best) == self.wanted,
            _ => true,
        };
        if better {
            self.best = value;
        }
        Ok(())
    }

    fn finish(&mut self) -> Value {
        self.best.take().or(NULL)
    }
}
