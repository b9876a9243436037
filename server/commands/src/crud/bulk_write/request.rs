//! `bulkWrite` as the client wrote it.
//!
//! Owns reading it, all of it before anything is carried out: the fields, each namespace, each
//! operation, and which namespace it is for.

use super::results::Detail;
use crate::arguments::{Arguments, number};
use crate::crud::{collation, delete, statements, update};
use crate::first_batch;
use crate::server::Context;
use quire_bson::{RawDoc, RawValue, shell_text};
use quire_documents::Namespace;
use quire_errors::{Code, CommandError, Result};
use quire_execution::check_writable;

/// The whole command.
pub struct Request<'a> {
    pub operations: Vec<Operation<'a>>,
    pub targets: Vec<Namespace>,
    pub ordered: bool,
    pub bypass_validation: bool,
    pub keep_empty_timestamps: bool,
    pub variables: Option<RawDoc<'a>>,
    pub batch_size: Option<u64>,
    pub detail: Detail,
}

/// One operation.
pub struct Operation<'a> {
    /// The position of its namespace.
    pub target: usize,
    pub action: Action<'a>,
}

pub enum Action<'a> {
    Insert(RawDoc<'a>),
    Update(update::Statement<'a>),
    Delete(delete::Statement<'a>),
}

impl<'a> Request<'a> {
    pub fn read(context: &Context<'a>) -> Result<Request<'a>> {
        let mut arguments = context.arguments()?;
        statements::refuse_sequences_but(context, &["ops", "nsInfo"])?;
        let operations = statements::list(context, &mut arguments, "ops")?;
        let namespaces = statements::list(context, &mut arguments, "nsInfo")?;
        let ordered = arguments.optional_flag("ordered")?.unwrap_or(true);
        let errors_only = arguments.flag("errorsOnly")?;
        let bypass_validation = arguments.flag("bypassDocumentValidation")?;
        let keep_empty_timestamps = arguments.flag("bypassEmptyTsReplacement")?;
        let variables = arguments.optional_doc("let")?;
        let batch_size = first_batch::batch_size(&mut arguments, "bulkWrite.cursor")?;
        arguments.finish()?;
        let names = namespaces.into_iter().map(name).collect::<Result<Vec<_>>>()?;
        let sources = operations;
        let operations =
            sources.iter().map(|source| Operation::read(*source)).collect::<Result<Vec<_>>>()?;
        statements::check_count(operations.len())?;
        let targets = names.into_iter().map(namespace).collect::<Result<Vec<_>>>()?;
        for (operation, source) in operations.iter().zip(&sources) {
            let target = targets.get(operation.target).ok_or_else(|| no_namespace(*source))?;
            check_writable(target)?;
        }
        Ok(Request {
            operations,
            targets,
            ordered,
            bypass_validation,
            keep_empty_timestamps,
            variables,
            batch_size,
            detail: Detail::of(errors_only, is_unacknowledged(context)),
        })
    }
}

/// Whether nobody wants to know what becomes of the operations.
fn is_unacknowledged(context: &Context<'_>) -> bool {
    let concern = context.generic.write_concern.as_ref();
    let nodes = concern.and_then(|concern| concern.as_raw().get("w"));
    nodes.and_then(number) == Some(0.0)
}

/// The name in an entry of `nsInfo`.
fn name(entry: RawDoc<'_>) -> Result<&str> {
    let mut arguments = Arguments::nested("bulkWrite.nsInfo", entry)?;
    let name = arguments.optional_str("ns")?;
    let missing = arguments.missing("ns");
    arguments.finish()?;
    name.ok_or(missing)
}

fn namespace(name: &str) -> Result<Namespace> {
    Namespace::parse(name).map_err(|_| {
        // What names no collection goes by its database.
        let shown = name.split_once('.').filter(|(_, collection)| collection.is_empty());
        let shown = shown.map_or(name, |(database, _)| database);
        let message = format!("Invalid namespace specified for bulkWrite: '{shown}'");
        CommandError::new(Code::InvalidNamespace, message)
    })
}

/// The error for an operation whose namespace is not listed.
fn no_namespace(operation: RawDoc<'_>) -> CommandError {
    let shown = shell_text(operation);
    CommandError::bad_value(format!("BulkWrite ops entry {shown} has an invalid nsInfo index."))
}

/// How an operation of a kind is read, behind the field that names kind and namespace.
type Read = for<'a, 'd> fn(&'d mut Arguments<'a>) -> Result<Action<'a>>;

/// The kinds of operations by their first fields.
const KINDS: &[(&str, Read)] = &[("insert", insert), ("update", update), ("delete", delete)];

impl<'a> Operation<'a> {
    fn read(source: RawDoc<'a>) -> Result<Operation<'a>> {
        let first = source.nth(0).map_or("", |element| element.key());
        let Some((kind, read)) = KINDS.iter().find(|(kind, _)| *kind == first) else {
            return Err(CommandError::location(
                40415,
                format!("BSON field 'bulkWrite.{first}' is an unknown field."),
            ));
        };
        let mut arguments = Arguments::nested("bulkWrite.ops", source)?;
        let index = arguments.i64(kind)?;
        let target = usize::try_from(index).map_err(|_| {
            let message = format!("BSON field '{kind}' value must be >= 0, actual value '{index}'");
            CommandError::bad_value(message)
        })?;
        let action = read(&mut arguments)?;
        arguments.finish()?;
        Ok(Operation { target, action })
    }

    /// Whether it can be carried out before the writes in front of it can be read.
    pub fn needs_no_look(&self) -> bool {
        match &self.action {
            Action::Insert(_) => true,
            Action::Update(statement) => statements::goes_by_id(statement.filter),
            Action::Delete(statement) => statements::goes_by_id(statement.filter),
        }
    }
}

fn insert<'a>(arguments: &mut Arguments<'a>) -> Result<Action<'a>> {
    Ok(Action::Insert(arguments.doc("document")?))
}

fn update<'a>(arguments: &mut Arguments<'a>) -> Result<Action<'a>> {
    Ok(Action::Update(update::Statement {
        filter: arguments.doc("filter")?,
        update: update::take_modification(arguments, "updateMods")?,
        variables: arguments.optional_doc("constants")?,
        collation: collation::take(arguments)?,
        sort: arguments.optional_doc("sort")?,
        hint: hint(arguments)?,
        array_filters: arguments.optional_array("arrayFilters")?,
        multi: arguments.optional_bool("multi")?.unwrap_or(false),
        upsert: arguments.optional_bool("upsert")?.unwrap_or(false),
    }))
}

fn delete<'a>(arguments: &mut Arguments<'a>) -> Result<Action<'a>> {
    Ok(Action::Delete(delete::Statement {
        filter: arguments.doc("filter")?,
        hint: hint(arguments)?,
        collation: collation::take(arguments)?,
        multi: arguments.optional_bool("multi")?.unwrap_or(false),
    }))
}

fn hint<'a>(arguments: &mut Arguments<'a>) -> Result<Option<RawValue<'a>>> {
    match arguments.take("hint") {
        None => Ok(None),
        Some(hint @ (RawValue::String(_) | RawValue::Document(_))) => Ok(Some(hint)),
        Some(_) => Err(CommandError::failed_to_parse("Hint must be a string or an object")),
    }
}
