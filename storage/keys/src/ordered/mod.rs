//! Order-preserving bytes of BSON values.
//!
//! Owns the on-disk form of a value inside a key. For any two values, the order of their bytes is
//! the order [`quire_bson::compare`] gives them, and equal values have equal bytes: `1`, `1.0` and
//! the decimal `1.00` are one key. No value's bytes are a prefix of another's, so encoded values
//! can be strung together and a prefix range holds exactly the entries with those values. The
//! original cannot be read back: documents keep it.
//!
//! | class | value | body |
//! |---|---|---|
//! | 04 | min key | |
//! | 08 | undefined | |
//! | 0C | null | |
//! | 10 | NaN | |
//! | 11 | number below zero | magnitude, every bit inverted |
//! | 12 | zero | |
//! | 13 | number above zero | magnitude ([`number`]) |
//! | 18 | string, symbol | text |
//! | 1C | document | per element: class of its canonical type, name as text, value; then 00 |
//! | 20 | array | per item: value; then 00 |
//! | 24 | binary | length (one byte, or FF and four), subtype, bytes |
//! | 28 | object id | 12 bytes |
//! | 2C, 2D | false, true | |
//! | 30 | date | int64, big-endian, sign bit inverted |
//! | 34 | timestamp | seconds, increment: uint32 big-endian |
//! | 38 | regex | pattern as text, options as text |
//! | 3C | db pointer | length uint32 big-endian, namespace, 12 bytes |
//! | 40 | code | text |
//! | 44 | code with scope | text, then the body of a document |
//! | 7F | max key | |
//!
//! Text is its bytes with 00 written as 01 01 and 01 as 01 02, ended by 00. Descending bytes are the
//! ascending ones with every bit inverted; their class is above 7F, so both can be told apart.

mod encode;
mod number;
mod skip;

pub use encode::{encode_value, encode_value_descending, encode_with};
pub use skip::skip_value;

use quire_bson::{RawValue, canonical_type};

mod class {
    pub(super) const END: u8 = 0x00;
    pub(super) const MIN_KEY: u8 = 0x04;
    pub(super) const UNDEFINED: u8 = 0x08;
    pub(super) const NULL: u8 = 0x0C;
    pub(super) const NAN: u8 = 0x10;
    pub(super) const NEGATIVE: u8 = 0x11;
    pub(super) const ZERO: u8 = 0x12;
    pub(super) const POSITIVE: u8 = 0x13;
    pub(super) const TEXT: u8 = 0x18;
    pub(super) const DOCUMENT: u8 = 0x1C;
    pub(super) const ARRAY: u8 = 0x20;
    pub(super) const BINARY: u8 = 0x24;
    pub(super) const OBJECT_ID: u8 = 0x28;
    pub(super) const FALSE: u8 = 0x2C;
    pub(super) const TRUE: u8 = 0x2D;
    pub(super) const DATE: u8 = 0x30;
    pub(super) const TIMESTAMP: u8 = 0x34;
    pub(super) const REGEX: u8 = 0x38;
    pub(super) const DB_POINTER: u8 = 0x3C;
    pub(super) const CODE: u8 = 0x40;
    pub(super) const CODE_WITH_SCOPE: u8 = 0x44;
    pub(super) const MAX_KEY: u8 = 0x7F;
}

/// The direction of one field of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Ascending,
    Descending,
}

/// The first bytes that values of one canonical type have: the widest range that a comparison,
/// which never leaves the type of its operand, can match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bracket {
    /// The smallest first byte.
    pub first: u8,
    /// The largest first byte, itself included.
    pub last: u8,
}

impl Bracket {
    /// The bracket of the values that are of `value`'s canonical type, for a field in `order`.
    pub fn of(value: RawValue<'_>, order: Order) -> Bracket {
        let (first, last) = classes(canonical_type(value));
        match order {
            Order::Ascending => Bracket { first, last },
            Order::Descending => Bracket { first: !last, last: !first },
        }
    }
}

/// The first and last class of a canonical type.
fn classes(canonical: u8) -> (u8, u8) {
    let one = match canonical {
        0 => class::MIN_KEY,
        1 => class::UNDEFINED,
        5 => class::NULL,
        10 => return (class::NAN, class::POSITIVE),
        15 => class::TEXT,
        20 => class::DOCUMENT,
        25 => class::ARRAY,
        30 => class::BINARY,
        35 => class::OBJECT_ID,
        40 => return (class::FALSE, class::TRUE),
        45 => class::DATE,
        47 => class::TIMESTAMP,
        50 => class::REGEX,
        55 => class::DB_POINTER,
        60 => class::CODE,
        65 => class::CODE_WITH_SCOPE,
        _ => class::MAX_KEY,
    };
    (one, one)
}

#[cfg(test)]
mod tests;
