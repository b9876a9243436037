//! The options of `create`: which are legal together, and how they are kept.
//!
//! Options are kept in MongoDB's order and with its number types, because `listCollections` shows
//! them again and a second `create` is compared with them.

use super::super::view_definition::ViewDefinition;
use crate::arguments::{Arguments, number};
use quire_bson::{DocBuf, DocBuilder, RawDoc, RawValue};
use quire_documents::{Layout, Namespace};
use quire_errors::{Code, CommandError, Result};
use quire_query::filter::Filter;
use quire_query::{Constants, ValueOrder};
use std::sync::Arc;

/// The bytes of a capped collection are a multiple of this.
const CAPPED_STEP: i64 = 256;

/// The most bytes a capped collection may have: a petabyte.
const CAPPED_BYTES_MAX: i64 = 1 << 50;

/// What `create` was asked for.
#[derive(Debug)]
pub struct CreateOptions {
    /// The options as `listCollections` shows them.
    pub shown: DocBuf,
    pub view: Option<ViewDefinition>,
    capped: bool,
    /// The order in which queries compare that ask for none.
    pub order: ValueOrder,
}

impl CreateOptions {
    pub fn read(
        namespace: &Namespace,
        mut arguments: Arguments<'_>,
        constants: &Arc<Constants>,
    ) -> Result<CreateOptions> {
        let mut b = DocBuilder::new();
        let view = read_view(&mut arguments)?;
        refuse_unsupported(&mut arguments)?;
        let capped = read_capped(&mut arguments, &mut b)?;
        read_ignored(&mut arguments)?;
        read_storage(&mut arguments, &mut b)?;
        let validates = read_validation(namespace, &mut arguments, &mut b, constants)?;
        let collation = crate::crud::read_collation(arguments.optional_doc("collation")?)?;
        let collation = collation.unwrap_or_default();
        if let Some(collation) = collation.collation() {
            b.append_doc("collation", collation.to_document().as_raw());
        }
        let clustered = read_clustered(&mut arguments)?;
        arguments.finish()?;
        if let Some(view) = &view {
            let unfit = [(capped, "capped"), (validates, "validator")];
            let unfit = unfit.into_iter().chain([(clustered.is_some(), "clusteredIndex")]);
            if let Some((_, option)) = unfit.into_iter().find(|(given, _)| *given) {
                return Err(invalid(format!("Cannot create a view with the '{option}' option")));
            }
            b.append_str("viewOn", &view.view_on);
            b.append("pipeline", RawValue::Array(view.pipeline.as_raw()));
        }
        if let Some(clustered) = &clustered {
            if capped {
                return Err(invalid(
                    "The 'capped' and 'clusteredIndex' options exclude each other",
                ));
            }
            b.append_doc("clusteredIndex", clustered.as_raw());
        }
        if clustered.is_some() && collation.collation().is_some() {
            return Err(unsupported("clustered collections with a collation"));
        }
        Ok(CreateOptions { shown: b.finish(), view, capped, order: collation })
    }

    pub fn layout(&self) -> Layout {
        // By a collation `_id`s may be equal whose bytes, the keys of rows, are not.
        match (&self.view, self.capped || self.order.collation().is_some()) {
            (Some(_), _) => Layout::View,
            (None, true) => Layout::ByRevision,
            (None, false) => Layout::ById,
        }
    }
}

fn invalid(message: impl Into<String>) -> CommandError {
    CommandError::new(Code::InvalidOptions, message)
}

fn unsupported(what: &str) -> CommandError {
    CommandError::new(Code::CommandNotSupported, format!("{what} are not supported yet"))
}

