//! When a new index is one that is there already, and when it is in the way of one.

use quire_bson::{RawDoc, RawValue, compare_docs, shell_text};
use quire_documents::{Index, IndexSpec};
use quire_errors::{Code, CommandError};
use std::cmp::Ordering;
use std::sync::Arc;

/// What stands against creating an index.
#[derive(Debug)]
pub enum Conflict {
    /// It is there already.
    Same(Arc<Index>),
    Refused(CommandError),
}

/// How a wanted index relates to one that is there, names left aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    /// Both may exist.
    Different,
    /// They hold the same entries but differ in another option.
    Equivalent,
    Identical,
}

/// Compares a wanted index with all that are there.
pub fn compare(indexes: &[Arc<Index>], wanted: &IndexSpec) -> Option<Conflict> {
    if let Some(there) = indexes.iter().find(|index| index.spec.name == wanted.name) {
        return Some(match relation(&there.spec, wanted) {
            Relation::Identical => Conflict::Same(there.clone()),
            Relation::Equivalent => options_conflict(
                "An equivalent index already exists with the same name but different options.",
                wanted,
                &there.spec,
            ),
            Relation::Different => Conflict::Refused(CommandError::new(
                Code::IndexKeySpecsConflict,
                format!(
                    "An existing index has the same name as the requested index. When index names \
                     are not specified, they are auto generated and can cause conflicts. Please \
                     refer to our documentation. {}",
                    both(wanted, &there.spec)
                ),
            )),
        });
    }
    let like = |index: &&Arc<Index>| relation(&index.spec, wanted) != Relation::Different;
    let there = indexes.iter().find(like)?;
    Some(match relation(&there.spec, wanted) {
        Relation::Identical => Conflict::Refused(CommandError::new(
            Code::IndexOptionsConflict,
            format!("Index already exists with a different name: {}", there.spec.name),
        )),
        _ => options_conflict(
            "An equivalent index already exists with a different name and options.",
            wanted,
            &there.spec,
        ),
    })
}

fn options_conflict(text: &str, wanted: &IndexSpec, there: &IndexSpec) -> Conflict {
    let message = format!("{text} {}", both(wanted, there));
    Conflict::Refused(CommandError::new(Code::IndexOptionsConflict, message))
}

fn both(wanted: &IndexSpec, there: &IndexSpec) -> String {
    format!(
        "Requested index: {}, existing index: {}",
        shell_text(wanted.document.as_raw()),
        shell_text(there.document.as_raw())
    )
}

/// Key pattern, collation, uniqueness, sparseness and filter decide what an index holds.
fn relation(a: &IndexSpec, b: &IndexSpec) -> Relation {
    let filter = |spec: &IndexSpec| spec.partial_filter.clone().unwrap_or_default();
    let same_entries = same_pattern(a.key(), b.key())
        && a.order == b.order
        && a.unique == b.unique
        && a.sparse == b.sparse
        && a.partial_filter.is_some() == b.partial_filter.is_some()
        && compare_docs(filter(a).as_raw(), filter(b).as_raw()) == Ordering::Equal;
    if !same_entries {
        return Relation::Different;
    }
    match a.expire_after_seconds == b.expire_after_seconds {
        true => Relation::Identical,
        false => Relation::Equivalent,
    }
}

/// Key patterns are the same when fields and directions are, whatever the numbers.
pub fn same_pattern(a: RawDoc<'_>, b: RawDoc<'_>) -> bool {
    let alike = |x: RawValue<'_>, y: RawValue<'_>| match (x.as_str(), y.as_str()) {
        (None, None) => quire_bson::compare(x, y) == Ordering::Equal,
        (x, y) => x == y,
    };
    a.count() == b.count()
        && a.iter().zip(b).all(|(x, y)| x.key() == y.key() && alike(x.value(), y.value()))
}
