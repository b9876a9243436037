//! The table of `$group`'s accumulators: name, and how its operand is read.

use super::picked::{Extremes, First, Last, List, Merged};
use super::ranked::{End, Ranked};
use super::scripted::Functions;
use super::set::Distinct;
use super::state::{OfValue, State};
use crate::Constants;
use crate::expression::accumulator::{Average, Deviation, Extreme, Sum};
use crate::expression::{Expression, count_of, n_and_input};
use crate::sort::SortPattern;
use quire_bson::{Bson, DocBuf, RawDoc, RawElement, RawValue};
use quire_collation::ValueOrder;
use quire_errors::{CommandError, Result};
use std::sync::Arc;

type Start = fn(&ValueOrder) -> Box<dyn State>;
type StartWithN = fn(usize, &ValueOrder) -> Box<dyn State>;

/// How an accumulator's operand is written.
enum Syntax {
    /// One expression.
    Plain(Start),
    /// `{}`.
    Empty(Start),
    /// `{input: …, n: …}`
    Counted(StartWithN),
    /// `{sortBy: …, output: …}`
    Ranked(End),
    /// `{sortBy: …, output: …, n: …}`
    RankedN(End),
    /// `{init: …, accumulate: …, accumulateArgs: …, merge: …, lang: "js"}`
    Scripted,
    /// Known to MongoDB, not here.
    Absent,
}

const TABLE: &[(&str, Syntax)] = &[
    ("$accumulator", Syntax::Scripted),
    ("$addToSet", Syntax::Plain(|order| Box::new(Distinct::by(order)))),
    ("$avg", Syntax::Plain(|_| Box::new(OfValue(Average::default())))),
    ("$bottom", Syntax::Ranked(End::Bottom)),
    ("$bottomN", Syntax::RankedN(End::Bottom)),
    ("$count", Syntax::Empty(|_| Box::new(OfValue(Sum::default())))),
    ("$first", Syntax::Plain(|_| Box::new(First::default()))),
    ("$firstN", Syntax::Counted(|n, _| Box::new(List::first(n)))),
    ("$last", Syntax::Plain(|_| Box::new(Last::default()))),
    ("$lastN", Syntax::Counted(|n, _| Box::new(List::last(n)))),
    ("$max", Syntax::Plain(|order| Box::new(OfValue(Extreme::max(order))))),
    ("$maxN", Syntax::Counted(|n, order| Box::new(Extremes::largest(n, order)))),
    ("$median", Syntax::Absent),
    ("$mergeObjects", Syntax::Plain(|_| Box::new(Merged::default()))),
    ("$min", Syntax::Plain(|order| Box::new(OfValue(Extreme::min(order))))),
    ("$minN", Syntax::Counted(|n, order| Box::new(Extremes::smallest(n, order)))),
    ("$percentile", Syntax::Absent),
    ("$push", Syntax::Plain(|_| Box::new(List::all()))),
    ("$stdDevPop", Syntax::Plain(|_| Box::new(OfValue(Deviation::of_population())))),
    ("$stdDevSamp", Syntax::Plain(|_| Box::new(OfValue(Deviation::of_sample())))),
    ("$sum", Syntax::Plain(|_| Box::new(OfValue(Sum::default())))),
    ("$top", Syntax::Ranked(End::Top)),
    ("$topN", Syntax::RankedN(End::Top)),
];

/// One accumulated field: what is evaluated for each document, and what takes it in.
#[derive(Debug)]
pub(super) struct Accumulation {
    pub(super) argument: Expression,
    begin: Begin,
}

#[derive(Debug)]
enum Begin {
    Plain(Start),
    Counted(Expression, StartWithN),
    Ranked(Option<Expression>, SortPattern, End),
    Scripted(Arc<Functions>),
}

impl Accumulation {
    /// The state for a new group. Only here may `n` depend on something: on the group's `_id`.
    pub(super) fn start(&self, id: &Bson, order: &ValueOrder) -> Result<Box<dyn State>> {
        let root = || match id {
            Bson::Document(id) => DocBuf::from(id),
            _ => DocBuf::new(),
        };
        let count = |n: &Expression| count_of(n.evaluate(root().as_raw())?.as_ref());
        Ok(match &self.begin {
            Begin::Plain(start) => start(order),
            Begin::Counted(n, start) => start(count(n)?, order),
            Begin::Ranked(n, pattern, end) => {
                let n = n.as_ref().map(count).transpose()?;
                Box::new(Ranked::new(pattern.clone(), *end, n))
            }
            Begin::Scripted(functions) => functions.start(root().as_raw())?,
        })
    }

