//! A parsed filter as BSON again: explain's `parsedQuery`, and `specifiedAs` in validation errors.
//!
//! The document parses back to an equal filter, but spells it out: `{a: 1}` is `{a: {$eq: 1}}`, and
//! several conditions stand under `$and`.

use super::array::ElemMatch;
use super::node::{Field, Node};
use super::predicate::Predicate;
use quire_bson::{DocBuilder, RawValue};

/// Writes the tree's fields into an open document.
pub(super) fn node(node: &Node, out: &mut DocBuilder) {
    match node {
        Node::And(conjunction) => {
            let fields = conjunction.fields();
            let others = conjunction.others();
            match (fields, others) {
                ([], []) => {}
                ([one], []) => field(one, out),
                ([], [one]) => self::node(one, out),
                _ => {
                    out.append_array("$and", |list| {
                        for one in fields {
                            list.push_with(|b| field(one, b));
                        }
                        for one in others {
                            list.push_with(|b| self::node(one, b));
                        }
                    });
                }
            }
        }
        Node::Or(branches) => list("$or", branches, out),
        Node::Nor(branches) => list("$nor", branches, out),
        Node::Field(one) => field(one, out),
        Node::Expr(expr) => {
            out.append("$expr", expr.source.value());
        }
        Node::Schema(schema) => {
            out.append_doc("$jsonSchema", schema.source());
        }
        Node::Sample(sample) => {
            out.append_f64("$sampleRate", sample.rate);
        }
        Node::Where(script) => {
            out.append("$where", RawValue::Code(script.source()));
        }
        Node::Constant(flag) => {
            out.append_i32(if *flag { "$alwaysTrue" } else { "$alwaysFalse" }, 1);
        }
    }
}

fn list(name: &str, branches: &[Node], out: &mut DocBuilder) {
    out.append_array(name, |list| {
        for branch in branches {
            list.push_with(|b| node(branch, b));
        }
    });
}

pub(super) fn field(field: &Field, out: &mut DocBuilder) {
    match &field.predicate {
        Predicate::Never => {
            out.append_i32("$alwaysFalse", 1);
        }
        predicate => {
            out.append_with(field.path.as_str(), |b| operator(predicate, b));
        }
    }
}

/// Writes a predicate's operators into the operator document of its field.
fn operator(predicate: &Predicate, out: &mut DocBuilder) {
    match predicate {
        Predicate::Compare(compare) => {
            out.append(compare.op().name(), compare.operand().value());
        }
        Predicate::In(values) => {
            out.append_array("$in", |list| values.write_values(list));
        }
        Predicate::Exists => {
            out.append_bool("$exists", true);
        }
        Predicate::Type(types) => {
            out.append_array("$type", |list| types.write_codes(list));
        }
        Predicate::Modulo(modulo) => {
            let (divisor, remainder) = modulo.parts();
            out.append_array("$mod", |list| {
                list.push(RawValue::Int64(divisor)).push(RawValue::Int64(remainder));
            });
        }
        Predicate::Regex(pattern) => {
            out.append_str("$regex", pattern.source());
            if !pattern.options().is_empty() {
                out.append_str("$options", pattern.options());
            }
        }
        Predicate::Bits(bits) => {
            out.append_array(bits.name(), |list| bits.write_positions(list));
        }
        Predicate::Size(size) => {
            out.append_i64("$size", i64::try_from(*size).unwrap_or(i64::MAX));
        }
        Predicate::ElemMatch(ElemMatch::Document(inner)) => {
            out.append_with("$elemMatch", |b| node(inner, b));
        }
        Predicate::ElemMatch(ElemMatch::Value(all)) => {
            out.append_with("$elemMatch", |b| all.iter().for_each(|one| operator(one, b)));
        }
        Predicate::Not(inner) => {
            out.append_with("$not", |b| operator(inner, b));
        }
        Predicate::All(all) => all.iter().for_each(|one| operator(one, out)),
        Predicate::Never => {
            out.append_array("$in", |_| {});
        }
    }
}
