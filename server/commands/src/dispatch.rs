//! From a request to its reply.
//!
//! Owns what happens around every command: finding it, its generic arguments, its registration as a
//! running operation, its time limit, counting, slow-operation lines, and the form of its reply.

use crate::client::Client;
use crate::concerns::{self, Concerns, Left};
use crate::counters::OperationClass;
use crate::generic::Generic;
use crate::operations::{NewOperation, Operation};
use crate::registry::{self, Command, Run, Scope};
use crate::reply::{Reply, finished, with_write_concern_error};
use crate::server::{Context, Server};
use crate::sessions::session_key;
use crate::slow::Finished;
use crate::trailer::Trailer;
use crate::{gate, injected, legacy, persona, planned, slow, stable_api};
use quire_bson::{DocBuf, RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};
use quire_execution::wait::{Either, race};
use quire_execution::writes::ends_command;
use quire_failpoints::{FailCommand, Outcome};
use quire_protocol::Request;
use quire_replset::read_preference::{Mode, ReadPreference};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What goes back to the client.
pub enum Response {
    Answer(Answer),
    /// Nothing: the connection is closed without a word.
    HangUp,
}

/// One reply.
pub struct Answer {
    pub body: DocBuf,
    /// Another reply to the same request follows: run it again.
    pub more: bool,
}

/// Runs one request to its end. Dropping the future stops the command.
pub async fn run(server: &Arc<Server>, client: &Arc<Client>, request: &Request) -> Response {
    match respond(server, client, request).await {
        Ok(response) => response,
        Err(error) => {
            server.counters.asserts_user.fetch_add(1, Ordering::Relaxed);
            Response::Answer(finished(Err(error), &Trailer::bare(server)))
        }
    }
}

/// The same; the error is for a request that did not even become an operation.
async fn respond(
    server: &Arc<Server>,
    client: &Arc<Client>,
    request: &Request,
) -> Result<Response> {
    let name = request.command_name();
    let persona = server.facts.persona;
    let is_here = |command: &&Command| {
        let is_for_all = !command.for_tests || server.parameters.test_commands_enabled();
        is_for_all && command.is_known_to(persona)
    };
    let command = registry::find(name).filter(is_here);
    let _place = match command.is_some_and(|command| command.always_admitted) {
        true => server.ingress.exempt(&server.parameters),
        false => server.ingress.admit(&server.parameters, client)?,
    };
    let command = command.ok_or_else(|| unknown(name))?;
    check_target(command, request)?;
    let mut generic = Generic::read(request.body())?;
    if request.secondary_ok() && request.body().get("$readPreference").is_none() {
        generic.read_preference = ReadPreference { mode: Mode::SecondaryPreferred };
    }
    let new = new_operation(server, client, command, request, &generic);
    let running = server.operations.begin(new);
    let operation = &running.operation;
    let injected = match server.failpoints.fail_command.is_on() {
        true => Box::pin(injected::before_command(server, client, command, operation)).await,
        false => None,
    };
    let injected = injected.as_deref();
    let (concerns, refused) = match admit(server, command, request, &generic, operation, injected) {
        Ok(concerns) => (concerns, None),
        Err(error) => (Concerns::default(), Some(error)),
    };
    let context = Context {
        server,
        client,
        request,
        generic: &generic,
        concerns: &concerns,
        operation,
        injected,
        scripts: OnceLock::new(),
    };
    let outcome = match refused {
        None => execute(command, &context).await,
        Some(error) => Err(error),
    };
    if operation.wrote() {
        client.note_written();
    }
    let error = outcome.as_ref().err().cloned();
    let answer = finished(outcome, &Trailer::new(&context, command));
    let took = operation.started.elapsed();
    legacy::note(server, client, command, answer.body.as_raw());
    let reply_bytes = answer.body.as_bytes().len();
    note(&context, &Finished { command, took, error: error.as_ref(), reply_bytes }).await;
    Ok(if operation.hangs_up() { Response::HangUp } else { Response::Answer(answer) })
}

