//! The write path as a whole: sequencer, replica and documents over engines in memory.

#![allow(clippy::unwrap_used)]

mod crashes;
mod history;
mod node;
mod numbered;
mod ordering;
