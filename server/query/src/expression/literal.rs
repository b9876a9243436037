//! `$literal`, `$const`, `$let`, and the operators this server knows but does not have.

use super::arguments::named;
use super::node::{Node, Operator, Scope, evaluate_all};
use super::parser::Parser;
use super::table::{Family, Syntax};
use super::value::Value;
use super::variables;
use quire_bson::RawValue;
use quire_errors::{Code, CommandError, Result};

pub(super) const TABLE: Family = &[
    ("$const", Syntax::Own(parse_literal)),
    ("$let", Syntax::Own(parse_let)),
    ("$literal", Syntax::Own(parse_literal)),
    ("$median", Syntax::Own(refuse)),
    ("$meta", Syntax::Own(refuse)),
    ("$percentile", Syntax::Own(refuse)),
    ("$toHashedIndexKey", Syntax::Own(refuse)),
];

fn parse_literal(_: &mut Parser<'_>, _: &'static str, operand: RawValue<'_>) -> Result<Node> {
    Ok(Node::Constant(Some(operand.to_bson())))
}

fn refuse(_: &mut Parser<'_>, name: &'static str, _: RawValue<'_>) -> Result<Node> {
    Err(CommandError::new(
        Code::CommandNotSupported,
        format!("The expression {name} is not supported by this server"),
    ))
}

#[derive(Debug)]
struct Let {
    values: Vec<Node>,
    body: Node,
}

impl Operator for Let {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        // All values are computed before the first variable exists: they cannot see each other.
        let values = evaluate_all(&self.values, scope)?;
        scope.with_all(values, &self.body)
    }
}

fn parse_let(parser: &mut Parser<'_>, _: &'static str, operands: RawValue<'_>) -> Result<Node> {
    let [vars, body] = named(
        operands,
        ["vars", "in"],
        |_| CommandError::location(16874, "$let only supports an object as its argument"),
        |field| CommandError::location(16875, format!("Unrecognized parameter to $let: {field}")),
    )?;
    let vars =
        vars.ok_or_else(|| CommandError::location(16876, "Missing 'vars' parameter to $let"))?;
    let body =
        body.ok_or_else(|| CommandError::location(16877, "Missing 'in' parameter to $let"))?;
    let RawValue::Document(vars) = vars else {
        return Err(CommandError::location(10065, "invalid parameter: expected an object (vars)"));
    };
    let mut names = Vec::new();
    let mut values = Vec::new();
    for variable in vars {
        variables::validate_for_write(variable.key())?;
        names.push(variable.key());
        values.push(parser.operand(variable.value())?);
    }
    let body = parser.with_variables(&names, |parser| parser.operand(body))?;
    if body.is_constant() {
        return Ok(body);
    }
    Ok(Node::operator(Let { values, body }))
}