fn read_view(arguments: &mut Arguments<'_>) -> Result<Option<ViewDefinition>> {
    let view_on = arguments.optional_str("viewOn")?;
    let pipeline = arguments.optional_array("pipeline")?;
    match (view_on, pipeline) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(invalid("'pipeline' requires 'viewOn' to also be specified")),
        (Some(""), _) => Err(CommandError::bad_value("'viewOn' cannot be empty")),
        (Some(view_on), pipeline) => Ok(Some(ViewDefinition {
            view_on: view_on.to_owned(),
            pipeline: pipeline.unwrap_or(RawDoc::EMPTY).into(),
        })),
    }
}

/// Options whose absence would be noticed: better no collection than one that acts differently.
fn refuse_unsupported(arguments: &mut Arguments<'_>) -> Result<()> {
    if arguments.optional_doc("timeseries")?.is_some() {
        return Err(unsupported("time series collections"));
    }
    if arguments.optional_doc("encryptedFields")?.is_some() {
        return Err(unsupported("collections with encrypted fields"));
    }
    let images = arguments.optional_doc("changeStreamPreAndPostImages")?;
    if let Some(images) = images
        && images.get("enabled").and_then(RawValue::as_bool) != Some(false)
    {
        return Err(unsupported("pre- and post-images of change streams"));
    }
    Ok(())
}

/// Appends `capped`, `size` and `max`.
fn read_capped(arguments: &mut Arguments<'_>, b: &mut DocBuilder) -> Result<bool> {
    let capped = arguments.flag("capped")?;
    let size = arguments.optional_i64("size")?;
    let max = arguments.optional_i64("max")?;
    if !capped {
        // Shells send `size: 0` and `max: 0` for an ordinary collection.
        if size.is_some_and(|n| n != 0) || max.is_some_and(|n| n != 0) {
            return Err(invalid(
                "the 'capped' field needs to be true when either the 'size' or 'max' fields are \
                 present",
            ));
        }
        return Ok(false);
    }
    let Some(size) = size else {
        return Err(invalid("the 'size' field is required when 'capped' is true"));
    };
    let size = capped_size(size)?;
    b.append_bool("capped", true);
    append_whole(b, "size", size);
    if let Some(max) = max.filter(|max| *max > 0) {
        append_whole(b, "max", max);
    }
    Ok(true)
}

/// The size of a capped collection, rounded up as MongoDB does.
pub fn capped_size(size: i64) -> Result<i64> {
    if !(1..=CAPPED_BYTES_MAX).contains(&size) {
        return Err(CommandError::bad_value(format!(
            "BSON field 'size' value must be >= 1 and <= {CAPPED_BYTES_MAX}, actual value '{size}'"
        )));
    }
    Ok(size.saturating_add(CAPPED_STEP - 1) / CAPPED_STEP * CAPPED_STEP)
}

/// Appends a number as int32 where it fits, as MongoDB shows it.
pub fn append_whole(b: &mut DocBuilder, name: &str, value: i64) {
    match i32::try_from(value) {
        Ok(small) => b.append_i32(name, small),
        Err(_) => b.append_i64(name, value),
    };
}

/// Options that change nothing: every collection has an index on `_id`.
fn read_ignored(arguments: &mut Arguments<'_>) -> Result<()> {
    if arguments.optional_flag("autoIndexId")? == Some(false) {
        return Err(invalid("collections without an index on _id are not supported"));
    }
    arguments.optional_doc("idIndex")?;
    arguments.flag("temp")?;
    arguments.ignore("flags");
    if let Some(seconds) = arguments.take("expireAfterSeconds") {
        if !seconds.is_number() && seconds.as_str() != Some("off") {
            return Err(arguments.wrong_type("expireAfterSeconds", seconds, "[string, long]"));
        }
        return Err(invalid(
            "'expireAfterSeconds' is only supported on time-series collections or when the \
             'clusteredIndex' option is specified",
        ));
    }
    Ok(())
}

