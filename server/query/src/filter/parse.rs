//! From a filter document to its tree.
//!
//! Owns the two tables that name every operator: those that stand where a field name could
//! (`$and`, `$expr`, ...) and those that stand inside a field's operator document (`$gt`, ...). An
//! operator is a line here and a function in its family's file.

use super::comparison::{Compare, Op};
use super::node::{Conjunction, Field, Node};
use super::operand::Operand;
use super::pattern::Pattern;
use super::predicate::Predicate;
use super::{array, bits, comparison, element, evaluation, logical, modulo, script, unavailable};
use crate::Constants;
use crate::path::FieldPath;
use quire_bson::{RawDoc, RawElement, RawValue};
use quire_errors::{CommandError, Result};
use std::sync::Arc;

/// How deep filters may nest.
const DEPTH_MAX: usize = 100;

/// Where the parser stands.
#[derive(Clone, Copy)]
pub(crate) struct Context<'c> {
    pub(crate) constants: &'c Arc<Constants>,
    pub(crate) in_elem_match: bool,
    /// Whether `$where` may stand here.
    pub(crate) scripts_allowed: bool,
    depth: usize,
}

impl<'c> Context<'c> {
    pub(crate) fn new(constants: &'c Arc<Constants>) -> Context<'c> {
        Context { constants, in_elem_match: false, scripts_allowed: false, depth: 0 }
    }

    /// The context of a question that a client asks.
    pub(crate) fn of_query(constants: &'c Arc<Constants>) -> Context<'c> {
        Context { scripts_allowed: true, ..Context::new(constants) }
    }

    pub(crate) fn deeper(&self) -> Result<Self> {
        if self.depth >= DEPTH_MAX {
            return Err(CommandError::bad_value(format!(
                "exceeded maximum query tree depth of {DEPTH_MAX}"
            )));
        }
        Ok(Context { depth: self.depth + 1, ..*self })
    }
}

/// One operator of a field: `$gt: 3` in `{a: {$gt: 3, $lt: 5}}`.
#[derive(Clone, Copy)]
pub(crate) struct FieldOperator<'a> {
    pub(crate) path: &'a str,
    pub(crate) element: RawElement<'a>,
    /// The operator document that the element stands in.
    pub(crate) siblings: RawDoc<'a>,
    pub(crate) context: &'a Context<'a>,
}

/// A field operator's predicate; none when another operator covers it (`$options`).
pub(super) type Parsed = Result<Option<Predicate>>;

type FieldParser = for<'a> fn(&FieldOperator<'a>) -> Parsed;
type TreeParser = fn(RawElement<'_>, &Context<'_>) -> Result<Option<Node>>;

const FIELD_OPERATORS: &[(&str, FieldParser)] = &[
    ("$all", array::all),
    ("$bitsAllClear", bits::all_clear),
    ("$bitsAllSet", bits::all_set),
    ("$bitsAnyClear", bits::any_clear),
    ("$bitsAnySet", bits::any_set),
    ("$elemMatch", array::elem_match),
    ("$eq", comparison::eq),
    ("$exists", element::exists),
    ("$geoIntersects", unavailable::field),
    ("$geoNear", unavailable::field),
    ("$geoWithin", unavailable::field),
    ("$gt", comparison::gt),
    ("$gte", comparison::gte),
    ("$in", comparison::is_in),
    ("$lt", comparison::lt),
    ("$lte", comparison::lte),
    ("$maxDistance", unavailable::field),
    ("$minDistance", unavailable::field),
    ("$mod", modulo::modulo),
    ("$ne", comparison::ne),
    ("$near", unavailable::field),
    ("$nearSphere", unavailable::field),
    ("$nin", comparison::not_in),
    ("$not", logical::not),
    ("$options", super::pattern::options),
    ("$regex", super::pattern::regex),
    ("$size", array::size),
    ("$type", element::of_type),
    ("$within", unavailable::field),
];

