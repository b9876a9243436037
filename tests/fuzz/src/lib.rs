//! What must hold for every input, one module a target.
//!
//! Owns the properties; the files in `targets` only hand bytes over. Inputs from which a run starts
//! are in `corpus`; a failing one is replayed by giving its path to the target's binary.

pub mod bson;
pub mod frame;
mod memory;
