//! Key bytes: the order of BSON values, and the map of every key the data store writes.
//!
//! Owns the on-disk form of keys. Everything here is part of the format: bytes once written must
//! order the same for ever, so a change needs a new format version. Pure functions; does no I/O and
//! reads no values.

mod keyspace;
mod ordered;
mod range;

pub use keyspace::{Key, KeySpace, SESSION_BYTES};
pub use ordered::{Bracket, Order, encode_value, encode_value_descending, encode_with, skip_value};
pub use range::{Range, successor};
