//! Picking elements: `$firstN`, `$lastN`, `$minN`, `$maxN`, `$sortArray`.

use super::elements;
use crate::expression::arguments::named;
use crate::expression::node::{Node, Operator, Scope};
use crate::expression::numeric::exact_i64;
use crate::expression::parser::Parser;
use crate::expression::table::{Family, Syntax};
use crate::expression::value::{NULL, Value, is_nullish, type_name};
use crate::sort::SortPattern;
use quire_bson::{Bson, DocBuf, RawDoc, RawValue};
use quire_collation::ValueOrder;
use quire_errors::{CommandError, Result};

pub(crate) const TABLE: Family = &[
    ("$firstN", Syntax::Own(|parser, name, operands| parse_n(parser, name, operands, first))),
    ("$lastN", Syntax::Own(|parser, name, operands| parse_n(parser, name, operands, last))),
    ("$maxN", Syntax::Own(|parser, name, operands| parse_n(parser, name, operands, largest))),
    ("$minN", Syntax::Own(|parser, name, operands| parse_n(parser, name, operands, smallest))),
    ("$sortArray", Syntax::Own(parse_sort)),
];

type Pick = fn(&ValueOrder, Vec<Bson>, usize) -> Vec<Bson>;

fn first(_: &ValueOrder, mut items: Vec<Bson>, n: usize) -> Vec<Bson> {
    items.truncate(n);
    items
}

fn last(_: &ValueOrder, items: Vec<Bson>, n: usize) -> Vec<Bson> {
    let skipped = items.len().saturating_sub(n);
    items.into_iter().skip(skipped).collect()
}

fn smallest(order: &ValueOrder, mut items: Vec<Bson>, n: usize) -> Vec<Bson> {
    items.retain(|item| !matches!(item, Bson::Null | Bson::Undefined));
    items.sort_by(|a, b| order.compare_bson(a, b));
    first(order, items, n)
}

fn largest(order: &ValueOrder, mut items: Vec<Bson>, n: usize) -> Vec<Bson> {
    items.retain(|item| !matches!(item, Bson::Null | Bson::Undefined));
    items.sort_by(|a, b| order.compare_bson(b, a));
    first(order, items, n)
}

#[derive(Debug)]
struct PickN {
    name: &'static str,
    n: Node,
    input: Node,
    pick: Pick,
    order: ValueOrder,
}

impl Operator for PickN {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        let n = self.n.evaluate(scope)?;
        let n = count_of(n.as_ref())?;
        let items = elements(self.input.evaluate(scope)?, |found| {
            CommandError::location(
                5_788_200,
                format!("input to {} must be an array, but found {}", self.name, type_name(found)),
            )
        })?;
        Ok(Some(Bson::Array((self.pick)(&self.order, items, n))))
    }
}

/// Reads the `n` of the operators and accumulators that pick `n` values.
pub(crate) fn count_of(n: Option<&Bson>) -> Result<usize> {
    let Some(count) = n.and_then(exact_i64) else {
        return Err(CommandError::location(
            5_787_903,
            format!(
                "Value for 'n' must be of integral type, but found {}",
                crate::expression::show(n)
            ),
        ));
    };
    match usize::try_from(count) {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(CommandError::location(
            5_787_908,
            format!("'n' must be greater than 0, found {count}"),
        )),
    }
}

fn parse_n(
    parser: &mut Parser<'_>,
    name: &'static str,
    operands: RawValue<'_>,
    pick: Pick,
) -> Result<Node> {
    let [n, input] = n_and_input(name, operands)?;
    let n = parser.operand(n)?;
    let input = parser.operand(input)?;
    let constant = n.is_constant() && input.is_constant();
    parser.fold_operator(
        Node::operator(PickN { name, n, input, pick, order: parser.order() }),
        constant,
    )
}

/// The two named operands that all operators and accumulators ending in N have.
pub(crate) fn n_and_input<'v>(name: &str, operands: RawValue<'v>) -> Result<[RawValue<'v>; 2]> {
    let [n, input] = named(
        operands,
        ["n", "input"],
        |found| {
            CommandError::location(
                5_787_900,
                format!("specification must be an object; found {name}: {found}"),
            )
        },
        |field| {
            CommandError::location(5_787_901, format!("Unknown argument for 'n' operator: {field}"))
        },
    )?;
    let n = n.ok_or_else(|| CommandError::location(5_787_906, "Missing value for 'n'"))?;
    let input =
        input.ok_or_else(|| CommandError::location(5_787_907, "Missing value for 'input'"))?;
    Ok([n, input])
}

#[derive(Debug)]
enum Order {
    Ascending,
    Descending,
    ByFields(SortPattern),
}

#[derive(Debug)]
struct SortArray {
    input: Node,
    order: Order,
    by: ValueOrder,
}

impl Operator for SortArray {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        let input = self.input.evaluate(scope)?;
        if is_nullish(&input) {
            return Ok(NULL);
        }
        let mut items = elements(input, |found| {
            CommandError::location(
                2_942_504,
                format!(
                    "The input argument to $sortArray must be an array, but was of type: {}",
                    type_name(found)
                ),
            )
        })?;
        match &self.order {
            Order::Ascending => items.sort_by(|a, b| self.by.compare_bson(a, b)),
            Order::Descending => items.sort_by(|a, b| self.by.compare_bson(b, a)),
            Order::ByFields(pattern) => {
                let mut keyed = Vec::with_capacity(items.len());
                for item in items {
                    let key = match &item {
                        Bson::Document(doc) => pattern.key(DocBuf::from(doc).as_raw())?,
                        _ => pattern.key(RawDoc::EMPTY)?,
                    };
                    keyed.push((key, item));
                }
                keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
                items = keyed.into_iter().map(|(_, item)| item).collect();
            }
        }
        Ok(Some(Bson::Array(items)))
    }
}

fn parse_sort(parser: &mut Parser<'_>, _: &'static str, operands: RawValue<'_>) -> Result<Node> {
    let [input, by] = named(
        operands,
        ["input", "sortBy"],
        |found| {
            CommandError::location(
                2_942_500,
                format!("$sortArray requires an object as an argument, found: {found}"),
            )
        },
        |field| {
            CommandError::location(
                2_942_501,
                format!("$sortArray found an unknown argument: {field}"),
            )
        },
    )?;
    let absent = |number, field: &'static str| {
        move || {
            CommandError::location(number, format!("$sortArray requires '{field}' to be specified"))
        }
    };
    let by = by.ok_or_else(absent(2_942_503, "sortBy"))?;
    let order = match by {
        RawValue::Document(pattern) => {
            Order::ByFields(SortPattern::parse(pattern, &parser.order())?)
        }
        direction => match exact_i64(&direction.to_bson()) {
            Some(1) => Order::Ascending,
            Some(-1) => Order::Descending,
            _ => {
                return Err(CommandError::location(
                    2_942_507,
                    "The $sort element value must be either 1 or -1",
                ));
            }
        },
    };
    let input = parser.required(input, absent(2_942_502, "input"))?;
    let constant = input.is_constant();
    parser.fold_operator(Node::operator(SortArray { input, order, by: parser.order() }), constant)
}
