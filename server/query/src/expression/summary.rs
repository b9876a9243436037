//! `$sum`, `$avg`, `$min`, `$max`, `$stdDevPop`, `$stdDevSamp` over the operands of one document.

use super::accumulator::{Accumulator, Average, Deviation, Extreme, Sum};
use super::evaluated::Evaluated;
use super::table::{Family, Syntax};
use super::value::Value;
use quire_bson::Bson;
use quire_errors::Result;

pub(super) const TABLE: Family = &[
    ("$avg", Syntax::Variadic(|operands| gather(Average::default(), operands))),
    ("$max", Syntax::VariadicBy(|order, operands| gather(Extreme::max(order), operands))),
    ("$min", Syntax::VariadicBy(|order, operands| gather(Extreme::min(order), operands))),
    ("$stdDevPop", Syntax::Variadic(|operands| gather(Deviation::of_population(), operands))),
    ("$stdDevSamp", Syntax::Variadic(|operands| gather(Deviation::of_sample(), operands))),
    ("$sum", Syntax::Variadic(|operands| gather(Sum::default(), operands))),
];

fn gather(mut accumulator: impl Accumulator, operands: Vec<Value>) -> Result<Value> {
    // A single operand that is an array stands for its elements.
    match <[Value; 1]>::try_from(operands) {
        Ok([Some(Bson::Array(items))]) => {
            for item in items {
                accumulator.add(Evaluated::Made(item))?;
            }
        }
        Ok([single]) => accumulator.add(single.into())?,
        Err(several) => {
            for operand in several {
                accumulator.add(operand.into())?;
            }
        }
    }
    Ok(accumulator.finish())
}
