//! Running an expression for each element: `$map`, `$filter`, `$reduce`, and `$zip`.

use super::elements;
use crate::expression::arguments::named;
use crate::expression::memory::check_elements;
use crate::expression::node::{Node, Operator, Scope, evaluate_all};
use crate::expression::numeric::exact_i32;
use crate::expression::parser::Parser;
use crate::expression::table::{Family, Syntax};
use crate::expression::value::{NULL, Value, is_nullish, is_true, show, type_name};
use crate::expression::variables;
use quire_bson::{Bson, RawValue};
use quire_errors::{CommandError, Result};

pub(crate) const TABLE: Family = &[
    ("$filter", Syntax::Own(parse_filter)),
    ("$map", Syntax::Own(parse_map)),
    ("$reduce", Syntax::Own(parse_reduce)),
    ("$zip", Syntax::Own(parse_zip)),
];

fn missing(number: i32, name: &'static str, field: &'static str) -> impl Fn() -> CommandError {
    move || CommandError::location(number, format!("Missing '{field}' parameter to {name}"))
}

fn not_an_array(number: i32, name: &str) -> impl FnOnce(Option<&Bson>) -> CommandError {
    move |found| {
        CommandError::location(
            number,
            format!("input to {name} must be an array not {}", type_name(found)),
        )
    }
}

/// The name of the variable that holds the element.
fn element_name<'v>(name: Option<RawValue<'v>>) -> Result<&'v str> {
    let Some(name) = name else { return Ok("this") };
    let name = name.as_str().ok_or_else(|| {
        CommandError::failed_to_parse(format!(
            "the name of a variable must be a string, found {}",
            name.type_name()
        ))
    })?;
    variables::validate_for_write(name)?;
    Ok(name)
}

#[derive(Debug)]
struct Map {
    input: Node,
    each: Node,
}

impl Operator for Map {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        let input = self.input.evaluate(scope)?;
        if is_nullish(&input) {
            return Ok(NULL);
        }
        scope.hold(&input)?;
        let items = elements(input, not_an_array(16883, "$map"))?;
        let mut mapped = Vec::with_capacity(items.len());
        for item in items {
            let value = scope.with([Some(item)], &self.each)?;
            scope.hold(&value)?;
            mapped.push(value.unwrap_or(Bson::Null));
        }
        Ok(Some(Bson::Array(mapped)))
    }
}

fn parse_map(parser: &mut Parser<'_>, name: &'static str, operands: RawValue<'_>) -> Result<Node> {
    let [input, variable, each] = named(
        operands,
        ["input", "as", "in"],
        |_| CommandError::location(16878, "$map only supports an object as its argument"),
        |field| CommandError::location(16879, format!("Unrecognized parameter to $map: {field}")),
    )?;
    let input = parser.required(input, missing(16880, name, "input"))?;
    let each = each.ok_or_else(missing(16882, name, "in"))?;
    let variable = element_name(variable)?;
    let each = parser.with_variables(&[variable], |parser| parser.operand(each))?;
    Ok(Node::operator(Map { input, each }))
}

#[derive(Debug)]
struct Filter {
    input: Node,
    condition: Node,
    limit: Option<Node>,
}

impl Operator for Filter {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        let input = self.input.evaluate(scope)?;
        if is_nullish(&input) {
            return Ok(NULL);
        }
        scope.hold(&input)?;
        let items = elements(input, not_an_array(28651, "$filter"))?;
        let limit = match &self.limit {
            Some(limit) => filter_limit(&limit.evaluate(scope)?)?,
            None => usize::MAX,
        };
        let mut kept = Vec::new();
        for item in items {
            if kept.len() >= limit {
                break;
            }
            if is_true(scope.with([Some(item.clone())], &self.condition)?.as_ref()) {
                kept.push(item);
            }
        }
        Ok(Some(Bson::Array(kept)))
    }
}

fn filter_limit(value: &Value) -> Result<usize> {
    if is_nullish(value) {
        return Ok(usize::MAX);
    }
    let limit = value.as_ref().and_then(exact_i32).ok_or_else(|| {
        CommandError::location(
            327_391,
            format!(
                "$filter: limit must be represented as a 32-bit integral value: {}",
                show(value.as_ref())
            ),
        )
    })?;
    match usize::try_from(limit) {
        Ok(limit) if limit > 0 => Ok(limit),
        _ => Err(CommandError::location(
            327_392,
            format!("$filter: limit must be greater than 0: {limit}"),
        )),
    }
}

fn parse_filter(
    parser: &mut Parser<'_>,
    name: &'static str,
    operands: RawValue<'_>,
) -> Result<Node> {
    let [input, variable, condition, limit] = named(
        operands,
        ["input", "as", "cond", "limit"],
        |_| CommandError::location(28646, "$filter only supports an object as its argument"),
        |field| {
            CommandError::location(28647, format!("Unrecognized parameter to $filter: {field}"))
        },
    )?;
    let input = parser.required(input, missing(28648, name, "input"))?;
    let condition = condition.ok_or_else(missing(28650, name, "cond"))?;
    let variable = element_name(variable)?;
    let condition = parser.with_variables(&[variable], |parser| parser.operand(condition))?;
    let limit = parser.optional(limit)?;
    Ok(Node::operator(Filter { input, condition, limit }))
}

