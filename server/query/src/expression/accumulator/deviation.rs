//! `$stdDevPop` and `$stdDevSamp`.

use super::Accumulator;
use crate::expression::evaluated::Evaluated;
use crate::expression::value::{NULL, Value};
use quire_bson::{Bson, Number};
use quire_errors::Result;

/// The standard deviation by Welford's recurrence, which needs one pass and stays accurate.
#[derive(Debug)]
pub struct Deviation {
    /// 0 for the whole population, 1 for a sample.
    lost_degrees: u64,
    count: u64,
    mean: f64,
    squares: f64,
}

impl Deviation {
    pub fn of_population() -> Deviation {
        Deviation { lost_degrees: 0, count: 0, mean: 0.0, squares: 0.0 }
    }

    pub fn of_sample() -> Deviation {
        Deviation { lost_degrees: 1, ..Deviation::of_population() }
    }
}

impl Accumulator for Deviation {
    fn add(&mut self, value: Evaluated<'_>) -> Result<()> {
        let Some(x) = value.number().map(Number::to_f64) else { return Ok(()) };
        self.count = self.count.saturating_add(1);
        let delta = x - self.mean;
        self.mean += delta / self.count as f64;
        self.squares += delta * (x - self.mean);
        Ok(())
    }

    fn finish(&mut self) -> Value {
        match self.count.checked_sub(self.lost_degrees) {
            Some(degrees @ 1..) => Some(Bson::Double((self.squares / degrees as f64).sqrt())),
            _ => NULL,
        }
    }
}
