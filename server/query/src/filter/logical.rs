//! `$and`, `$or`, `$nor` and `$not`.

use super::node::{Conjunction, Node};
use super::parse::{self, Context, FieldOperator, Parsed};
use super::pattern::Pattern;
use super::predicate::Predicate;
use quire_bson::{RawElement, RawValue};
use quire_errors::{CommandError, Result};

pub(super) fn and(element: RawElement<'_>, context: &Context<'_>) -> Result<Option<Node>> {
    let mut branches = branches(element, context)?;
    match branches.len() {
        1 => Ok(branches.pop()),
        _ => Ok(Some(Node::And(Conjunction::new(branches)))),
    }
}

pub(super) fn or(element: RawElement<'_>, context: &Context<'_>) -> Result<Option<Node>> {
    let mut branches = branches(element, context)?;
    match branches.len() {
        1 => Ok(branches.pop()),
        _ => Ok(Some(Node::Or(branches))),
    }
}

pub(super) fn nor(element: RawElement<'_>, context: &Context<'_>) -> Result<Option<Node>> {
    Ok(Some(Node::Nor(branches(element, context)?)))
}

fn branches(element: RawElement<'_>, context: &Context<'_>) -> Result<Vec<Node>> {
    let RawValue::Array(items) = element.value() else {
        return Err(CommandError::bad_value(format!("{} must be an array", element.key())));
    };
    if items.is_empty() {
        return Err(CommandError::bad_value("$and/$or/$nor must be a nonempty array"));
    }
    let context = context.deeper()?;
    let branch = |item: RawElement<'_>| match item.value() {
        RawValue::Document(filter) => parse::document(filter, &context),
        _ => Err(CommandError::bad_value("$or/$and/$nor entries need to be full objects")),
    };
    items.iter().map(branch).collect()
}

pub(super) fn not(operator: &FieldOperator<'_>) -> Parsed {
    let mut predicates = match operator.element.value() {
        RawValue::Regex { pattern, options } => {
            vec![Predicate::Regex(Pattern::new(pattern, options)?)]
        }
        RawValue::Document(inner) if inner.is_empty() => {
            return Err(CommandError::bad_value("$not cannot be empty"));
        }
        RawValue::Document(inner) => parse::operators(operator.path, inner, operator.context)?,
        _ => return Err(CommandError::bad_value("$not needs a regex or a document")),
    };
    let inner = match predicates.len() {
        1 => predicates.remove(0),
        _ => Predicate::All(predicates),
    };
    Ok(Some(inner.negated()))
}
