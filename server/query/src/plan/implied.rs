//! Whether a filter's conditions imply the filter of a partial index.
//!
//! Owns a sound, incomplete proof: it answers yes only when every document that meets the
//! conditions is in the index. Conditions on one path are about the same values, so it is enough
//! that each value one predicate accepts is accepted by the other.

use super::candidate::Conditions;
use crate::filter::{Field, Node, Op, Operand, Predicate, is_nan};
use quire_collation::ValueOrder;

/// Whether all documents that meet `conditions` match `wanted`.
pub(crate) fn implies(conditions: &Conditions<'_>, wanted: &Node) -> bool {
    if holds_directly(conditions, wanted) {
        return true;
    }
    // Or whichever branch of an `$or` a document matches.
    conditions.unions.iter().any(|branches| {
        branches.iter().all(|branch| holds_directly(&conditions.with_branch(branch), wanted))
    })
}

fn holds_directly(conditions: &Conditions<'_>, wanted: &Node) -> bool {
    match wanted {
        Node::And(conjunction) => {
            conjunction.fields().iter().all(|field| field_implied(conditions, field))
                && conjunction.others().iter().all(|node| holds_directly(conditions, node))
        }
        Node::Or(branches) => branches.iter().any(|branch| holds_directly(conditions, branch)),
        Node::Field(field) => field_implied(conditions, field),
        Node::Constant(flag) => *flag,
        Node::Nor(_) | Node::Expr(_) | Node::Schema(_) | Node::Sample(_) | Node::Where(_) => false,
    }
}

fn field_implied(conditions: &Conditions<'_>, wanted: &Field) -> bool {
    let mut same_path = conditions.on_path(wanted.path.as_str());
    // Inside of `$elemMatch` arrays are seen item by item, so those conditions prove nothing here.
    same_path.any(|c| c.within.is_none() && predicate_implies(c.predicate, &wanted.predicate))
}

fn predicate_implies(known: &Predicate, wanted: &Predicate) -> bool {
    if let Predicate::Exists = wanted {
        return is_value_test(known) && !known.matches_missing();
    }
    match known {
        Predicate::Compare(compare) if compare.op() == Op::Eq => {
            is_by_same_order(compare.order(), wanted) && accepts_value(wanted, compare.operand())
        }
        Predicate::Compare(compare) => match wanted {
            Predicate::Compare(target) if target.op() != Op::Eq => {
                compare.order() == target.order()
                    && comparison_implies(
                        (compare.op(), compare.operand()),
                        (target.op(), target.operand()),
                        compare.order(),
                    )
            }
            // Comparisons do not leave the type of their operand.
            Predicate::Type(_) => compare.operand().value().is_number() && has_numbers(wanted),
            _ => false,
        },
        Predicate::In(list) => {
            list.patterns().is_empty()
                && is_by_same_order(list.order(), wanted)
                && list.values().iter().all(|v| accepts_value(wanted, v))
        }
        Predicate::Type(types) => {
            matches!(wanted, Predicate::Type(target) if types.tags().all(|t| target.has_tag(t)))
        }
        Predicate::Regex(pattern) => match wanted {
            Predicate::Regex(target) => {
                pattern.source() == target.source() && pattern.options() == target.options()
            }
            _ => false,
        },
        _ => false,
    }
}

/// Whether values that are equal in `known` are equal to `wanted` too.
fn is_by_same_order(known: &ValueOrder, wanted: &Predicate) -> bool {
    known.collation().is_none()
        || match wanted {
            Predicate::Compare(compare) => compare.order() == known,
            Predicate::In(list) => list.patterns().is_empty() && list.order() == known,
            // Equal strings are strings, and numbers are never concerned.
            Predicate::Type(_) | Predicate::Modulo(_) => true,
            _ => false,
        }
}

/// Predicates that hold when some value on the path satisfies them.
fn is_value_test(predicate: &Predicate) -> bool {
    !matches!(predicate, Predicate::Not(_) | Predicate::All(_) | Predicate::Never)
}

/// Whether a document with `value` on the path is sure to satisfy `wanted`.
fn accepts_value(wanted: &Predicate, value: &Operand) -> bool {
    // Equal to null may also mean missing, which is then what must be accepted.
    let missing_too = value.tag() == 0x0A;
    let single = matches!(
        wanted,
        Predicate::Compare(_) | Predicate::In(_) | Predicate::Type(_) | Predicate::Modulo(_)
    );
    single
        && wanted.matches_single(Some(value.value()), &mut None).unwrap_or(false)
        && (!missing_too || wanted.matches_missing())
        // Equal numbers need not be of one type. (Strings equal symbols too, but nobody writes
        // symbols since decades, and many partial indexes ask for strings.)
        && (!matches!(wanted, Predicate::Type(_)) || !value.value().is_number() || has_numbers(wanted))
}

/// True for a type test that takes every numeric type.
fn has_numbers(wanted: &Predicate) -> bool {
    let Predicate::Type(types) = wanted else { return false };
    [0x01, 0x10, 0x12, 0x13].iter().all(|tag| types.has_tag(*tag))
}

/// `{$gt: 5}` implies `{$gt: 3}`: the values of one lie within those of the other.
fn comparison_implies(known: (Op, &Operand), wanted: (Op, &Operand), order: &ValueOrder) -> bool {
    let up = |op| matches!(op, Op::Gt | Op::Gte);
    let same_class =
        quire_bson::canonical_type(known.1.value()) == quire_bson::canonical_type(wanted.1.value());
    if !same_class || up(known.0) != up(wanted.0) {
        return false;
    }
    if is_nan(known.1.value()) || is_nan(wanted.1.value()) {
        return false;
    }
    let ordering = order.compare(known.1.value(), wanted.1.value());
    let stricter = if up(known.0) { ordering.is_gt() } else { ordering.is_lt() };
    let known_open = matches!(known.0, Op::Gt | Op::Lt);
    let wanted_closed = matches!(wanted.0, Op::Gte | Op::Lte);
    stricter || (ordering.is_eq() && (known_open || wanted_closed))
}
