//! `$rename`: moves a field.
//!
//! Two operators stand for one argument: at the target, one that takes the value from the document
//! as it was before the update (nothing else may change it there, because that would be a
//! conflict), and at the source one that removes it.

use super::{Argument, Blocked, Change, Operator, Parsed, Place, replace};
use crate::update::tree::{Tree, Value};
use quire_bson::{RawDoc, RawValue};
use quire_errors::{CommandError, Result};
use std::sync::Arc;

#[derive(Debug)]
struct MoveHere {
    source: String,
}

#[derive(Debug)]
struct MovedAway;

pub(super) fn parse(argument: &Argument<'_>) -> Result<Parsed> {
    let refuse = |message: String| Err(CommandError::bad_value(message));
    let source = argument.path;
    let RawValue::String(target) = argument.value() else {
        return refuse(format!(
            "The 'to' field for $rename must be a string: {}",
            argument.quoted()
        ));
    };
    if target.contains('\0') {
        return refuse(
            "The 'to' field for $rename cannot contain an embedded null byte".to_owned(),
        );
    }
    if is_dynamic(source) {
        return refuse(format!("The source field for $rename may not be dynamic: {source}"));
    }
    if is_dynamic(target) {
        return refuse(format!("The destination field for $rename may not be dynamic: {target}"));
    }
    if source == target {
        return refuse(format!(
            "The source and target field for $rename must differ: {}",
            argument.quoted()
        ));
    }
    if is_below(source, target) || is_below(target, source) {
        return refuse(format!(
            "The source and target field for $rename must not be on the same path: {}",
            argument.quoted()
        ));
    }
    let here = MoveHere { source: source.to_owned() };
    Ok(vec![
        (target.to_owned(), Arc::new(here) as Arc<dyn Operator>),
        (source.to_owned(), Arc::new(MovedAway) as Arc<dyn Operator>),
    ])
}

fn is_dynamic(path: &str) -> bool {
    path.split('.').any(|part| part == "$" || (part.starts_with("$[") && part.ends_with(']')))
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.starts_with('.'))
}

/// What is found at the end of a path that goes through documents only.
enum Found<'a> {
    Value(RawValue<'a>),
    Nothing,
    /// The name of an array on the way.
    InArray(&'a str),
}

fn follow<'a>(document: RawDoc<'a>, path: &'a str) -> Found<'a> {
    let mut doc = document;
    let mut parts = path.split('.').peekable();
    while let Some(part) = parts.next() {
        let Some(value) = doc.get(part) else {
            return Found::Nothing;
        };
        if parts.peek().is_none() {
            return Found::Value(value);
        }
        match value {
            RawValue::Document(inner) => doc = inner,
            RawValue::Array(_) => return Found::InArray(part),
            _ => return Found::Nothing,
        }
    }
    Found::Nothing
}

fn in_array(which: &str, path: &str, array: &str, document: RawDoc<'_>) -> CommandError {
    let id = match document.get("_id") {
        Some(id) => crate::render::element("_id", id),
        None => "no id".to_owned(),
    };
    CommandError::bad_value(format!(
        "The {which} field cannot be an array element, '{path}' in doc with {id} has an array field \
         called '{array}'"
    ))
}

impl MoveHere {
    fn value(&self, place: &Place<'_>) -> Option<Value> {
        match follow(place.document, &self.source) {
            Found::Value(value) => Some(Value::of(value)),
            Found::Nothing | Found::InArray(_) => None,
        }
    }
}

impl Operator for MoveHere {
    fn runs(&self, place: &Place<'_>) -> Result<bool> {
        match follow(place.document, &self.source) {
            Found::Nothing => return Ok(false),
            Found::InArray(array) => {
                return Err(in_array("source", &self.source, array, place.document));
            }
            Found::Value(_) => {}
        }
        match follow(place.document, place.path) {
            Found::InArray(array) => {
                Err(in_array("destination", place.path, array, place.document))
            }
            Found::Value(_) | Found::Nothing => Ok(true),
        }
    }

    fn change(&self, current: &mut Tree<'_>, place: &Place<'_>) -> Result<Change> {
        Ok(self.value(place).map_or(Change::None, |value| replace(current, &value)))
    }

    fn create(&self, place: &Place<'_>) -> Result<Option<Value>> {
        Ok(self.value(place))
    }
}

impl Operator for MovedAway {
    fn change(&self, _current: &mut Tree<'_>, _place: &Place<'_>) -> Result<Change> {
        Ok(Change::Removed)
    }

    fn create(&self, _place: &Place<'_>) -> Result<Option<Value>> {
        Ok(None)
    }

    fn when_blocked(&self) -> Blocked {
        Blocked::Ignored
    }
}
