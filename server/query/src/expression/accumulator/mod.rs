//! Values gathered from many: what `$sum`, `$avg`, `$min`, `$max` and the deviations keep while they
//! see one value after the other. Used by the expressions of these names and by `$group`.

mod deviation;
mod extreme;
mod sum;

pub use deviation::Deviation;
pub use extreme::Extreme;
pub use sum::{Average, Sum};

use super::evaluated::Evaluated;
use super::value::Value;
use quire_errors::Result;

/// The state of one accumulator.
pub trait Accumulator: std::fmt::Debug + Send {
    fn add(&mut self, value: Evaluated<'_>) -> Result<()>;

    /// The result; the state is used up.
    fn finish(&mut self) -> Value;
}
