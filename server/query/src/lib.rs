//! The query language, as pure functions over BSON bytes: no I/O, no clock, no randomness of its own.
//!
//! Owns parsing and evaluating filters, updates, projections, sorts, expressions and pipeline stages,
//! and choosing an index from a filter and index descriptions. What depends on the world (the time,
//! `let` variables, a random seed) comes in through [`Constants`], fixed when the command began.
//! An operator is added in one file of its family's folder and one line of that family's table.

mod collation;
mod constants;
pub mod expression;
mod field_path;
pub mod filter;
pub mod path;
pub mod pipeline;
pub mod plan;
pub mod projection;
mod render;
pub mod scripts;
pub mod sort;
pub mod update;

pub use collation::collation;
pub use constants::Constants;
pub use quire_collation::{Collation, ValueOrder};
