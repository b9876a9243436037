//! `$cond`, `$ifNull`, `$switch`: only the branch that counts is evaluated.

use super::arguments::named;
use super::node::{Node, Operator, Scope};
use super::parser::Parser;
use super::table::{Family, Syntax};
use super::value::{Value, is_nullish, is_true};
use quire_bson::{RawDoc, RawValue};
use quire_errors::{CommandError, Result};

pub(super) const TABLE: Family = &[
    ("$cond", Syntax::Own(parse_cond)),
    ("$ifNull", Syntax::Own(parse_if_null)),
    ("$switch", Syntax::Own(parse_switch)),
];

#[derive(Debug)]
struct Branches {
    branches: Vec<(Node, Node)>,
    /// `None` makes it an error that no branch matches.
    default: Option<Node>,
}

impl Operator for Branches {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        for (case, then) in &self.branches {
            if is_true(case.evaluate(scope)?.as_ref()) {
                return then.evaluate(scope);
            }
        }
        match &self.default {
            Some(default) => default.evaluate(scope),
            None => Err(CommandError::location(
                40066,
                "$switch could not find a matching branch for an input, and no default was \
                 specified.",
            )),
        }
    }
}

impl Branches {
    /// A branch whose case is constant is decided now.
    fn simplify(mut self) -> Node {
        while let Some((case, _)) = self.branches.first() {
            let Some(case) = case.as_constant() else { break };
            let taken = is_true(case.as_ref());
            let (_, then) = self.branches.remove(0);
            if taken {
                return then;
            }
        }
        match self.default {
            Some(default) if self.branches.is_empty() => default,
            _ => Node::operator(self),
        }
    }
}

fn parse_cond(parser: &mut Parser<'_>, name: &'static str, operands: RawValue<'_>) -> Result<Node> {
    let RawValue::Document(_) = operands else {
        let [case, then, default] = parser.exactly(name, operands)?;
        return Ok(Branches { branches: vec![(case, then)], default: Some(default) }.simplify());
    };
    let [case, then, default] = named(
        operands,
        ["if", "then", "else"],
        |found| CommandError::internal(format!("$cond found {found}")),
        |field| CommandError::location(17083, format!("Unrecognized parameter to $cond: {field}")),
    )?;
    let missing = |number, field: &'static str| {
        move || CommandError::location(number, format!("Missing '{field}' parameter to $cond"))
    };
    let case = parser.required(case, missing(17080, "if"))?;
    let then = parser.required(then, missing(17081, "then"))?;
    let default = parser.required(default, missing(17082, "else"))?;
    Ok(Branches { branches: vec![(case, then)], default: Some(default) }.simplify())
}

#[derive(Debug)]
struct IfNull(Vec<Node>);

impl Operator for IfNull {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        let mut last = None;
        for operand in &self.0 {
            last = operand.evaluate(scope)?;
            if !is_nullish(&last) {
                break;
            }
        }
        Ok(last)
    }
}

fn parse_if_null(parser: &mut Parser<'_>, _: &'static str, operands: RawValue<'_>) -> Result<Node> {
    let operands = parser.list(operands)?;
    if operands.len() < 2 {
        return Err(CommandError::location(
            1_257_300,
            format!("$ifNull needs at least two arguments, had: {}", operands.len()),
        ));
    }
    let constant = operands.iter().all(Node::is_constant);
    parser.fold_operator(Node::operator(IfNull(operands)), constant)
}

fn parse_switch(parser: &mut Parser<'_>, _: &'static str, operands: RawValue<'_>) -> Result<Node> {
    let [branches, default] = named(
        operands,
        ["branches", "default"],
        |found| {
            CommandError::location(
                40060,
                format!("$switch requires an object as an argument, found: {found}"),
            )
        },
        |field| {
            CommandError::location(40067, format!("$switch found an unknown argument: {field}"))
        },
    )?;
    let branches = match branches {
        None => RawDoc::EMPTY,
        Some(RawValue::Array(branches)) => branches,
        Some(other) => {
            return Err(CommandError::location(
                40061,
                format!("$switch expected an array for 'branches', found: {}", other.type_name()),
            ));
        }
    };
    let branches: Vec<_> =
        branches.iter().map(|e| parse_branch(parser, e.value())).collect::<Result<_>>()?;
    let default = parser.optional(default)?;
    if branches.is_empty() {
        return Err(CommandError::location(40068, "$switch requires at least one branch."));
    }
    Ok(Branches { branches, default }.simplify())
}

fn parse_branch(parser: &mut Parser<'_>, branch: RawValue<'_>) -> Result<(Node, Node)> {
    let [case, then] = named(
        branch,
        ["case", "then"],
        |found| {
            CommandError::location(
                40062,
                format!("$switch expected each branch to be an object, found: {found}"),
            )
        },
        |field| {
            CommandError::location(
                40063,
                format!("$switch found an unknown argument to a branch: {field}"),
            )
        },
    )?;
    let case = parser.required(case, || {
        CommandError::location(40064, "$switch requires each branch have a 'case' expression")
    })?;
    let then = parser.required(then, || {
        CommandError::location(40065, "$switch requires each branch have a 'then' expression.")
    })?;
    Ok((case, then))
}
