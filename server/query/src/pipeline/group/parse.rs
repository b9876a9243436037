//! Parsing `$group` and `$sortByCount`.

use super::accumulators::Accumulation;
use super::{Group, Spec};
use crate::Constants;
use crate::expression::Expression;
use crate::pipeline::sort;
use crate::pipeline::stage::{Kind, StageSpec};
use quire_bson::{DocBuilder, RawElement, RawValue};
use quire_errors::{CommandError, Result};
use std::sync::Arc;

pub(in crate::pipeline) fn parse(
    name: &'static str,
    spec: RawValue<'_>,
    constants: &Arc<Constants>,
) -> Result<Vec<StageSpec>> {
    let RawValue::Document(fields) = spec else {
        return Err(CommandError::location(
            15947,
            "a group's fields must be specified in an object",
        ));
    };
    let mut id = None;
    let mut accumulated: Vec<(String, Accumulation)> = Vec::new();
    for field in fields {
        if field.key() == "_id" {
            if id.is_some() {
                return Err(CommandError::location(
                    15948,
                    "a group's _id may only be specified once",
                ));
            }
            id = Some(Expression::parse_in_pipeline(field.value(), constants)?);
        } else {
            let accumulation = accumulation(field, constants)?;
            accumulated.push((field.key().to_owned(), accumulation));
        }
    }
    let id = id.ok_or_else(|| {
        CommandError::location(15955, "a group specification must include an _id")
    })?;
    let group =
        Group { spec: Arc::new(Spec { id, order: constants.order.clone(), fields: accumulated }) };
    Ok(vec![StageSpec::new(name, spec, Kind::other(group))])
}

fn accumulation(field: RawElement<'_>, constants: &Arc<Constants>) -> Result<Accumulation> {
    let name = field.key();
    let refuse = |number, message: String| Err(CommandError::location(number, message));
    if name.contains('.') {
        return refuse(40235, format!("The field name '{name}' cannot contain '.'"));
    }
    if name.starts_with('$') {
        return refuse(40236, format!("The field name '{name}' cannot be an operator name"));
    }
    let RawValue::Document(accumulator) = field.value() else {
        return refuse(40234, format!("The field '{name}' must be an accumulator object"));
    };
    let mut operators = accumulator.iter();
    match (operators.next(), operators.next()) {
        (Some(operator), None) => Accumulation::parse(operator, constants),
        (None, _) => refuse(40234, format!("The field '{name}' must be an accumulator object")),
        _ => refuse(40238, format!("The field '{name}' must specify one accumulator")),
    }
}

/// `$sortByCount` is a `$group` that counts and a `$sort` by the count.
pub(in crate::pipeline) fn parse_sort_by_count(
    _: &'static str,
    spec: RawValue<'_>,
    constants: &Arc<Constants>,
) -> Result<Vec<StageSpec>> {
    let refuse = |number, message: &str| Err(CommandError::location(number, message));
    match spec {
        RawValue::Document(doc) => {
            if !doc.iter().next().is_some_and(|first| first.key().starts_with('$')) {
                return refuse(
                    40147,
                    "the sortByCount field must be defined as a $-prefixed path or an expression \
                     inside an object",
                );
            }
        }
        RawValue::String(path) => {
            if !path.starts_with('$') {
                return refuse(
                    40148,
                    "the sortByCount field must be defined as a $-prefixed path or an expression \
                     inside an object",
                );
            }
        }
        _ => {
            return refuse(
                40149,
                "the sortByCount field must be specified as a string or as an object",
            );
        }
    }
    let mut group = DocBuilder::new();
    group.append("_id", spec).append_with("count", |count| {
        count.append_i32("$sum", 1);
    });
    let mut order = DocBuilder::new();
    order.append_i32("count", -1);
    let (group, order) = (group.finish(), order.finish());
    let mut stages = parse("$group", RawValue::Document(group.as_raw()), constants)?;
    stages.extend(sort::parse("$sort", RawValue::Document(order.as_raw()), constants)?);
    Ok(stages)
}