/// Settings of MongoDB's storage engines have no meaning here and are shown as they were given.
fn read_storage(arguments: &mut Arguments<'_>, b: &mut DocBuilder) -> Result<()> {
    for name in ["storageEngine", "indexOptionDefaults"] {
        let Some(settings) = arguments.optional_doc(name)? else { continue };
        for engine in settings {
            if engine.value().as_document().is_none() {
                return Err(CommandError::bad_value(format!(
                    "'{name}.{}' has to be an embedded document.",
                    engine.key()
                )));
            }
        }
        b.append_doc(name, settings);
    }
    Ok(())
}

/// What `validationLevel` may be.
pub const LEVELS: &[&str] = &["off", "strict", "moderate"];

/// What `validationAction` may be.
pub const ACTIONS: &[&str] = &["error", "warn"];

/// Appends the validator with its level and action; true when there is any of them.
fn read_validation(
    namespace: &Namespace,
    arguments: &mut Arguments<'_>,
    b: &mut DocBuilder,
    constants: &Arc<Constants>,
) -> Result<bool> {
    let validator = arguments.optional_doc("validator")?;
    let level = arguments.optional_str("validationLevel")?;
    let action = arguments.optional_str("validationAction")?;
    if let Some(validator) = validator {
        check_validator(namespace, validator, constants)?;
        if !validator.is_empty() {
            b.append_doc("validator", validator);
        }
    }
    if let Some(level) = level {
        b.append_str("validationLevel", enumeration("create.validationLevel", level, LEVELS)?);
    }
    if let Some(action) = action {
        b.append_str("validationAction", enumeration("create.validationAction", action, ACTIONS)?);
    }
    Ok(validator.is_some() || level.is_some() || action.is_some())
}

/// Refuses a validator that could not be asked about documents.
pub fn check_validator(
    namespace: &Namespace,
    validator: RawDoc<'_>,
    constants: &Arc<Constants>,
) -> Result<()> {
    let database = namespace.database();
    if namespace.is_system() || ["admin", "local", "config"].contains(&database) {
        return Err(invalid(format!(
            "Document validators are not allowed on collection {namespace} in the {database} \
             internal database"
        )));
    }
    Filter::parse(validator, &Arc::new(constants.for_catalog()))
        .map(|_| ())
        .map_err(|error| error.context("Parsing of collection validator failed"))
}

/// A value that must be one of a few.
pub fn enumeration<'v>(field: &str, value: &'v str, allowed: &[&str]) -> Result<&'v str> {
    if allowed.contains(&value) {
        return Ok(value);
    }
    Err(CommandError::bad_value(format!(
        "Enumeration value '{value}' for field '{field}' is not a valid value."
    )))
}

/// The `clusteredIndex` option as it is shown again. Collections are clustered by `_id` anyway.
fn read_clustered(arguments: &mut Arguments<'_>) -> Result<Option<DocBuf>> {
    let Some(option) = arguments.optional_doc("clusteredIndex")? else { return Ok(None) };
    let wrong = |message: &str| {
        Err(CommandError::new(Code::InvalidIndexSpecificationOption, message.to_owned()))
    };
    let mut option = Arguments::nested("create.clusteredIndex", option)?;
    let key = option.doc("key")?;
    let unique = option.flag("unique")?;
    let name = option.optional_str("name")?.unwrap_or("_id_");
    let version = option.optional_i64("v")?;
    option.finish()?;
    let mut fields = key.iter();
    let on_id = matches!(
        (fields.next(), fields.next()),
        (Some(field), None) if field.key() == "_id" && number(field.value()) == Some(1.0)
    );
    if !on_id {
        return wrong("The clusteredIndex option supports only the key pattern {_id: 1}");
    }
    if !unique {
        return wrong("The clusteredIndex option requires unique: true to be specified");
    }
    if version.is_some_and(|v| v != 2) {
        return wrong("The clusteredIndex option requires v: 2");
    }
    let mut b = DocBuilder::new();
    b.append_i32("v", 2);
    b.append_doc("key", key);
    b.append_str("name", name);
    b.append_bool("unique", true);
    Ok(Some(b.finish()))
}
