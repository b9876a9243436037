//! A pipeline that writes, sent to a member that takes no writes.
//!
//! Owns handing it on to the primary and the answer back. MongoDB's secondaries read for such a
//! pipeline and send what they write to the primary; here the primary does both. What is written is
//! the same, because only what is committed can be read anywhere.

use crate::arguments::integer;
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::{DocBuf, DocBuilder, RawDoc, RawValue, Timestamp};
use quire_errors::{Code, CommandError, Result};
use quire_execution::wait::{Either, race};
use quire_replset::ReplicaSet;
use std::time::Duration;

/// How long the client waits, once the work is done, for this member to see it.
const PATIENCE: Duration = Duration::from_secs(5);

/// What every reply says for itself.
const OF_THE_REPLY: &[&str] =
    &["$clusterTime", "$configTime", "$topologyTime", "ok", "operationTime", "topologyVersion"];

/// Lets the primary run the command.
pub(super) async fn ask_primary(context: &Context<'_>) -> Result<Reply> {
    let not_primary = || CommandError::new(Code::NotWritablePrimary, "not primary");
    let set = context.server.replica_set.as_ref().ok_or_else(not_primary)?;
    let standing = set.standing();
    if standing.primary == standing.own {
        // It is this member, and it hands over just now.
        return Err(not_primary());
    }
    let host = standing.primary_host().ok_or_else(not_primary)?.to_string();
    context.operation.hand_on();
    let answered = context.server.host.ask(host.clone(), command(context));
    // A host that is paused, or gone without a word, answers nothing and closes nothing.
    let answer = match race(answered, set.await_deposition(&standing)).await {
        Either::First(answer) => answer.map_err(|why| {
            CommandError::new(Code::HostUnreachable, format!("Error connecting to {host} :: {why}"))
        })?,
        Either::Second(()) => return Err(deposed(&host)),
    };
    catch_up(context, set, answer.as_raw()).await;
    if answer.as_raw().get("ok").and_then(integer) != Some(1) {
        return Err(refusal(answer.as_raw()));
    }
    let mut reply = Reply::with(|reply| append_but(reply, answer.as_raw(), OF_THE_REPLY));
    reply.is_from_primary = true;
    Ok(reply)
}

/// What a primary's own clients are told when it steps down in the middle of their writes.
fn deposed(host: &str) -> CommandError {
    CommandError::new(
        Code::InterruptedDueToReplStateChange,
        format!("operation was interrupted :: caused by :: {host} is primary no more"),
    )
}

/// The command with the time that is left for it. Whoever gets it and is not primary refuses it.
fn command(context: &Context<'_>) -> DocBuf {
    let mut command = DocBuilder::new();
    append_but(&mut command, context.body(), &["$readPreference", "maxTimeMS"]);
    command.append_with("$readPreference", |preference| {
        preference.append_str("mode", "primary");
    });
    if let Some(left) = context.operation.time_left() {
        // Zero would be no limit at all.
        let millis = i64::try_from(left.as_millis()).unwrap_or(i64::MAX).max(1);
        command.append_i64("maxTimeMS", millis);
    }
    command.finish()
}

fn append_but(builder: &mut DocBuilder, doc: RawDoc<'_>, left_out: &[&str]) {
    for element in doc.iter().filter(|element| !left_out.contains(&element.key())) {
        builder.append_element(element);
    }
}

/// Waits until this member has what the primary wrote: the client goes on with the time of this
/// reply, and may read here next.
async fn catch_up(context: &Context<'_>, set: &ReplicaSet, answer: RawDoc<'_>) {
    let Some(RawValue::Timestamp { time, increment }) = answer.get("operationTime") else {
        return;
    };
    let written = Timestamp { time, increment };
    if set.advance_cluster_time(written).is_ok() {
        let waited = set.await_time("operationTime", written);
        race(waited, context.server.host.sleep(PATIENCE)).await;
    }
}

/// The primary's error as that of this member's client.
fn refusal(answer: RawDoc<'_>) -> CommandError {
    let code = answer.get("code").and_then(integer).and_then(|code| i32::try_from(code).ok());
    let code = code.map_or(Code::InternalError, Code::from_number);
    let message = answer.get("errmsg").and_then(RawValue::as_str).unwrap_or_default();
    let mut extra = DocBuilder::new();
    let own = ["code", "codeName", "errmsg", "errorLabels"];
    append_but(&mut extra, answer, &[OF_THE_REPLY, &own].concat());
    CommandError::new(code, message).with_extra(extra.finish().into_bytes())
}
