//! From a request to its reply.
//!
//! Owns what happens around every command: finding it, its generic arguments, its registration as a
//! running operation, its time limit, counting, slow-operation lines, and the form of its reply.

use crate::client::Client;
use crate::concerns::{self, Concerns};
use crate::counters::OperationClass;
use crate::generic::Generic;
use crate::operations::NewOperation;
use crate::registry::{self, Command, Run, Scope};
use crate::reply::{Reply, finished};
use crate::server::{Context, Server};
use crate::sessions::session_id;
use crate::slow::Finished;
use crate::trailer::Trailer;
use crate::{gate, slow, stable_api};
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
    match answer(server, client, request).await {
        Ok(response) => response,
        Err(error) => {
            server.counters.asserts_user.fetch_add(1, Ordering::Relaxed);
            let (body, more) = finished(Err(error), &Trailer::new(server, false));
            Response { body, more }
        }
    }
}

/// The same; the error is for a request that did not even become an operation.
async fn answer(server: &Arc<Server>, client: &Arc<Client>, request: &Request) -> Result<Response> {
    let name = request.command_name();
    let is_here =
        |command: &&Command| !command.for_tests || server.parameters.test_commands_enabled();
    let command = registry::find(name).filter(is_here).ok_or_else(|| unknown(name))?;
    check_target(command, request)?;
    let generic = Generic::read(request.body())?;
    let trailer = Trailer::new(server, command.retryable && generic.is_retryable_write());
    let (concerns, new) = match admit(server, client, command, request, &generic) {
        Ok(admitted) => admitted,
        Err(error) => {
            server.counters.asserts_user.fetch_add(1, Ordering::Relaxed);
            let (body, more) = finished(Err(error), &trailer);
            return Ok(Response { body, more });
        }
    };
    let running = server.operations.begin(new);
    let context = Context {
        server,
        client,
        request,
        generic: &generic,
        concerns: &concerns,
        operation: &running.operation,
    };
    let outcome = execute(command, &context).await;
    let error = outcome.as_ref().err().cloned();
    let (body, more) = finished(outcome, &trailer);
    let took = context.operation.started.elapsed();
    let reply_bytes = body.as_bytes().len();
    note(&context, &Finished { command, took, error: error.as_ref(), reply_bytes }).await;
    Ok(Response { body, more })
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

/// Refuses a command that was sent to the wrong database.
fn check_target(command: &Command, request: &Request) -> Result<()> {
    let database = request.database();
    if command.scope == Scope::Admin && database != "admin" {
        return Err(CommandError::new(
            Code::Unauthorized,
            format!("{} may only be run against the admin database.", command.name),
        ));
    }
    quire_documents::check_database(database)
        .map_err(|error| CommandError::new(Code::InvalidNamespace, error.to_string()))
}

/// Checks everything that does not depend on the command itself.
fn admit(
    server: &Arc<Server>,
    client: &Arc<Client>,
    command: &'static Command,
    request: &Request,
    generic: &Generic,
) -> Result<(Concerns, NewOperation)> {
    let database = request.database();
    stable_api::check(&server.parameters, command, &generic.api, request.body())?;
    server.counters.api_usage.note(client, &generic.api, server.now_millis());
    gate::check(server, command, generic, database, request.body())?;
    let concerns = Concerns::read(server, command, generic)?;
    let body = request.body();
    let namespace = namespace_of(command, database, body);
    let new = NewOperation {
        client: client.clone(),
        command: command.name,
        is_write: command.is_write(),
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
    Ok((concerns, new))
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
    if context.concerns.need_waiting(context, command) {
        return execute_with_concerns(command, context).await;
    }
    match command.run {
        Run::Now(run) => run(context),
        Run::Later(run) => limited(run(context), context).await,
    }
}

/// Waits before and after the command as its concerns ask.
async fn execute_with_concerns(command: &'static Command, context: &Context<'_>) -> Result<Reply> {
    limited(concerns::before(context), context).await?;
    let mut reply = match command.run {
        Run::Now(run) => run(context),
        Run::Later(run) => limited(run(context), context).await,
    }?;
    // The write is done: whatever ends the waiting is told beside its results.
    reply.write_concern_error = limited(concerns::after(context, command), context).await.err();
    Ok(reply)
}

/// Ends work when its time is over, or when it is told to stop.
async fn limited<T>(work: impl Future<Output = Result<T>>, context: &Context<'_>) -> Result<T> {
    let limit = context.operation.time_left();
    let Some(limit) = limit else { return interruptible(work, context).await };
    let timer = context.server.host.sleep(limit);
    match race(interruptible(work, context), timer).await {
        Either::First(outcome) => outcome,
        Either::Second(()) => {
            Err(CommandError::new(Code::MaxTimeMSExpired, "operation exceeded time limit"))
        }
    }
}

/// Ends a waiting command when it is told to stop.
async fn interruptible<T>(
    work: impl Future<Output = Result<T>>,
    context: &Context<'_>,
) -> Result<T> {
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
