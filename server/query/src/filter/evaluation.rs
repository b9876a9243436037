//! `$expr`, `$jsonSchema`, `$sampleRate`, `$comment` and the two constants.

use super::node::{ExprNode, Node, Sample};
use super::operand::Operand;
use super::parse::Context;
use super::schema::Schema;
use super::whole;
use crate::expression::Expression;
use quire_bson::{Number, RawElement, RawValue};
use quire_errors::{CommandError, Result};

pub(super) fn expr(element: RawElement<'_>, context: &Context<'_>) -> Result<Option<Node>> {
    if context.in_elem_match {
        return Err(CommandError::bad_value("$expr can only be applied to the top-level document"));
    }
    let expression = Expression::parse(element.value(), context.constants)?;
    Ok(Some(Node::Expr(Box::new(ExprNode { expression, source: Operand::from(element) }))))
}

pub(super) fn json_schema(element: RawElement<'_>, _: &Context<'_>) -> Result<Option<Node>> {
    let RawValue::Document(schema) = element.value() else {
        return Err(CommandError::type_mismatch("$jsonSchema must be an object"));
    };
    Ok(Some(Node::Schema(Box::new(Schema::parse(schema)?))))
}

pub(super) fn sample_rate(element: RawElement<'_>, context: &Context<'_>) -> Result<Option<Node>> {
    let rate = match Number::from_raw(element.value()) {
        Some(Number::Int32(n)) => f64::from(n),
        Some(Number::Int64(n)) => n as f64,
        Some(Number::Double(x)) => x,
        Some(Number::Decimal(d)) => d.to_f64(),
        None => {
            return Err(CommandError::bad_value("argument to $sampleRate must be a numeric type"));
        }
    };
    if !(0.0..=1.0).contains(&rate) {
        return Err(CommandError::bad_value("numeric argument to $sampleRate must be in [0, 1]"));
    }
    let seed = context.constants.random_seed;
    Ok(Some(Node::Sample(Sample { rate, seed })))
}

pub(super) fn comment(_: RawElement<'_>, _: &Context<'_>) -> Result<Option<Node>> {
    Ok(None)
}

pub(super) fn always_true(element: RawElement<'_>, _: &Context<'_>) -> Result<Option<Node>> {
    constant(element, true)
}

pub(super) fn always_false(element: RawElement<'_>, _: &Context<'_>) -> Result<Option<Node>> {
    constant(element, false)
}

fn constant(element: RawElement<'_>, flag: bool) -> Result<Option<Node>> {
    if whole::exact(element.value()) != Some(1) {
        return Err(CommandError::failed_to_parse(format!(
            "{} must be an integer value of 1",
            element.key()
        )));
    }
    Ok(Some(Node::Constant(flag)))
}
