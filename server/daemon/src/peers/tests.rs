//! Links over loopback, between members that only write down what they hear.

mod delivery;
mod faults;
mod harness;
mod refusals;
mod trouble;
