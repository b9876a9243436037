//! Filters: which documents a query means.
//!
//! Owns the match language: a filter is parsed once into a tree ([`node`], [`predicate`]) and then
//! asked about raw documents without decoding them. Operators live in their families' files and are
//! named in the tables of [`parse`]. Never looks at a collection or an index; the planner reads the
//! tree through the accessors at the end of this file.

mod array;
mod bits;
mod comparison;
mod details;
mod element;
mod evaluation;
mod logical;
mod modulo;
mod node;
mod operand;
mod parse;
mod pattern;
mod predicate;
mod schema;
mod script;
mod show;
mod unavailable;
mod whole;

pub(crate) use array::ElemMatch;
pub(crate) use comparison::{In, Op, is_nan};
pub(crate) use element::TypeSet;
pub(crate) use node::{Conjunction, Field, Node};
pub(crate) use operand::Operand;
pub(crate) use pattern::Pattern;
pub(crate) use predicate::Predicate;

use crate::Constants;
use parse::Context;
use predicate::Place;
use quire_bson::{Bson, DocBuf, DocBuilder, RawDoc, RawValue, doc};
use quire_collation::ValueOrder;
use quire_errors::Result;
use std::sync::Arc;

/// A parsed filter.
#[derive(Clone, Debug)]
pub struct Filter {
    root: Node,
    order: ValueOrder,
}

impl Filter {
    pub fn parse(filter: RawDoc<'_>, constants: &Arc<Constants>) -> Result<Filter> {
        let root = parse::document(filter, &Context::new(constants))?;
        Ok(Filter { root, order: constants.order.clone() })
    }

    /// Parses what a client asks a collection, which alone may have `$where`.
    pub fn parse_query(filter: RawDoc<'_>, constants: &Arc<Constants>) -> Result<Filter> {
        let root = parse::document(filter, &Context::of_query(constants))?;
        Ok(Filter { root, order: constants.order.clone() })
    }

    /// The filter that every document matches.
    pub fn everything() -> Filter {
        Filter { root: Node::And(Conjunction::default()), order: ValueOrder::BYTES }
    }

    /// Whether every document matches, seen without looking at any.
    pub fn is_everything(&self) -> bool {
        match &self.root {
            Node::And(conjunction) => conjunction.len() == 0,
            Node::Constant(flag) => *flag,
            _ => false,
        }
    }

    pub fn matches(&self, doc: RawDoc<'_>) -> Result<bool> {
        self.root.matches(doc, &mut None)
    }

    /// Like `matches`, and tells which element of an array matched first: what `$` in an update or
    /// projection stands for.
    pub fn matches_at(&self, doc: RawDoc<'_>, position: &mut Option<usize>) -> Result<bool> {
        *position = None;
        let matched = self.root.matches(doc, position)?;
        if !matched {
            *position = None;
        }
        Ok(matched)
    }

    /// The `path: value` pairs that a matching document must equal, from which an upsert starts.
    pub fn equalities(&self) -> Vec<(String, Bson)> {
        let mut found = Vec::new();
        collect_equalities(&self.root, &mut found);
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        found
    }

    /// The filter spelled out, as explain shows it in `parsedQuery`.
    pub fn to_bson(&self) -> DocBuf {
        let mut builder = DocBuilder::new();
        show::node(&self.root, &mut builder);
        builder.finish()
    }

    /// Why a document does not match: the `errInfo` of a document that fails validation, with
    /// `failingDocumentId` and `details`.
    pub fn failed_details(&self, doc: RawDoc<'_>) -> Result<DocBuf> {
        let id = doc.get("_id").map_or(Bson::Null, RawValue::to_bson);
        let details = details::of_node(&self.root, doc)?;
        Ok(DocBuf::from(&doc! { "failingDocumentId": id, "details": details }))
    }

    /// The order by which it compares.
    pub fn order(&self) -> &ValueOrder {
        &self.order
    }

    pub(crate) fn root(&self) -> &Node {
        &self.root
    }
}

fn collect_equalities(node: &Node, found: &mut Vec<(String, Bson)>) {
    match node {
        Node::And(conjunction) => {
            conjunction.fields().iter().for_each(|field| field_equality(field, found));
            conjunction.others().iter().for_each(|node| collect_equalities(node, found));
        }
        Node::Field(field) => field_equality(field, found),
        Node::Or(_)
        | Node::Nor(_)
        | Node::Expr(_)
        | Node::Schema(_)
        | Node::Sample(_)
        | Node::Where(_)
        | Node::Constant(_) => {}
    }
}

fn field_equality(field: &Field, found: &mut Vec<(String, Bson)>) {
    let operand = match &field.predicate {
        Predicate::Compare(compare) if compare.op() == Op::Eq => compare.operand(),
        Predicate::In(list) => match (list.values(), list.patterns()) {
            ([one], []) => one,
            _ => return,
        },
        _ => return,
    };
    found.push((field.path.as_str().to_owned(), operand.value().to_bson()));
}

/// A filter on one value instead of a document: `{$gt: 3}` as in `$pull`.
#[derive(Clone, Debug)]
pub struct ValueFilter {
    predicates: Vec<Predicate>,
}

impl ValueFilter {
    /// Parses an operator document such as `{$gt: 3, $lt: 5}`.
    pub fn parse(operators: RawDoc<'_>, constants: &Arc<Constants>) -> Result<ValueFilter> {
        Ok(ValueFilter { predicates: parse::operators("", operators, &Context::new(constants))? })
    }

    /// Whether the value matches, as a field with this value would: an array also through its
    /// items.
    pub fn matches(&self, value: RawValue<'_>) -> Result<bool> {
        for predicate in &self.predicates {
            if !predicate.matches(Place::Value(value), &mut None)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether a document is made of operators (`{$gt: 3}`) rather than being a value to compare with.
pub fn is_operator_document(doc: RawDoc<'_>) -> bool {
    parse::is_operators(doc)
}

#[cfg(test)]
mod tests;
