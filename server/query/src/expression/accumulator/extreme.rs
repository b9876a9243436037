//! `$min` and `$max`.

use super::Accumulator;
use crate::expression::evaluated::Evaluated;
use crate::expression::value::{NULL, Value};
use quire_bson::{Bson, RawValue};
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
    fn add(&mut self, value: Evaluated<'_>) -> Result<()> {
        let better = value.look(|value| match &self.best {
            _ if matches!(value, RawValue::Null | RawValue::Undefined) => false,
            None => true,
            Some(best) => match RawValue::of_scalar(best) {
                Some(best) => self.order.compare(value, best) == self.wanted,
                None => self.order.compare_bson(&value.to_bson(), best) == self.wanted,
            },
        });
        if better {
            self.best = value.into_value();
        }
        Ok(())
    }

    fn finish(&mut self) -> Value {
        self.best.take().or(NULL)
    }
}