    /// Parses `{$sum: …}`, given as its one element.
    pub(super) fn parse(
        accumulator: RawElement<'_>,
        constants: &Arc<Constants>,
    ) -> Result<Accumulation> {
        let name = accumulator.key();
        let operand = accumulator.value();
        let expression = |value| Expression::parse_in_pipeline(value, constants);
        let Some((name, syntax)) = TABLE.iter().find(|(known, _)| *known == name) else {
            return Err(CommandError::location(15952, format!("unknown group operator '{name}'")));
        };
        Ok(match syntax {
            Syntax::Plain(start) => {
                if matches!(operand, RawValue::Array(_)) {
                    return Err(CommandError::location(
                        40237,
                        format!("The {name} accumulator is a unary operator"),
                    ));
                }
                Accumulation { argument: expression(operand)?, begin: Begin::Plain(*start) }
            }
            Syntax::Empty(start) => {
                if !operand.as_document().is_some_and(RawDoc::is_empty) {
                    return Err(CommandError::type_mismatch(format!(
                        "{name} takes no arguments, i.e. {name}:{{}}"
                    )));
                }
                let one = Expression::constant(Bson::Int32(1));
                Accumulation { argument: one, begin: Begin::Plain(*start) }
            }
            Syntax::Counted(start) => {
                let [n, input] = n_and_input(name, operand)?;
                let begin = Begin::Counted(count_expression(n, constants)?, *start);
                Accumulation { argument: expression(input)?, begin }
            }
            Syntax::Ranked(end) => ranked(name, operand, *end, false, constants)?,
            Syntax::RankedN(end) => ranked(name, operand, *end, true, constants)?,
            Syntax::Scripted => {
                let (functions, argument) = Functions::parse(operand, constants)?;
                Accumulation { argument, begin: Begin::Scripted(Arc::new(functions)) }
            }
            Syntax::Absent => {
                return Err(CommandError::new(
                    quire_errors::Code::CommandNotSupported,
                    format!("The accumulator {name} is not supported by this server yet"),
                ));
            }
        })
    }
}

/// The `n` of an accumulator; a constant one is checked before any document is read.
fn count_expression(n: RawValue<'_>, constants: &Arc<Constants>) -> Result<Expression> {
    let n = Expression::parse_in_pipeline(n, constants)?;
    if let Some(constant) = n.as_constant() {
        count_of(constant.as_ref())?;
    }
    Ok(n)
}

fn ranked(
    name: &str,
    operand: RawValue<'_>,
    end: End,
    counted: bool,
    constants: &Arc<Constants>,
) -> Result<Accumulation> {
    let RawValue::Document(fields) = operand else {
        return Err(CommandError::location(
            5_788_001,
            format!("specification must be an object; found {name}: {}", operand.type_name()),
        ));
    };
    let known = |field: &str| matches!(field, "sortBy" | "output") || (counted && field == "n");
    if let Some(unknown) = fields.iter().find(|field| !known(field.key())) {
        return Err(CommandError::location(
            5_788_002,
            format!("Unknown argument to {name} '{}'", unknown.key()),
        ));
    }
    let required = |field: &str, number| {
        fields
            .get(field)
            .ok_or_else(|| CommandError::location(number, format!("Missing value for '{field}'")))
    };
    let n =
        if counted { Some(count_expression(required("n", 5_788_003)?, constants)?) } else { None };
    let output = required("output", 5_788_004)?;
    let RawValue::Document(pattern) = required("sortBy", 5_788_005)? else {
        return Err(CommandError::location(5_788_604, "expected 'sortBy' to be an object"));
    };
    Ok(Accumulation {
        argument: Expression::parse_in_pipeline(output, constants)?,
        begin: Begin::Ranked(n, SortPattern::parse(pattern, &constants.order)?, end),
    })
}
