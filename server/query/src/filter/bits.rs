//! `$bitsAllSet`, `$bitsAllClear`, `$bitsAnySet`, `$bitsAnyClear`.
//!
//! Numbers are seen as endless two's complement (the sign fills every higher bit), binary data as
//! little-endian bits with zeros above its end.

use super::parse::{FieldOperator, Parsed};
use super::predicate::Predicate;
use super::whole::{exact, non_negative};
use crate::render;
use quire_bson::{ArrayBuilder, RawElement, RawValue};
use quire_errors::{CommandError, Result};

/// What must hold for the bits at the positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BitOp {
    AllSet,
    AllClear,
    AnySet,
    AnyClear,
}

/// A test of bits at fixed positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BitTest {
    op: BitOp,
    positions: Vec<u32>,
}

impl BitTest {
    pub(crate) fn name(&self) -> &'static str {
        match self.op {
            BitOp::AllSet => "$bitsAllSet",
            BitOp::AllClear => "$bitsAllClear",
            BitOp::AnySet => "$bitsAnySet",
            BitOp::AnyClear => "$bitsAnyClear",
        }
    }

    pub(crate) fn matches(&self, value: Option<RawValue<'_>>) -> bool {
        match value {
            Some(RawValue::Binary { bytes, .. }) => self.holds(|position| {
                let byte = usize::try_from(position / 8).ok().and_then(|n| bytes.get(n));
                byte.is_some_and(|byte| byte & (1 << (position % 8)) != 0)
            }),
            Some(value) => {
                exact(value).is_some_and(|n| self.holds(|position| n >> position.min(63) & 1 == 1))
            }
            None => false,
        }
    }

    fn holds(&self, is_set: impl Fn(u32) -> bool) -> bool {
        let mut positions = self.positions.iter().copied();
        match self.op {
            BitOp::AllSet => positions.all(is_set),
            BitOp::AllClear => positions.all(|p| !is_set(p)),
            BitOp::AnySet => positions.any(is_set),
            BitOp::AnyClear => positions.any(|p| !is_set(p)),
        }
    }

    pub(crate) fn write_positions(&self, list: &mut ArrayBuilder) {
        for position in &self.positions {
            list.push(RawValue::Int64(i64::from(*position)));
        }
    }
}

fn bit_test(op: BitOp, operator: &FieldOperator<'_>) -> Parsed {
    let element = operator.element;
    let mut positions = match element.value() {
        RawValue::Array(items) => items.iter().map(position).collect::<Result<Vec<u32>>>()?,
        RawValue::Binary { bytes, .. } => set_bits(bytes),
        value if value.is_number() => {
            let mask = non_negative(element).map_err(CommandError::failed_to_parse)?;
            set_bits(&mask.to_le_bytes())
        }
        _ => {
            return Err(CommandError::bad_value(format!(
                "{} takes an Array, a number, or a BinData but received: {}",
                operator.path,
                render::element(element.key(), element.value())
            )));
        }
    };
    positions.sort_unstable();
    positions.dedup();
    Ok(Some(Predicate::Bits(BitTest { op, positions })))
}

fn position(item: RawElement<'_>) -> Result<u32> {
    let number = non_negative(item)
        .map_err(|why| CommandError::bad_value(format!("Failed to parse bit position. {why}")))?;
    u32::try_from(number).ok().filter(|n| i32::try_from(*n).is_ok()).ok_or_else(|| {
        CommandError::bad_value(format!(
            "Failed to parse bit position. Cannot represent as a 32-bit integer: {}",
            render::element(item.key(), item.value())
        ))
    })
}

fn set_bits(bytes: &[u8]) -> Vec<u32> {
    let bits = bytes.iter().zip(0_u32..).flat_map(|(byte, n)| {
        (0..8).filter(move |bit| byte & (1 << bit) != 0).map(move |bit| n.saturating_mul(8) + bit)
    });
    bits.collect()
}

pub(super) fn all_set(operator: &FieldOperator<'_>) -> Parsed {
    bit_test(BitOp::AllSet, operator)
}

pub(super) fn all_clear(operator: &FieldOperator<'_>) -> Parsed {
    bit_test(BitOp::AllClear, operator)
}

pub(super) fn any_set(operator: &FieldOperator<'_>) -> Parsed {
    bit_test(BitOp::AnySet, operator)
}

pub(super) fn any_clear(operator: &FieldOperator<'_>) -> Parsed {
    bit_test(BitOp::AnyClear, operator)
}
