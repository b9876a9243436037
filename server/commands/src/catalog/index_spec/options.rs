//! The options of an index: which there are, of what type, and which go together.

use super::{cannot_create, partial, wrong_type};
use crate::arguments::{integer, number};
use quire_bson::{DocBuilder, RawDoc, RawValue, shell_text};
use quire_errors::{Code, CommandError, Result};
use quire_query::{Constants, ValueOrder};
use std::sync::Arc;

/// What an option's value has to be.
#[derive(Clone, Copy)]
enum Kind {
    /// A boolean, or a number that stands for one.
    Flag,
    Number,
    Text,
    Object,
}

/// The options and whether they are kept. Those of kinds of indexes that are refused anyway are
/// known, so that the refusal names the kind and not the option.
const OPTIONS: &[(&str, Kind, bool)] = &[
    ("2dsphereIndexVersion", Kind::Number, true),
    ("background", Kind::Flag, true),
    ("bits", Kind::Number, true),
    ("bucketSize", Kind::Number, true),
    ("collation", Kind::Object, false),
    ("default_language", Kind::Text, true),
    ("dropDups", Kind::Flag, false),
    ("expireAfterSeconds", Kind::Number, true),
    ("hidden", Kind::Flag, true),
    ("key", Kind::Object, false),
    ("language_override", Kind::Text, true),
    ("max", Kind::Number, true),
    ("min", Kind::Number, true),
    ("name", Kind::Text, false),
    ("ns", Kind::Text, false),
    ("partialFilterExpression", Kind::Object, true),
    ("prepareUnique", Kind::Flag, true),
    ("sparse", Kind::Flag, true),
    ("storageEngine", Kind::Object, true),
    ("textIndexVersion", Kind::Number, true),
    ("unique", Kind::Flag, true),
    ("v", Kind::Number, false),
    ("weights", Kind::Object, true),
    ("wildcardProjection", Kind::Object, true),
];

/// What an index on `_id` may say.
const ON_ID: [&str; 5] = ["key", "name", "ns", "v", "collation"];

fn find(name: &str) -> Option<&'static (&'static str, Kind, bool)> {
    OPTIONS.iter().find(|(option, _, _)| *option == name)
}

/// Refuses options that are unknown, of the wrong type, or contradict each other.
pub fn check(
    given: RawDoc<'_>,
    key: RawDoc<'_>,
    on_id: bool,
    constants: &Arc<Constants>,
) -> Result<()> {
    for element in given {
        let (name, value) = (element.key(), element.value());
        let Some((_, kind, _)) = find(name) else {
            return Err(not_valid(given, name, "an"));
        };
        // MongoDB's drivers send `background` and `sparse` for any index; on `_id` they say nothing.
        if on_id && !ON_ID.contains(&name) && !["background", "sparse"].contains(&name) {
            return Err(not_valid(given, name, "an _id"));
        }
        check_kind(name, value, *kind)?;
    }
    let flag = |name: &str| given.get(name).is_some_and(is_true);
    let hashed = key.iter().any(|field| field.value().as_str() == Some("hashed"));
    if hashed && flag("unique") {
        return Err(CommandError::location(
            16764,
            "Currently hashed indexes cannot guarantee uniqueness. Use a regular index.",
        ));
    }
    if flag("unique") && flag("prepareUnique") {
        return Err(cannot_create("index cannot be both unique and prepared to be unique"));
    }
    if let Some(filter) = given.get("partialFilterExpression").and_then(RawValue::as_document) {
        if flag("sparse") {
            return Err(cannot_create(
                "cannot mix \"partialFilterExpression\" and \"sparse\" options",
            ));
        }
        partial::check(filter, constants)?;
    }
    check_expiry(given, key)
}

/// The order of the index's values: as it says, or as its collection has it.
pub fn order(given: RawDoc<'_>, inherited: &ValueOrder) -> Result<ValueOrder> {
    let own = given.get("collation").and_then(RawValue::as_document);
    Ok(crate::crud::read_collation(own)?.unwrap_or_else(|| inherited.clone()))
}

