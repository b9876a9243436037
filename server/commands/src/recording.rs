//! Records of operations in `system.profile`.
//!
//! Owns the form of a record, and writing it through the same path as any other document. Nothing
//! that concerns the collection itself is recorded, or one record would cause the next.

use crate::brief;
use crate::server::{Context, Server};
use crate::slow::{Finished, operation_kind};
use quire_bson::{DocBuf, DocBuilder, RawValue, doc};
use quire_documents::{Layout, Namespace};
use quire_errors::Result;
use quire_execution::wait::race;
use quire_execution::writes::{self, InsertOptions};
use quire_execution::{NewCollection, create_collection};
use std::sync::atomic::{AtomicU64, Ordering};

const COLLECTION: &str = "system.profile";

/// The collection's size; as in MongoDB it holds the last of the records.
const COLLECTION_BYTES_MAX: i64 = 1 << 20;

/// The bytes of a command in its record.
const COMMAND_BYTES_MAX: usize = 50_000;

/// Creates the collection for a database's records unless it is there.
pub async fn ensure_collection(server: &Server, database: &str) -> Result<Namespace> {
    let namespace = crate::server::namespace(database, COLLECTION)?;
    if server.documents.catalog().find(&namespace).is_none() {
        let options = DocBuf::from(&doc! { "capped": true, "size": COLLECTION_BYTES_MAX });
        let new =
            NewCollection { namespace: namespace.clone(), options, layout: Layout::ByRevision };
        create_collection(&server.sequencer, server, &new).await?;
    }
    Ok(namespace)
}

/// Writes the record of a finished command. That it cannot be written is no fault of the command.
pub async fn write(context: &Context<'_>, finished: &Finished<'_>) {
    let own = context.operation.namespace.strip_prefix(context.database());
    let about_itself = own.is_some_and(|rest| rest.strip_prefix('.') == Some(COLLECTION));
    // While writes are held for a backup, the command that releases them must not wait for them.
    // Nor can anything be written on a member that is not primary.
    let server = context.server;
    if about_itself || server.sequencer.holds() > 0 || !server.takes_writes() {
        return;
    }
    let record = record(context, finished);
    race(insert(context, record), context.operation.stopped()).await;
}

async fn insert(context: &Context<'_>, record: DocBuf) {
    let server = context.server;
    let outcome = async {
        let namespace = ensure_collection(server, context.database()).await?;
        let constants = context.constants(None, quire_query::ValueOrder::BYTES)?;
        let writer = context.writer(&namespace, &constants, true);
        let options = InsertOptions { ordered: true, keep_empty_timestamps: true, refuse: None };
        writes::insert(&writer, &[record.as_raw()], options).await
    };
    let failed = match outcome.await {
        Ok(inserted) => inserted.errors.into_iter().next().map(|(_, error)| error),
        Err(error) => Some(error),
    };
    if let Some(error) = failed {
        tracing::warn!(
            target: "COMMAND",
            id = 20703,
            db = context.database(),
            error = error.message(),
            "An operation could not be recorded in system.profile"
        );
    }
}

/// The record of a finished command.
pub fn record(context: &Context<'_>, finished: &Finished<'_>) -> DocBuf {
    let operation = context.operation;
    let mut b = DocBuilder::new();
    b.append_str("op", operation_kind(operation));
    b.append_str("ns", &operation.namespace);
    b.append_bson("command", &brief::command(context.body(), COMMAND_BYTES_MAX).into());
    append_figures(&mut b, context);
    b.append_i32("numYield", 0);
    if let Some(error) = finished.error {
        b.append_i32("ok", 0);
        b.append_str("errMsg", error.message());
        b.append_str("errName", &error.code().name());
        b.append_i32("errCode", error.code().number());
    }
    b.append_i32("responseLength", i32::try_from(finished.reply_bytes).unwrap_or(i32::MAX));
    b.append_str("protocol", "op_msg");
    b.append_i32("millis", i32::try_from(finished.millis()).unwrap_or(i32::MAX));
    if let Some(plan) = operation.figures.plan.lock().as_deref() {
        b.append_str("planSummary", plan);
    }
    b.append("ts", RawValue::DateTime(context.server.now_millis()));
    b.append_str("client", &context.client.address_text());
    if let Some(name) = context.client.app_name() {
        b.append_str("appName", name);
    }
    b.append_array("allUsers", |_| ());
    b.append_str("user", "");
    b.finish()
}

fn append_figures(b: &mut DocBuilder, context: &Context<'_>) {
    let figures = &context.operation.figures;
    let cursor = figures.cursor.load(Ordering::Relaxed);
    if cursor != 0 {
        b.append_i64("cursorid", cursor);
    }
    let count = |counter: &AtomicU64| i64::try_from(counter.load(Ordering::Relaxed)).ok();
    let looked = figures.plan.lock().is_some();
    for (name, counter, always) in [
        ("keysExamined", &figures.keys_examined, looked),
        ("docsExamined", &figures.docs_examined, looked),
        ("nMatched", &figures.matched, false),
        ("nModified", &figures.modified, false),
        ("ninserted", &figures.inserted, false),
        ("ndeleted", &figures.deleted, false),
        ("nreturned", &figures.returned, looked),
    ] {
        let n = count(counter).unwrap_or(i64::MAX);
        if always || n > 0 {
            b.append_i64(name, n);
        }
    }
}
