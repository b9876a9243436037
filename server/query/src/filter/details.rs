//! Why a document does not match, for the `errInfo` of a failed validation.
//!
//! Owns the shape that MongoDB gives such an explanation: an operator name, what was specified, the
//! reason, and the values that were considered, nested as the filter is.

use super::array::ElemMatch;
use super::node::{Conjunction, Field, Node};
use super::predicate::{Place, Predicate};
use super::show;
use crate::path::LeafArrays;
use quire_bson::{Bson, DocBuilder, Document, RawDoc, RawValue, doc};
use quire_errors::Result;

/// The values of an array that are shown, at most.
const VALUES_MAX: usize = 10;

/// The explanation of a document that `node` does not match.
pub(super) fn of_node(node: &Node, doc: RawDoc<'_>) -> Result<Document> {
    Ok(match node {
        Node::And(conjunction) => of_conjunction(conjunction, doc)?,
        Node::Or(branches) => doc! {
            "operatorName": "$or",
            "clausesNotSatisfied": of_clauses(branches, doc)?,
        },
        Node::Nor(branches) => {
            let mut satisfied = Vec::new();
            for (n, branch) in branches.iter().enumerate() {
                if branch.matches(doc, &mut None)? {
                    satisfied.push(clause(n, inverted(branch)));
                }
            }
            doc! { "operatorName": "$nor", "clausesSatisfied": satisfied }
        }
        Node::Field(field) => of_field(field, doc)?,
        Node::Expr(expr) => doc! {
            "operatorName": "$expr",
            "specifiedAs": { "$expr": expr.source.value().to_bson() },
            "reason": "expression did not match",
            "expressionResult": expr.expression.evaluate(doc)?.unwrap_or(Bson::Null),
        },
        Node::Schema(schema) => schema.details(doc)?,
        Node::Sample(sample) => doc! {
            "operatorName": "$sampleRate",
            "specifiedAs": { "$sampleRate": sample.rate },
            "reason": "document was not sampled",
        },
        // No validator has one.
        Node::Where(_) => doc! { "operatorName": "$where", "reason": "script did not match" },
        Node::Constant(_) => doc! {
            "operatorName": "$alwaysFalse",
            "specifiedAs": { "$alwaysFalse": 1 },
            "reason": "expression always evaluates to false",
        },
    })
}

fn of_conjunction(conjunction: &Conjunction, doc: RawDoc<'_>) -> Result<Document> {
    match (conjunction.fields(), conjunction.others()) {
        ([field], []) => return of_field(field, doc),
        ([], [node]) => return of_node(node, doc),
        _ => {}
    }
    let mut clauses = Vec::new();
    for (n, field) in conjunction.fields().iter().enumerate() {
        if !field.predicate.matches(Place::Document(doc, &field.path), &mut None)? {
            clauses.push(clause(n, of_field(field, doc)?));
        }
    }
    for (n, node) in conjunction.others().iter().enumerate() {
        if !node.matches(doc, &mut None)? {
            clauses.push(clause(conjunction.fields().len() + n, of_node(node, doc)?));
        }
    }
    Ok(doc! { "operatorName": "$and", "clausesNotSatisfied": clauses })
}

fn of_clauses(branches: &[Node], doc: RawDoc<'_>) -> Result<Vec<Document>> {
    let mut clauses = Vec::new();
    for (n, branch) in branches.iter().enumerate() {
        clauses.push(clause(n, of_node(branch, doc)?));
    }
    Ok(clauses)
}

fn clause(index: usize, details: Document) -> Document {
    doc! { "index": i32::try_from(index).unwrap_or(i32::MAX), "details": details }
}

/// The explanation of a condition that holds and should not.
fn inverted(node: &Node) -> Document {
    doc! {
        "specifiedAs": specified(|b| show::node(node, b)),
        "reason": "expression matched",
    }
}

fn specified(write: impl FnOnce(&mut DocBuilder)) -> Document {
    let mut builder = DocBuilder::new();
    write(&mut builder);
    builder.finish().as_raw().to_document()
}

fn of_field(field: &Field, doc: RawDoc<'_>) -> Result<Document> {
    let (operator, reason) = reason(&field.predicate);
    let mut details = doc! {
        "operatorName": operator,
        "specifiedAs": specified(|b| show::field(field, b)),
    };
    let (values, missing) = considered(field, doc)?;
    if values.is_empty() && missing && !matches!(field.predicate, Predicate::Not(_)) {
        let absent = match field.predicate {
            Predicate::Exists => "path does not exist",
            _ => "field was missing",
        };
        details.insert("reason", absent);
        return Ok(details);
    }
    details.insert("reason", reason);
    match values.as_slice() {
        [] => {}
        [value] => {
            details.insert("consideredValue", value.clone());
            if let Predicate::Type(_) = field.predicate {
                details.insert("consideredType", type_name(value));
            }
        }
        _ => {
            details.insert("consideredValues", values);
        }
    }
    Ok(details)
}

/// The values that a path leads to, and whether it leads to a missing one.
fn considered(field: &Field, doc: RawDoc<'_>) -> Result<(Vec<Bson>, bool)> {
    let mut values = Vec::new();
    let mut missing = false;
    field.path.any(doc, LeafArrays::Items, &mut |value: Option<RawValue<'_>>, _| {
        match value {
            Some(value) if values.len() < VALUES_MAX => values.push(value.to_bson()),
            Some(_) => {}
            None => missing = true,
        }
        Ok::<bool, quire_errors::CommandError>(false)
    })?;
    Ok((values, missing))
}

fn type_name(value: &Bson) -> String {
    let buf = quire_bson::DocBuf::of_value(value);
    let first = buf.as_raw().iter().next();
    first.map_or("missing", |element| element.value().type_name()).to_owned()
}

fn reason(predicate: &Predicate) -> (&'static str, &'static str) {
    match predicate {
        Predicate::Compare(compare) => (compare.op().name(), "comparison failed"),
        Predicate::In(_) => ("$in", "no matching value found in array"),
        Predicate::Exists => ("$exists", "path does not exist"),
        Predicate::Type(_) => ("$type", "type did not match"),
        Predicate::Modulo(_) => ("$mod", "$mod did not evaluate to expected remainder"),
        Predicate::Regex(_) => ("$regex", "regular expression did not match"),
        Predicate::Bits(bits) => (bits.name(), "bitwise operator failed to match"),
        Predicate::Size(_) => ("$size", "array length was not equal to given size"),
        Predicate::ElemMatch(ElemMatch::Document(_) | ElemMatch::Value(_)) => {
            ("$elemMatch", "array did not satisfy the child predicate")
        }
        Predicate::Not(inner) => match &**inner {
            Predicate::Compare(compare) if compare.op().name() == "$eq" => {
                ("$ne", "comparison succeeded")
            }
            Predicate::In(_) => ("$nin", "matching value found in array"),
            Predicate::Exists => ("$exists", "path does exist"),
            _ => ("$not", "child expression matched"),
        },
        Predicate::All(_) => ("$all", "array did not contain all specified values"),
        Predicate::Never => ("$alwaysFalse", "expression always evaluates to false"),
    }
}
