//! The ordered key-value engine under everything: one object-safe trait and its implementations.
//!
//! Owns the only mention of RocksDB. Knows no BSON, no log and no document; bytes in, bytes out, in
//! a few fixed key spaces. Whoever needs the engine takes an `Arc<dyn Engine>`.

mod batch;
#[cfg(test)]
mod conformance;
mod engine;
mod error;
mod faulty;
#[cfg(feature = "rocks")]
mod hardware;
mod memory;
#[cfg(feature = "rocks")]
mod power_cut;
#[cfg(feature = "rocks")]
mod rocks;

pub use batch::{Batch, Operation};
pub use engine::{Direction, Durability, Engine, EngineStats, EntryVisitor, KeyRange, Read, Space};
pub use error::{EngineError, Result};
pub use faulty::{Call, Effect, Fault, Faulty, FaultyEngine};
#[cfg(feature = "rocks")]
pub use hardware::crc_is_accelerated;
pub use memory::MemoryEngine;
#[cfg(feature = "rocks")]
pub use power_cut::copy_power_cut;
#[cfg(feature = "rocks")]
pub use rocks::{MemoryFiles, RocksEngine, RocksOptions};
