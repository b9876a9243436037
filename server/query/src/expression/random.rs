//! `$rand`, from the command's seed: the same command gives the same numbers again.

use super::node::{Node, Operator, Scope};
use super::parser::Parser;
use super::table::{Family, Syntax};
use super::value::Value;
use quire_bson::{Bson, RawValue};
use quire_errors::{CommandError, Result};
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) const TABLE: Family = &[("$rand", Syntax::Own(parse))];

/// A counter that a mixer turns into numbers (SplitMix64): good enough for sampling, and it needs no
/// lock.
#[derive(Debug)]
pub(crate) struct RandomStream {
    state: AtomicU64,
}

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

impl RandomStream {
    pub(crate) fn new(seed: u64) -> RandomStream {
        RandomStream { state: AtomicU64::new(seed) }
    }

    pub(crate) fn next_u64(&self) -> u64 {
        // Wraps around, as the atomic's addition always does.
        let mut z = self.state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// At least 0 and below 1.
    pub(crate) fn next_f64(&self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[derive(Debug)]
struct Rand(RandomStream);

impl Operator for Rand {
    fn evaluate(&self, _: &mut Scope<'_>) -> Result<Value> {
        Ok(Some(Bson::Double(self.0.next_f64())))
    }
}

fn parse(parser: &mut Parser<'_>, _: &'static str, operands: RawValue<'_>) -> Result<Node> {
    let empty = match operands {
        RawValue::Document(doc) | RawValue::Array(doc) => doc.is_empty(),
        _ => false,
    };
    if !empty {
        return Err(CommandError::location(3_040_501, "$rand does not currently accept arguments"));
    }
    let stream = parser.next_random_stream().wrapping_mul(0xD1B5_4A32_D192_ED03);
    Ok(Node::operator(Rand(RandomStream::new(parser.constants.random_seed ^ stream))))
}
