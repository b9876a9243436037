//! Operators that MongoDB has and this server has not: refused by name, never ignored.

use super::node::Node;
use super::parse::{Context, FieldOperator, Parsed};
use quire_bson::RawElement;
use quire_errors::{Code, CommandError, Result};

fn refused(name: &str) -> CommandError {
    CommandError::new(
        Code::NotImplemented,
        format!("the query operator {name} is not available on this server"),
    )
}

pub(super) fn field(operator: &FieldOperator<'_>) -> Parsed {
    Err(refused(operator.element.key()))
}

pub(super) fn tree(element: RawElement<'_>, _: &Context<'_>) -> Result<Option<Node>> {
    Err(refused(element.key()))
}
