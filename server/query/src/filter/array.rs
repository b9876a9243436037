//! `$size`, `$all` and `$elemMatch`.

use super::comparison::{Compare, Op, operand};
use super::node::Node;
use super::parse::{self, Context, FieldOperator, Parsed};
use super::pattern::Pattern;
use super::predicate::Predicate;
use super::whole::non_negative;
use quire_bson::{RawDoc, RawElement, RawValue};
use quire_errors::{CommandError, Result};

/// What one item of an array must satisfy.
#[derive(Clone, Debug)]
pub(crate) enum ElemMatch {
    /// `{$elemMatch: {a: 1}}`: an item that is a document matching the filter.
    Document(Box<Node>),
    /// `{$elemMatch: {$gt: 1}}`: an item matching every predicate.
    Value(Vec<Predicate>),
}

impl ElemMatch {
    pub(crate) fn matches(
        &self,
        value: Option<RawValue<'_>>,
        at: &mut Option<usize>,
    ) -> Result<bool> {
        let Some(RawValue::Array(items)) = value else {
            return Ok(false);
        };
        for (position, item) in items.iter().enumerate() {
            if self.matches_item(item)? {
                *at = Some(position);
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn matches_item(&self, item: RawElement<'_>) -> Result<bool> {
        match self {
            ElemMatch::Document(node) => match item.value() {
                // An array is a document whose fields are its positions.
                RawValue::Document(doc) | RawValue::Array(doc) => node.matches(doc, &mut None),
                _ => Ok(false),
            },
            ElemMatch::Value(predicates) => {
                for predicate in predicates {
                    if !predicate.matches_single(Some(item.value()), &mut None)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }
}

pub(super) fn size(operator: &FieldOperator<'_>) -> Parsed {
    let size = non_negative(operator.element)
        .map_err(|why| CommandError::bad_value(format!("Failed to parse $size. {why}")))?;
    // No array is longer than a u64 counts, but a usize may be smaller.
    Ok(Some(Predicate::Size(usize::try_from(size).unwrap_or(usize::MAX))))
}

pub(super) fn elem_match(operator: &FieldOperator<'_>) -> Parsed {
    let RawValue::Document(inner) = operator.element.value() else {
        return Err(CommandError::bad_value("$elemMatch needs an Object"));
    };
    let context = operator.context.inside_elem_match()?;
    let test = if is_value_form(inner) {
        ElemMatch::Value(parse::operators("", inner, &context)?)
    } else {
        ElemMatch::Document(Box::new(parse::document(inner, &context)?))
    };
    Ok(Some(Predicate::ElemMatch(test)))
}

/// `{$gt: 1}` asks for values; `{a: 1}` and `{$or: [...]}` ask for documents.
fn is_value_form(inner: RawDoc<'_>) -> bool {
    parse::is_operators(inner)
        && inner.iter().next().is_some_and(|first| !parse::is_tree_operator(first.key()))
}

pub(super) fn all(operator: &FieldOperator<'_>) -> Parsed {
    let RawValue::Array(items) = operator.element.value() else {
        return Err(CommandError::bad_value("$all needs an array"));
    };
    let Some(first) = items.iter().next() else {
        return Ok(Some(Predicate::Never));
    };
    let predicates = if elem_match_of(first).is_some() {
        let matches = items.iter().map(|item| all_elem_match(operator, item));
        matches.collect::<Result<Vec<Predicate>>>()?
    } else {
        items
            .iter()
            .map(|item| all_value(item, operator.context))
            .collect::<Result<Vec<Predicate>>>()?
    };
    Ok(Some(Predicate::All(predicates)))
}

fn elem_match_of(item: RawElement<'_>) -> Option<RawElement<'_>> {
    let first = item.value().as_document()?.iter().next()?;
    (first.key() == "$elemMatch").then_some(first)
}

fn all_elem_match(operator: &FieldOperator<'_>, item: RawElement<'_>) -> Result<Predicate> {
    let Some(element) = elem_match_of(item) else {
        return Err(CommandError::bad_value("$all/$elemMatch has to be consistent"));
    };
    let inner = FieldOperator { element, ..*operator };
    Ok(elem_match(&inner)?.unwrap_or(Predicate::Never))
}

fn all_value(item: RawElement<'_>, context: &Context<'_>) -> Result<Predicate> {
    match item.value() {
        RawValue::Regex { pattern, options } => {
            Ok(Predicate::Regex(Pattern::new(pattern, options)?))
        }
        RawValue::Document(doc) if parse::is_operators(doc) => {
            Err(CommandError::bad_value("no $ expressions in $all"))
        }
        _ => Ok(Predicate::Compare(Compare::new(Op::Eq, operand(item)?, &context.constants.order))),
    }
}

impl Context<'_> {
    /// The context of what stands inside `$elemMatch`.
    fn inside_elem_match(&self) -> Result<Self> {
        let mut inner = self.deeper()?;
        inner.in_elem_match = true;
        Ok(inner)
    }
}
