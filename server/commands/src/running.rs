//! What runs right now, as documents.
//!
//! Owns the form in which operations and idle cursors are shown by the `currentOp` command and the
//! `$currentOp` stage, and the stage's options.

use crate::brief;
use crate::cursors::Cursor;
use crate::operations::Operation;
use crate::server::Context;
use crate::slow::operation_kind;
use quire_bson::{DateTime, DocBuf, DocBuilder, RawDoc, RawValue};
use quire_errors::{CommandError, Result};
use std::sync::atomic::Ordering;

/// The bytes of a command that is shown in short.
const SHORT_BYTES_MAX: usize = 1_000;

/// The bytes of a command that is shown in full; several have to fit into one reply.
const LONG_BYTES_MAX: usize = 1 << 20;

/// What is to be shown. Options about users, connections and shards are accepted: there are none to
/// choose between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    pub idle_cursors: bool,
    pub truncate: bool,
}

impl Shown {
    /// Reads the options of `$currentOp`.
    pub fn parse(spec: RawValue<'_>) -> Result<Shown> {
        let RawValue::Document(spec) = spec else {
            return Err(CommandError::failed_to_parse(format!(
                "$currentOp options must be specified in an object, but found: {}",
                spec.type_name()
            )));
        };
        let mut shown = Shown::default();
        for element in spec {
            let name = element.key();
            let known = ["allUsers", "idleConnections", "idleSessions", "localOps", "backtrace"];
            let flag = match (name, element.value()) {
                ("targetAllNodes", _) => continue,
                ("idleCursors" | "truncateOps", RawValue::Boolean(flag)) => flag,
                (name, RawValue::Boolean(flag)) if known.contains(&name) => flag,
                (name, wrong)
                    if known.contains(&name) || ["idleCursors", "truncateOps"].contains(&name) =>
                {
                    return Err(CommandError::failed_to_parse(format!(
                        "The '{name}' parameter of the $currentOp stage must be a boolean value, \
                         but found: {}",
                        wrong.type_name()
                    )));
                }
                (unknown, _) => {
                    return Err(CommandError::failed_to_parse(format!(
                        "Unrecognized option '{unknown}' in $currentOp stage."
                    )));
                }
            };
            match name {
                "idleCursors" => shown.idle_cursors = flag,
                "truncateOps" => shown.truncate = flag,
                _ => {}
            }
        }
        Ok(shown)
    }
}

/// All running operations, and idle cursors when they are asked for.
pub fn documents(context: &Context<'_>, shown: Shown) -> Vec<DocBuf> {
    let bytes_max = if shown.truncate { SHORT_BYTES_MAX } else { LONG_BYTES_MAX };
    let operations = context.server.operations.list();
    let mut documents: Vec<DocBuf> =
        operations.iter().map(|operation| describe(context, operation, bytes_max)).collect();
    if shown.idle_cursors {
        context.server.cursors.for_each_idle(|cursor| {
            documents.push(describe_idle(context, cursor, bytes_max));
        });
    }
    documents
}

fn describe(context: &Context<'_>, operation: &Operation, bytes_max: usize) -> DocBuf {
    let client = &operation.client;
    let micros = i64::try_from(operation.started.elapsed().as_micros()).unwrap_or(i64::MAX);
    let mut b = DocBuilder::new();
    b.append_str("type", "op");
    b.append_str("host", &context.server.facts.address());
    b.append_str("desc", &client.name());
    b.append_i64("connectionId", client.id);
    b.append_str("client", &client.remote_text());
    if let Some(name) = client.app_name() {
        b.append_str("appName", name);
    }
    if let Some(metadata) = client.metadata() {
        b.append_doc("clientMetadata", metadata);
    }
    b.append_bool("active", true);
    b.append_str("currentOpTime", &time_text(context.server.now_millis()));
    b.append_bool("threaded", true);
    b.append_i32("opid", operation.id);
    if let Some(lsid) = &operation.lsid {
        b.append_doc("lsid", lsid.as_raw());
    }
    b.append_i64("secs_running", micros / 1_000_000);
    b.append_i64("microsecs_running", micros);
    b.append_str("op", operation_kind(operation));
    b.append_str("ns", &operation.namespace);
    b.append_bool("redacted", false);
    append_command(&mut b, "command", operation.body.as_raw(), bytes_max);
    if let Some(plan) = operation.figures.plan.lock().as_deref() {
        b.append_str("planSummary", plan);
    }
    b.append_i32("numYields", 0);
    if operation.is_stopped() {
        b.append_bool("killPending", true);
    }
    let cursor = operation.figures.cursor.load(Ordering::Relaxed);
    if cursor != 0 {
        b.append_with("cursor", |b| {
            b.append_i64("cursorId", cursor);
        });
    }
    for name in ["locks", "lockStats"] {
        b.append_with(name, |_| ());
    }
    b.append_bool("waitingForLock", false);
    b.append_bool("waitingForFlowControl", false);
    b.finish()
}

fn describe_idle(context: &Context<'_>, cursor: &Cursor, bytes_max: usize) -> DocBuf {
    let mut b = DocBuilder::new();
    b.append_str("type", "idleCursor");
    b.append_str("host", &context.server.facts.address());
    b.append_str("ns", &cursor.namespace);
    if let Some(lsid) = &cursor.lsid {
        b.append_doc("lsid", lsid.as_raw());
    }
    if !cursor.plan_summary.is_empty() {
        b.append_str("planSummary", &cursor.plan_summary);
    }
    b.append_with("cursor", |b| {
        b.append_i64("cursorId", cursor.id);
        b.append_bool("noCursorTimeout", cursor.no_timeout);
        b.append_bool("tailable", cursor.tailable);
        b.append_bool("awaitData", cursor.await_data);
        append_command(b, "originatingCommand", cursor.originating.as_raw(), bytes_max);
    });
    b.finish()
}

fn append_command(b: &mut DocBuilder, name: &str, body: RawDoc<'_>, bytes_max: usize) {
    b.append_bson(name, &brief::command(body, bytes_max).into());
}

fn time_text(millis: i64) -> String {
    DateTime::from_millis(millis).try_to_rfc3339_string().unwrap_or_default()
}