const TREE_OPERATORS: &[(&str, TreeParser)] = &[
    ("$alwaysFalse", evaluation::always_false),
    ("$alwaysTrue", evaluation::always_true),
    ("$and", logical::and),
    ("$comment", evaluation::comment),
    ("$expr", evaluation::expr),
    ("$jsonSchema", evaluation::json_schema),
    ("$nor", logical::nor),
    ("$or", logical::or),
    ("$sampleRate", evaluation::sample_rate),
    ("$text", unavailable::tree),
    ("$where", script::parse),
];

pub(crate) fn is_tree_operator(name: &str) -> bool {
    TREE_OPERATORS.iter().any(|(known, _)| *known == name)
}

/// Parses a whole filter document.
pub(crate) fn document(filter: RawDoc<'_>, context: &Context<'_>) -> Result<Node> {
    let mut nodes = Vec::new();
    for element in filter {
        let name = element.key();
        if !name.starts_with('$') {
            field(element, context, &mut nodes)?;
            continue;
        }
        let Some((_, parser)) = TREE_OPERATORS.iter().find(|(known, _)| *known == name) else {
            return Err(CommandError::bad_value(format!(
                "unknown top level operator: {name}. If you have a field name that starts with a \
                 '$' symbol, consider using $getField or $setField."
            )));
        };
        nodes.extend(parser(element, context)?);
    }
    // A filter with one condition that is no field is that condition: planning looks for `$or`.
    match nodes.as_slice() {
        [Node::Field(_)] | [] => Ok(Node::And(Conjunction::new(nodes))),
        [_] => Ok(nodes.remove(0)),
        _ => Ok(Node::And(Conjunction::new(nodes))),
    }
}

/// Parses what a filter says of one field: operators, a pattern, or a value to equal.
fn field(element: RawElement<'_>, context: &Context<'_>, nodes: &mut Vec<Node>) -> Result<()> {
    let path = FieldPath::new(element.key());
    let predicates = match element.value() {
        RawValue::Document(inner) if is_operators(inner) => {
            operators(path.as_str(), inner, context)?
        }
        RawValue::Regex { pattern, options } => {
            vec![Predicate::Regex(Pattern::new(pattern, options)?)]
        }
        _ => vec![equal(element, context)?],
    };
    nodes.extend(
        predicates
            .into_iter()
            .map(|predicate| Node::Field(Field { path: path.clone(), predicate })),
    );
    Ok(())
}

fn equal(element: RawElement<'_>, context: &Context<'_>) -> Result<Predicate> {
    let operand: Operand = comparison::operand(element)?;
    Ok(Predicate::Compare(Compare::new(Op::Eq, operand, &context.constants.order)))
}

/// True for a document that begins with an operator and is no DBRef.
pub(crate) fn is_operators(doc: RawDoc<'_>) -> bool {
    let Some(first) = doc.iter().next() else {
        return false;
    };
    first.key_bytes().starts_with(b"$") && !is_db_ref(doc)
}

/// `{$ref: ..., $id: ...}`: a value, although its names look like operators.
fn is_db_ref(doc: RawDoc<'_>) -> bool {
    doc.get("$ref").is_some() && doc.get("$id").is_some()
}

/// Parses an operator document into predicates that must all hold.
pub(crate) fn operators(
    path: &str,
    operators: RawDoc<'_>,
    context: &Context<'_>,
) -> Result<Vec<Predicate>> {
    let context = context.deeper()?;
    let mut predicates = Vec::new();
    for element in operators {
        let name = element.key();
        let Some((_, parser)) = FIELD_OPERATORS.iter().find(|(known, _)| *known == name) else {
            return Err(unknown_operator(element));
        };
        let operator = FieldOperator { path, element, siblings: operators, context: &context };
        match parser(&operator)? {
            // All of several is what the list means already.
            Some(Predicate::All(all)) => predicates.extend(all),
            Some(predicate) => predicates.push(predicate),
            None => {}
        }
    }
    Ok(predicates)
}

fn unknown_operator(element: RawElement<'_>) -> CommandError {
    let name = element.key();
    if name == "$expr" {
        return CommandError::bad_value("$expr can only be applied to the top-level document");
    }
    CommandError::bad_value(format!("unknown operator: {name}"))
}
