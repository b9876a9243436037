//! Where the fail points of the command layer stand.
//!
//! Owns how a request looks to a fail point, and the waiting and the log lines that go with entering
//! one. What a point asks for is carried out by the dispatcher and the reply.

use crate::client::{Client, app_name_in};
use crate::operations::Operation;
use crate::registry::Command;
use crate::server::{Context, Server};
use quire_bson::RawDoc;
use quire_errors::{CommandError, Result};
use quire_execution::wait::race;
use quire_failpoints::{FailCommand, Request};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Lets `failCommand` have its way with a request of which nothing is done yet. Its waiting comes
/// before the command's time limit counts, as MongoDB's does.
pub async fn before_command(
    server: &Server,
    client: &Client,
    command: &Command,
    operation: &Operation,
) -> Option<Arc<FailCommand>> {
    let thread = client.name();
    let request = Request {
        command: command.name,
        aliases: command.aliases,
        namespace: &operation.namespace,
        app_name: app_name(client, command, operation.body.as_raw()),
        thread: &thread,
        is_internal: client.is_internal(),
    };
    let takes_write_concern = command.takes_write_concern;
    let point = &server.failpoints.fail_command;
    let injected = point.enter_if(|data| data.concerns(&request, takes_write_concern))?;
    tracing::info!(
        target: "COMMAND",
        id = 7_100_070,
        ctx = thread,
        command = command.name,
        "A command meets the fail point 'failCommand'"
    );
    if injected.is_tripwire && injected.ends_command() {
        server.counters.asserts_tripwire.fetch_add(1, Ordering::Relaxed);
        tracing::error!(
            target: "ASSERT",
            id = 4_457_000,
            ctx = thread,
            command = command.name,
            "Tripwire assertion"
        );
    }
    if let Some(block) = injected.block {
        race(server.host.sleep(block), operation.stopped()).await;
    }
    Some(injected)
}

/// The name that the connection's application gave itself, be it in this very request.
fn app_name<'a>(client: &'a Client, command: &Command, body: RawDoc<'a>) -> Option<&'a str> {
    let is_handshake = || matches!(command.name, "hello" | "isMaster");
    client.app_name().or_else(|| {
        let metadata = is_handshake().then(|| body.get("client")).flatten()?;
        app_name_in(metadata.as_document()?)
    })
}

/// Lets `failGetMoreAfterCursorCheckout` have its way with a `getMore` that holds its cursor.
pub fn after_cursor_checkout(context: &Context<'_>) -> Result<(), CommandError> {
    let point = &context.server.failpoints.fail_get_more_after_cursor_checkout;
    if !point.is_on() {
        return Ok(());
    }
    let (client, operation) = (context.client, context.operation);
    let request = Request {
        command: operation.command,
        aliases: &[],
        namespace: &operation.namespace,
        app_name: client.app_name(),
        thread: &client.name(),
        is_internal: client.is_internal(),
    };
    let Some(injected) = point.enter_if(|data| data.concerns(&request)) else { return Ok(()) };
    if injected.close_connection {
        operation.hang_up();
    }
    Err(injected.error())
}
