//! From a request to its reply.
//!
//! Owns what happens around every command: finding it, its generic arguments, its registration as a
//! running operation, its time limit, counting, slow-operation lines, and the form of its reply.

use crate::client::Client;
use crate::counters::OperationClass;
use crate::generic::Generic;
use crate::operations::NewOperation;
use crate::registry::{self, Command, Run, Scope};
use crate::reply::{Reply, error_reply, finished};
use crate::server::{Context, Server};
use crate::sessions::session_id;
use crate::slow::Finished;
use crate::{concerns, slow};
use quire_bson::{DocBuf, RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};
use quire_execution::wait::{Either, race};
use quire_protocol::Request;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What goes back to the client.
pub struct Response {
    pub body: DocBuf,
    /// Another reply to the same request follows: run it again.
    pub more: bool,
}

/// Runs one request to its end. Dropping the future stops the command.
pub async fn run(server: &Arc<Server>, client: &Arc<Client>, request: &Request) -> Response {
    let name = request.command_name();
    let Some(command) = registry::find(name) else {
        server.counters.asserts_user.fetch_add(1, Ordering::Relaxed);
        return Response { body: error_reply(&unknown(name)), more: false };
    };
    let (body, more) = match admit(server, client, command, request) {
        Ok((generic, new)) => {
            let running = server.operations.begin(new);
            let operation = &running.operation;
            let context = Context { server, client, request, generic: &generic, operation };
            let outcome = execute(command, &context).await;
            let error = outcome.as_ref().err().cloned();
            let (body, more) = finished(outcome);
            let took = context.operation.started.elapsed();
            let reply_bytes = body.as_bytes().len();
            note(&context, &Finished { command, took, error: error.as_ref(), reply_bytes }).await;
            (body, more)
        }
        Err(error) => {
            server.counters.asserts_user.fetch_add(1, Ordering::Relaxed);
            (error_reply(&error), false)
        }
    };
    Response { body, more }
}

/// The error for a command that does not exist.
fn unknown(name: &str) -> CommandError {
    let code = Code::CommandNotFound;
    if crate::planned::is_planned(name) {
        let message = format!("no such command: '{name}' (this server does not have it yet)");
        return CommandError::new(code, message);
    }
    CommandError::new(code, format!("no such command: '{name}'"))
}

/// Checks everything that does not depend on the command itself.
fn admit(
    server: &Arc<Server>,
    client: &Arc<Client>,
    command: &'static Command,
    request: &Request,
) -> Result<(Generic, NewOperation)> {
    let database = request.database();
    if command.scope == Scope::Admin && database != "admin" {
        return Err(CommandError::new(
            Code::Unauthorized,
            format!("{} may only be run against the admin database.", command.name),
        ));
    }
    quire_documents::check_database(database)
        .map_err(|error| CommandError::new(Code::InvalidNamespace, error.to_string()))?;
    let generic = Generic::read(request.body())?;
    concerns::check(command, &generic)?;
    let body = request.body();
    let namespace = namespace_of(command, database, body);
    let new = NewOperation {
        client: client.clone(),
        command: command.name,
        namespace,
        body: body.into(),
        comment: generic.comment.clone(),
        lsid: generic.lsid.clone(),
        // getMore's limit bounds its wait for new documents, not the command.
        max_time: generic
            .max_time_millis
            .map(Duration::from_millis)
            .filter(|_| command.class != OperationClass::GetMore),
        started_millis: server.now_millis(),
    };
    if let Some(lsid) = &generic.lsid {
        let id = session_id(lsid.as_raw())?;
        server.sessions.touch(&id, server.now_millis(), server.parameters.sessions_max())?;
    }
    Ok((generic, new))
}

/// The namespace by which logs and `currentOp` know an operation.
fn namespace_of(command: &Command, database: &str, body: RawDoc<'_>) -> String {
    let target = match command.class {
        // getMore names the cursor first, and then its collection.
        OperationClass::GetMore => body.get("collection"),
        _ if command.on_collection => body.nth(0).map(|element| element.value()),
        _ => None,
    };
    match target {
        Some(RawValue::String(collection)) => format!("{database}.{collection}"),
        _ => format!("{database}.$cmd"),
    }
}

async fn execute(command: &'static Command, context: &Context<'_>) -> Result<Reply> {
    count(context.server, command.class);
    match command.run {
        Run::Now(run) => run(context),
        Run::Later(run) => {
            let limit = context.operation.time_left();
            let Some(limit) = limit else { return interruptible(run(context), context).await };
            let timer = context.server.host.sleep(limit);
            match race(interruptible(run(context), context), timer).await {
                Either::First(outcome) => outcome,
                Either::Second(()) => {
                    Err(CommandError::new(Code::MaxTimeMSExpired, "operation exceeded time limit"))
                }
            }
        }
    }
}

/// Ends a waiting command when it is told to stop.
async fn interruptible(
    work: impl Future<Output = Result<Reply>>,
    context: &Context<'_>,
) -> Result<Reply> {
    match race(work, context.operation.stopped()).await {
        Either::First(outcome) => outcome,
        Either::Second(()) => {
            context.operation.check()?;
            Err(CommandError::new(Code::Interrupted, "operation was interrupted"))
        }
    }
}

fn count(server: &Server, class: OperationClass) {
    let counters = &server.counters;
    let counter = match class {
        // Inserts, updates and deletes are counted by the statement, by their commands.
        OperationClass::Insert | OperationClass::Update | OperationClass::Delete => return,
        OperationClass::Query => &counters.query,
        OperationClass::GetMore => &counters.getmore,
        OperationClass::Command => &counters.command,
    };
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Counts a finished command and leaves its traces.
async fn note(context: &Context<'_>, finished: &Finished<'_>) {
    let Finished { command, took, error, .. } = *finished;
    let (counters, figures) = (&context.server.counters, &context.operation.figures);
    counters.finished(command.name, command.latency, took, error.is_some());
    let examined = figures.keys_examined.load(Ordering::Relaxed);
    counters.keys_examined.fetch_add(examined, Ordering::Relaxed);
    let examined = figures.docs_examined.load(Ordering::Relaxed);
    counters.docs_examined.fetch_add(examined, Ordering::Relaxed);
    if command.on_collection || command.class == OperationClass::GetMore {
        counters.top.add(&context.operation.namespace, command, took);
    }
    slow::note(context, finished).await;
}