fn not_valid(given: RawDoc<'_>, name: &str, kind: &str) -> CommandError {
    CommandError::new(
        Code::InvalidIndexSpecificationOption,
        format!(
            "The field '{name}' is not valid for {kind} index specification. Specification: {}",
            shell_text(given)
        ),
    )
}

fn check_kind(name: &str, value: RawValue<'_>, kind: Kind) -> Result<()> {
    let fits = match kind {
        Kind::Flag => value.is_number() || value.as_bool().is_some(),
        Kind::Number => value.is_number(),
        Kind::Text => value.as_str().is_some(),
        Kind::Object => value.as_document().is_some(),
    };
    if fits {
        return Ok(());
    }
    Err(match kind {
        Kind::Flag => CommandError::type_mismatch(format!(
            "The field '{name}' has value {name}: {}, which is not convertible to bool",
            quire_bson::shell_value(value)
        )),
        Kind::Number => wrong_type(name, value, "number"),
        Kind::Text => wrong_type(name, value, "string"),
        Kind::Object => wrong_type(name, value, "object"),
    })
}

pub fn is_true(value: RawValue<'_>) -> bool {
    value.as_bool().unwrap_or_else(|| number(value).is_some_and(|x| x != 0.0))
}

/// Documents expire by one date.
fn check_expiry(given: RawDoc<'_>, key: RawDoc<'_>) -> Result<()> {
    let Some(seconds) = given.get("expireAfterSeconds") else { return Ok(()) };
    let with_spec =
        |text: String| cannot_create(format!("{text}. Index spec: {}", shell_text(given)));
    if let Err(error) = expire_after(seconds) {
        return Err(with_spec(error.message().trim_end_matches('.').to_owned()));
    }
    if key.count() > 1 {
        return Err(with_spec(
            "TTL indexes are single-field indexes, compound indexes do not support TTL".to_owned(),
        ));
    }
    Ok(())
}

/// `expireAfterSeconds` as a number of seconds that makes sense.
pub fn expire_after(value: RawValue<'_>) -> Result<i32> {
    // MongoDB keeps NaN and means "never" by it.
    if number(value).is_some_and(f64::is_nan) {
        return Ok(i32::MAX);
    }
    let seconds = integer(value).unwrap_or(-1);
    if seconds < 0 {
        return Err(CommandError::new(
            Code::InvalidOptions,
            "TTL index 'expireAfterSeconds' option cannot be less than 0",
        ));
    }
    i32::try_from(seconds).map_err(|_| {
        CommandError::new(
            Code::InvalidOptions,
            format!(
                "TTL index 'expireAfterSeconds' option must be within an acceptable range, try a \
                 different number than {seconds}"
            ),
        )
    })
}

/// The version shown; all versions are built alike.
pub fn version(given: RawDoc<'_>) -> Result<i32> {
    match given.get("v").map(integer) {
        None | Some(Some(2)) => Ok(2),
        Some(Some(1)) => Ok(1),
        Some(other) => Err(cannot_create(format!(
            "Invalid index specification {}; cannot create an index with v={}",
            shell_text(given),
            other.unwrap_or(0)
        ))),
    }
}

/// Appends the options that are kept, in the client's order.
pub fn append(given: RawDoc<'_>, b: &mut DocBuilder) {
    for element in given {
        match (element.key(), find(element.key())) {
            ("expireAfterSeconds", _) => {
                let seconds = expire_after(element.value()).unwrap_or(i32::MAX);
                b.append_i32("expireAfterSeconds", seconds);
            }
            (name, Some((_, Kind::Flag, true))) => {
                b.append_bool(name, is_true(element.value()));
            }
            (_, Some((_, _, true))) => {
                b.append_element(element);
            }
            _ => {}
        }
    }
}
