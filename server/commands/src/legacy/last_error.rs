//! `getLastError` and `resetError`: what became of the last command on a connection.
//!
//! Owns what is kept of it, which is nothing unless the version shown has these commands. Clients that
//! read the replies to their writes need neither.

use crate::arguments::integer;
use crate::client::Client;
use crate::counters::OperationClass;
use crate::persona::Behaviour;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::{Context, Server};
use quire_bson::{Bson, DocBuilder, RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};

pub const GET: Command = Command {
    aliases: &["getlasterror"],
    known: Some(Behaviour::LastError),
    ..Command::new("getLastError", "tells what became of the last command", Run::Now(get))
};

pub const RESET: Command = Command {
    aliases: &["reseterror"],
    known: Some(Behaviour::LastError),
    ..Command::new("resetError", "forgets what became of the last command", Run::Now(reset))
};

/// What became of a command.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Documents that were written.
    n: i64,
    /// Whether an update found its document.
    updated_existing: Option<bool>,
    upserted: Option<Bson>,
    failure: Option<(Code, String)>,
}

/// Keeps what `getLastError` will be asked about.
pub fn note(server: &Server, client: &Client, command: &Command, reply: RawDoc<'_>) {
    let is_asking = [GET.name, "hello", "isMaster"].contains(&command.name);
    if !is_asking && server.facts.persona.has(Behaviour::LastError) {
        client.note_outcome(Outcome::of(command.class, reply));
    }
}

impl Outcome {
    fn of(class: OperationClass, reply: RawDoc<'_>) -> Outcome {
        let upserted = first(reply, "upserted").and_then(|first| first.get("_id"));
        let n = reply.get("n").and_then(integer).unwrap_or(0);
        let is_update = class == OperationClass::Update;
        let failed = if reply.get("errmsg").is_some() { Some(reply) } else { None };
        let failed = failed.or_else(|| first(reply, "writeErrors"));
        Outcome {
            n: if is_write(class) { n } else { 0 },
            updated_existing: is_update.then_some(n > 0 && upserted.is_none()),
            upserted: upserted.map(RawValue::to_bson),
            failure: failed.and_then(failure),
        }
    }

    fn append(&self, b: &mut DocBuilder) {
        if let Some(updated) = self.updated_existing {
            b.append_bool("updatedExisting", updated);
        }
        if let Some(id) = &self.upserted {
            b.append_bson("upserted", id);
        }
        b.append_bson("n", &i32::try_from(self.n).map_or(Bson::Int64(self.n), Bson::Int32));
        b.append_i32("syncMillis", 0);
        b.append("writtenTo", RawValue::Null);
        match &self.failure {
            None => _ = b.append("err", RawValue::Null),
            Some((code, message)) => {
                b.append_str("err", message);
                b.append_i32("code", code.number());
                b.append_str("codeName", &code.name());
            }
        }
    }
}

fn is_write(class: OperationClass) -> bool {
    use OperationClass::{Delete, Insert, Update};
    matches!(class, Insert | Update | Delete)
}

fn first<'a>(reply: RawDoc<'a>, list: &str) -> Option<RawDoc<'a>> {
    reply.get(list)?.as_array()?.nth(0)?.value().as_document()
}

fn failure(told: RawDoc<'_>) -> Option<(Code, String)> {
    let code = told.get("code").and_then(integer).and_then(|code| i32::try_from(code).ok())?;
    let message = told.get("errmsg").and_then(RawValue::as_str).unwrap_or_default();
    Some((Code::from_number(code), message.to_owned()))
}

fn get(context: &Context<'_>) -> Result<Reply> {
    let mut arguments = context.arguments()?;
    let wanted = arguments.take("w");
    // Whatever was answered is on the disks of a majority, and there is nothing to wait for.
    for met in ["j", "fsync", "wtimeout", "wOpTime", "wElectionId"] {
        arguments.ignore(met);
    }
    arguments.finish()?;
    check_members(wanted)?;
    Ok(Reply::with(|b| {
        b.append_i32("connectionId", i32::try_from(context.client.id).unwrap_or(i32::MAX));
        context.client.with_outcome(|outcome| outcome.append(b));
    }))
}

/// Refuses to wait for members that the write itself has not waited for.
fn check_members(wanted: Option<RawValue<'_>>) -> Result<()> {
    let is_met = match wanted {
        None | Some(RawValue::Null | RawValue::String("majority" | "")) => true,
        Some(number) => integer(number).is_some_and(|members| members <= 1),
    };
    if is_met {
        return Ok(());
    }
    Err(CommandError::new(
        Code::CommandNotSupported,
        "getLastError waits for no more than a majority here; use a write concern instead",
    ))
}

fn reset(context: &Context<'_>) -> Result<Reply> {
    context.arguments()?.finish()?;
    Ok(Reply::ok())
}
