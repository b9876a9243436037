//! The ordered key-value engine under everything: one object-safe trait and its implementations.
//!
//! Owns the only mention of RocksDB. Knows no BSON, no log and no document; bytes in, bytes out, in
//! a few fixed key spaces. Whoever needs the engine takes an `Arc<dyn Engine>`.

mod batch;
mod engine;
mod error;
mod faulty;
mod memory;

pub use batch::{Batch, Operation};
pub use engine::{Direction, Durability, Engine, EngineStats, EntryVisitor, KeyRange, Read, Space};
pub use error::{EngineError, Result};
pub use faulty::{Call, Effect, Fault, Faulty, FaultyEngine};
pub use memory::MemoryEngine;
