//! `validate`: do rows, indexes and counts of a collection agree?
//!
//! The check reads one view from its beginning to its end, which can take minutes. It has a thread of
//! its own, so that nobody waits behind it; a command that is stopped leaves it to finish alone.

use super::{shown, target};
use crate::arguments::Arguments;
use crate::aside::on_a_thread;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::RawValue;
use quire_documents::{Collection, EngineError, Report};
use quire_errors::{Code, CommandError, Result};
use quire_execution::local_failure;
use quire_replset::read_preference::Where;
use std::sync::Arc;

pub const COMMAND: Command = Command {
    on_collection: true,
    place: Where::DataBearing,
    ..Command::new(
        "validate",
        "checks that documents, indexes and counts of a collection agree",
        Run::Later(|context| Box::pin(run(context))),
    )
};

async fn run(context: &Context<'_>) -> Result<Reply> {
    let namespace = context.namespace()?;
    check_options(context.arguments()?)?;
    let server = context.server;
    let view = server.documents.view();
    let missing = || format!("Collection '{namespace}' does not exist to validate.");
    let found = target::existing(view.catalog(), &namespace, missing);
    let collection = found.map(Arc::clone).map_err(|error| match error.code() {
        Code::CommandNotSupportedOnView => error.with_message("Cannot validate a view"),
        _ => error,
    })?;
    let rules = server.sequencer.rules(&collection)?;
    let checked = collection.clone();
    let report = on_a_thread("validate", move || {
        view.validate(
            &checked,
            Some(&|index, doc| {
                rules.partial_of(doc).is_ok_and(|members| members.contains(&index.id))
            }),
        )
    })
    .await?
    .map_err(|error: EngineError| local_failure(error))?;
    Ok(reply(&collection, &report))
}

/// Every check there is is always made.
fn check_options(mut arguments: Arguments<'_>) -> Result<()> {
    let full = arguments.flag("full")?;
    let background = arguments.flag("background")?;
    let repair = arguments.flag("repair")?;
    let metadata = arguments.flag("metadata")?;
    for accepted in
        ["scandata", "checkBSONConformance", "enforceFastCount", "logDiagnostics", "fixMultikey"]
    {
        arguments.flag(accepted)?;
    }
    arguments.finish()?;
    if background && full {
        return Err(CommandError::new(
            Code::InvalidOptions,
            "Running the validate command with both { background: true } and { full: true } is \
             not supported",
        ));
    }
    if repair {
        return Err(CommandError::new(
            Code::CommandNotSupported,
            "repairing a collection is not supported: restore it from a copy or another member",
        ));
    }
    if metadata && full {
        return Err(CommandError::new(
            Code::InvalidOptions,
            "Running the validate command with { metadata: true } is not supported with any \
             other options",
        ));
    }
    Ok(())
}

fn reply(collection: &Collection, report: &Report) -> Reply {
    let of_rows = report.findings.iter().filter(|(index, _)| index.is_none()).count();
    let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    Reply::with(|reply| {
        reply.append_str("ns", &collection.namespace.to_string());
        reply.append("uuid", shown::uuid(collection));
        reply.append_i64("nInvalidDocuments", whole(of_rows as u64));
        reply.append_i64("nrecords", whole(report.counts.documents));
        super::sizes::append_count(reply, "nIndexes", collection.indexes.len() as u64);
        reply.append_with("keysPerIndex", |keys| {
            for (name, count) in &report.keys_per_index {
                keys.append_i64(name, whole(*count));
            }
        });
        reply.append_with("indexDetails", |details| {
            for name in report.keys_per_index.keys() {
                details.append_with(name, |index| append_index(index, name, report));
            }
        });
        reply.append_bool("valid", report.is_valid());
        reply.append_bool("repaired", false);
        reply.append_array("warnings", |_| ());
        reply.append_array("errors", |errors| {
            for (index, text) in &report.findings {
                let text = match index {
                    Some(index) => format!("index '{index}': {text}"),
                    None => text.clone(),
                };
                errors.push(RawValue::String(&text));
            }
        });
        for detail in ["extraIndexEntries", "missingIndexEntries", "corruptRecords"] {
            reply.append_array(detail, |_| ());
        }
    })
}

fn append_index(b: &mut quire_bson::DocBuilder, name: &str, report: &Report) {
    let of_index: Vec<&str> = report
        .findings
        .iter()
        .filter(|(index, _)| index.as_deref() == Some(name))
        .map(|(_, text)| text.as_str())
        .collect();
    b.append_bool("valid", of_index.is_empty());
    if !of_index.is_empty() {
        b.append_array("errors", |errors| {
            for text in of_index {
                errors.push(RawValue::String(text));
            }
        });
    }
}
