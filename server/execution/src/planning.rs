//! From a filter and a collection to the ranges a scan walks.
//!
//! Owns the one place where the planner's answer becomes an [`Access`], for reads and writes alike.

use crate::Access;
use quire_bson::{DocBuf, RawDoc, RawValue};
use quire_documents::{Collection, Direction};
use quire_errors::{CommandError, Result};
use quire_query::filter::Filter;
use quire_query::sort::SortPattern;

/// An index, or the order of the rows, that a client asked for.
#[derive(Clone, Debug)]
pub enum Hint {
    Name(String),
    KeyPattern(DocBuf),
    Natural(Direction),
}

impl Hint {
    /// Reads a command's `hint`; an empty document asks for nothing.
    pub fn parse(value: RawValue<'_>) -> Result<Option<Hint>> {
        match value {
            RawValue::String(name) => Ok(Some(Hint::Name(name.to_owned()))),
            RawValue::Document(doc) if doc.is_empty() => Ok(None),
            RawValue::Document(doc) => match doc.get("$natural") {
                Some(direction) => Ok(Some(Hint::Natural(natural(direction)))),
                None => Ok(Some(Hint::KeyPattern(doc.into()))),
            },
            _ => Err(CommandError::failed_to_parse("Hint must be a string or an object")),
        }
    }

    /// Refuses a hint at an index that is not there.
    fn check(&self, collection: &Collection) -> Result<()> {
        let fits = match self {
            Hint::Natural(_) => true,
            Hint::Name(name) => collection.ready_indexes().any(|index| index.spec.name == *name),
            Hint::KeyPattern(key) => {
                collection.ready_indexes().any(|index| same_pattern(index.spec.key(), key.as_raw()))
            }
        };
        if fits {
            return Ok(());
        }
        Err(CommandError::bad_value(
            "error processing query: planner returned error :: caused by :: hint provided does not \
             correspond to an existing index",
        ))
    }
}

fn natural(direction: RawValue<'_>) -> Direction {
    let zero = RawValue::Int32(0);
    if quire_bson::compare(direction, zero).is_lt() {
        Direction::Backward
    } else {
        Direction::Forward
    }
}

/// Key patterns are the same when fields and directions are, whatever the numbers' types.
fn same_pattern(a: RawDoc<'_>, b: RawDoc<'_>) -> bool {
    quire_bson::compare_docs(a, b).is_eq()
}

/// How the documents of a query are found.
#[derive(Debug)]
pub struct Choice {
    pub access: Access,
    /// They come in the order of the sort.
    pub sorted: bool,
    /// As logs and the profiler show it.
    pub summary: String,
}

/// Chooses how to find the documents of `filter`.
pub fn choose(
    collection: &Collection,
    _filter: &Filter,
    sort: &SortPattern,
    hint: Option<&Hint>,
) -> Result<Choice> {
    let mut direction = sort.natural().map_or(Direction::Forward, |n| {
        if n < 0 { Direction::Backward } else { Direction::Forward }
    });
    if let Some(hint) = hint {
        hint.check(collection)?;
        if let Hint::Natural(hinted) = hint {
            direction = *hinted;
        }
    }
    Ok(Choice {
        access: Access::everything(direction),
        sorted: sort.is_empty(),
        summary: "COLLSCAN".to_owned(),
    })
}
