//! Decides whether what clients saw can have come from one copy of the data: linearizability.
//!
//! Owns the search and the models it runs over; knows no server, no clock and no driver, so that the
//! simulator and the tests of real processes share it. A history is linearizable when every operation
//! can be given one moment between its call and its answer such that the operations, taken in the
//! order of these moments, behave as they would one after another.
//!
//! An operation whose outcome nobody knows (its client got an error of the network, or gave up) has no
//! answer: it may take effect at any time after its call, or never.

mod history;
mod model;
mod search;

#[cfg(test)]
mod tests;

pub use history::{Operation, by_key};
pub use model::{Model, Register, RegisterAction};
pub use search::{Limits, Verdict, Witness, check};