/// The error for a command that does not exist.
fn unknown(name: &str) -> CommandError {
    if planned::is_planned(name) {
        return planned::refusal(name);
    }
    CommandError::new(Code::CommandNotFound, format!("no such command: '{name}'"))
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

fn new_operation(
    server: &Server,
    client: &Arc<Client>,
    command: &'static Command,
    request: &Request,
    generic: &Generic,
) -> NewOperation {
    let body = request.body();
    NewOperation {
        client: client.clone(),
        command: command.name,
        is_write: command.is_write(body),
        namespace: namespace_of(command, request.database(), body),
        body: body.into(),
        comment: generic.comment.clone(),
        lsid: generic.lsid.clone(),
        started_millis: server.now_millis(),
    }
}

/// Checks everything that does not depend on the command itself.
fn admit(
    server: &Server,
    command: &Command,
    request: &Request,
    generic: &Generic,
    operation: &Operation,
    injected: Option<&FailCommand>,
) -> Result<Concerns> {
    match injected.map(|injected| &injected.outcome) {
        None | Some(Outcome::Run | Outcome::WriteConcernError(_)) => {}
        Some(Outcome::Fail(error)) => {
            // If this is a round of a stream of hellos, it is the last one.
            operation.client.note_streamed(None);
            return Err(error.clone());
        }
        Some(Outcome::CloseConnection) => {
            operation.hang_up();
            return Err(hung_up());
        }
    }
    let (database, body) = (request.database(), request.body());
    persona::arguments::check(server.facts.persona, command.name, request)?;
    stable_api::check(&server.parameters, command, &generic.api, body)?;
    server.counters.api_usage.note(&operation.client, &generic.api, server.now_millis());
    gate::check(server, command, generic, database, body)?;
    let concerns = Concerns::read(server, command, generic, operation.is_write)?;
    if let Some(lsid) = &generic.lsid {
        let key = session_key(lsid.as_raw())?;
        server.sessions.touch(&key, server.now_millis(), server.parameters.sessions_max())?;
    }
    // getMore's limit bounds its wait for new documents, not the command.
    let limit = generic.max_time_millis.filter(|_| command.class != OperationClass::GetMore);
    if let Some(limit) = limit {
        // What a fail point made it wait counts too.
        let limit = Duration::from_millis(limit).saturating_sub(operation.started.elapsed());
        server.limit(operation, limit);
    }
    operation.check()?;
    Ok(concerns)
}

/// What logs say of a command whose client is not answered.
fn hung_up() -> CommandError {
    CommandError::location(50985, "Failing command via 'failCommand' failpoint")
}

/// The namespace by which logs and `currentOp` know an operation.
fn namespace_of(command: &Command, database: &str, body: RawDoc<'_>) -> String {
    let target = match command.class {
        // getMore names the cursor first, and then its collection.
        OperationClass::GetMore => body.get("collection"),
        // The collections stand with the statements; this is where its cursor is.
        OperationClass::BulkWrite => Some(RawValue::String("$cmd.bulkWrite")),
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
    if context.concerns.need_waiting(context) {
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
    let outcome = match command.run {
        Run::Now(run) => run(context),
        Run::Later(run) => limited(run(context), context).await,
    };
    let is_over = match &outcome {
        Ok(reply) => reply.is_from_primary,
        // Whoever is not primary has nothing to wait for.
        Err(error) => ends_command(error) || !context.server.takes_writes(),
    };
    if is_over {
        return outcome;
    }
    // What is written is done: whatever ends the waiting is told beside the results, or beside what
    // has failed.
    let left = match outcome.is_err() && !context.operation.wrote() {
        true => Left::Nothing,
        false => Left::Writes,
    };
    let waited = limited(concerns::after(context, left), context).await;
    let Err(unmet) = waited else { return outcome };
    let persona = context.server.facts.persona;
    match outcome {
        Ok(mut reply) => {
            reply.write_concern_error = Some(unmet);
            Ok(reply)
        }
        Err(error) => Err(with_write_concern_error(error, persona, &unmet)),
    }
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
        // Writes are counted by the statement, by their commands.
        OperationClass::Insert
        | OperationClass::Update
        | OperationClass::Delete
        | OperationClass::BulkWrite => return,
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