#[derive(Debug)]
struct Reduce {
    input: Node,
    initial: Node,
    step: Node,
}

impl Operator for Reduce {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        let input = self.input.evaluate(scope)?;
        if is_nullish(&input) {
            return Ok(NULL);
        }
        scope.hold(&input)?;
        let items = elements(input, |found| {
            CommandError::location(
                40080,
                format!("$reduce requires that 'input' be an array, found: {}", show(found)),
            )
        })?;
        let mut value = self.initial.evaluate(scope)?;
        for item in items {
            value = scope.with([Some(item), value], &self.step)?;
        }
        Ok(value)
    }
}

fn parse_reduce(parser: &mut Parser<'_>, _: &'static str, operands: RawValue<'_>) -> Result<Node> {
    let [input, initial, step] = named(
        operands,
        ["input", "initialValue", "in"],
        |found| {
            CommandError::location(
                40075,
                format!("$reduce requires an object as an argument, found: {found}"),
            )
        },
        |field| {
            CommandError::location(40076, format!("$reduce found an unknown argument: {field}"))
        },
    )?;
    let absent = |number, field: &'static str| {
        move || {
            CommandError::location(number, format!("$reduce requires '{field}' to be specified"))
        }
    };
    let input = parser.required(input, absent(40077, "input"))?;
    let initial = parser.required(initial, absent(40078, "initialValue"))?;
    let step = step.ok_or_else(absent(40079, "in"))?;
    let step = parser.with_variables(&["this", "value"], |parser| parser.operand(step))?;
    Ok(Node::operator(Reduce { input, initial, step }))
}

#[derive(Debug)]
struct Zip {
    inputs: Vec<Node>,
    defaults: Vec<Node>,
    longest: bool,
}

impl Operator for Zip {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        let mut columns = Vec::with_capacity(self.inputs.len());
        for input in &self.inputs {
            let value = input.evaluate(scope)?;
            if is_nullish(&value) {
                return Ok(NULL);
            }
            scope.hold(&value)?;
            columns.push(elements(value, |found| {
                CommandError::location(
                    34468,
                    format!("$zip found a non-array expression in input: {}", show(found)),
                )
            })?);
        }
        let defaults = evaluate_all(&self.defaults, scope)?;
        let lengths = columns.iter().map(Vec::len);
        let rows = if self.longest { lengths.max() } else { lengths.min() }.unwrap_or(0);
        check_elements(rows.saturating_mul(columns.len()), "$zip")?;
        let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
        let mut result = Vec::with_capacity(rows);
        for _ in 0..rows {
            let row = columns.iter_mut().enumerate().map(|(n, column)| {
                let filler = || defaults.get(n).cloned().flatten().unwrap_or(Bson::Null);
                column.next().unwrap_or_else(filler)
            });
            result.push(Bson::Array(row.collect()));
        }
        Ok(Some(Bson::Array(result)))
    }
}

fn parse_zip(parser: &mut Parser<'_>, _: &'static str, operands: RawValue<'_>) -> Result<Node> {
    let [inputs, defaults, longest] = named(
        operands,
        ["inputs", "defaults", "useLongestLength"],
        |found| {
            CommandError::location(
                34460,
                format!("$zip only supports an object as an argument, found {found}"),
            )
        },
        |field| CommandError::location(34464, format!("$zip found an unknown argument: {field}")),
    )?;
    let list =
        |parser: &mut Parser<'_>, value: Option<RawValue<'_>>, number, field: &str| match value {
            None => Ok(Vec::new()),
            Some(value @ RawValue::Array(_)) => parser.list(value),
            Some(other) => Err(CommandError::location(
                number,
                format!("{field} must be an array of expressions, found {}", other.type_name()),
            )),
        };
    let inputs = list(parser, inputs, 34461, "inputs")?;
    let defaults = list(parser, defaults, 34462, "defaults")?;
    let longest = match longest {
        None => false,
        Some(RawValue::Boolean(flag)) => flag,
        Some(other) => {
            return Err(CommandError::location(
                34463,
                format!("useLongestLength must be a bool, found {}", other.type_name()),
            ));
        }
    };
    if inputs.is_empty() {
        return Err(CommandError::location(34465, "$zip requires at least one input array"));
    }
    if !defaults.is_empty() && !longest {
        return Err(CommandError::location(
            34466,
            "cannot specify defaults unless useLongestLength is true",
        ));
    }
    if !defaults.is_empty() && defaults.len() != inputs.len() {
        return Err(CommandError::location(34467, "defaults and inputs must have the same length"));
    }
    Ok(Node::operator(Zip { inputs, defaults, longest }))
}
