//! `$and`, `$or`, `$not`.

use super::node::{Node, Operator, Scope};
use super::table::{Family, Syntax};
use super::value::{Value, boolean, is_true};
use quire_errors::Result;

pub(super) const TABLE: Family = &[
    (
        "$and",
        Syntax::Own(|parser, _, operands| {
            let operands = parser.list(operands)?;
            parse(parser, operands, false)
        }),
    ),
    (
        "$or",
        Syntax::Own(|parser, _, operands| {
            let operands = parser.list(operands)?;
            parse(parser, operands, true)
        }),
    ),
    ("$not", Syntax::Unary(|value| Ok(boolean(!is_true(value.as_ref()))))),
];

fn parse(parser: &super::parser::Parser<'_>, operands: Vec<Node>, decider: bool) -> Result<Node> {
    let constant = operands.iter().all(Node::is_constant);
    parser.fold_operator(Node::operator(Junction { operands, decider }), constant)
}

/// Both junctions: the first operand whose truth is `decider` decides, and the rest is not looked at.
#[derive(Debug)]
struct Junction {
    operands: Vec<Node>,
    decider: bool,
}

impl Operator for Junction {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        for operand in &self.operands {
            if is_true(operand.evaluate(scope)?.as_ref()) == self.decider {
                return Ok(boolean(self.decider));
            }
        }
        Ok(boolean(!self.decider))
    }
}
