//! `insert`: new documents.

use super::statements;
use super::write_reply::append_write_errors;
use crate::counters::{LatencyClass, OperationClass};
use crate::persona::dollar_names;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::retrying::{self, Retryable};
use crate::server::Context;
use crate::stable_api::Api;
use quire_bson::RawDoc;
use quire_errors::Result;
use quire_execution::check_writable;
use quire_execution::writes::{self, InsertOptions, Inserted, Writer};
use quire_replset::read_preference::Where;
use std::sync::atomic::Ordering;

pub const COMMAND: Command = Command {
    class: OperationClass::Insert,
    latency: LatencyClass::Writes,
    on_collection: true,
    takes_write_concern: true,
    place: Where::Primary,
    retryable: true,
    api: Api::V1,
    ..Command::new("insert", "inserts documents", Run::Later(|context| Box::pin(run(context))))
};

async fn run(context: &Context<'_>) -> Result<Reply> {
    let namespace = context.namespace()?;
    check_writable(&namespace)?;
    let mut arguments = context.arguments()?;
    let documents = statements::read(context, &mut arguments, "documents")?;
    let options = InsertOptions {
        ordered: arguments.optional_flag("ordered")?.unwrap_or(true),
        keep_empty_timestamps: arguments.flag("bypassEmptyTsReplacement")?,
        refuse: dollar_names::refused_by(context.server.facts.persona),
    };
    let bypass_validation = arguments.flag("bypassDocumentValidation")?;
    arguments.finish()?;
    let retryable = retrying::check_out(context, documents.len()).await?;
    let constants = context.constants(None, quire_query::ValueOrder::BYTES)?;
    let writer = context.writer(&namespace, &constants, bypass_validation);
    let numbering = retryable.as_ref().map(|retryable| retryable.numbering(0));
    let writer = Writer { numbering, ..writer };
    let inserted = carry_out(context, &writer, &documents, options).await?;
    let n = inserted.count.saturating_add(inserted.retried.len() as u64);
    let settled = retryable.map(Retryable::settled);
    Ok(Reply::with(|reply| {
        reply.append_i32("n", i32::try_from(n).unwrap_or(i32::MAX));
        append_write_errors(reply, inserted.errors);
        if let Some(settled) = settled {
            settled.append_retried(reply, &inserted.retried);
        }
    }))
}

/// Inserts documents into one collection, and counts them.
pub(super) async fn carry_out(
    context: &Context<'_>,
    writer: &Writer<'_>,
    documents: &[RawDoc<'_>],
    options: InsertOptions,
) -> Result<Inserted> {
    let counters = &context.server.counters;
    counters.insert.fetch_add(documents.len() as u64, Ordering::Relaxed);
    let inserted = writes::insert(writer, documents, options).await?;
    counters.docs_inserted.fetch_add(inserted.count, Ordering::Relaxed);
    context.operation.figures.inserted.fetch_add(inserted.count, Ordering::Relaxed);
    Ok(inserted)
}

#[cfg(test)]
mod tests;
