//! `getMore`: the next documents of a cursor.

#[cfg(test)]
mod tests;

use super::batch::{Batch, fill, reply};
use crate::counters::{LatencyClass, OperationClass};
use crate::cursors::Cursor;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::scripts::check;
use crate::server::Context;
use crate::stable_api::Api;
use quire_bson::RawValue;
use quire_errors::{CommandError, Result};
use quire_execution::wait::{Either, race};
use quire_replset::read_preference::Where;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

pub const COMMAND: Command = Command {
    class: OperationClass::GetMore,
    latency: LatencyClass::Reads,
    on_collection: true,
    place: Where::DataBearing,
    reads_as_cursor: true,
    api: Api::V1,
    ..Command::new(
        "getMore",
        "returns the next documents of a cursor",
        Run::Later(|context| Box::pin(run(context))),
    )
};

/// How long an awaiting cursor waits for a document when it is not told.
const AWAIT_DATA: Duration = Duration::from_secs(1);

/// The command as the client wrote it.
struct Request {
    id: i64,
    namespace: String,
    batch_size: Option<u64>,
}

impl Request {
    fn read(context: &Context<'_>) -> Result<Request> {
        let mut arguments = context.arguments()?;
        let RawValue::Int64(id) = context.target() else {
            return Err(arguments.wrong_type("getMore", context.target(), "long"));
        };
        let collection = arguments.str("collection")?;
        if collection.is_empty() {
            return Err(CommandError::new(
                quire_errors::Code::InvalidNamespace,
                format!("Invalid namespace specified '{}.'", context.database()),
            ));
        }
        let namespace = format!("{}.{collection}", context.database());
        let batch_size = arguments.optional_count("batchSize")?.filter(|size| *size > 0);
        arguments.ignore("term");
        arguments.ignore("lastKnownCommittedOpTime");
        arguments.ignore("includeQueryStatsMetrics");
        arguments.finish()?;
        Ok(Request { id, namespace, batch_size })
    }
}

async fn run(context: &Context<'_>) -> Result<Reply> {
    let request = Request::read(context)?;
    let server = context.server;
    context.operation.figures.cursor.store(request.id, Ordering::Relaxed);
    let lsid = context.generic.lsid.as_ref();
    let mut held =
        server.cursors.check_out(request.id, &request.namespace, lsid, context.operation)?;
    let cursor = held.get()?;
    crate::injected::after_cursor_checkout(context)?;
    let began = Instant::now();
    begin(context, cursor)?;
    let mut batch = next_batch(context, cursor, request.batch_size).await?;
    if cursor.await_data && batch.count() == 0 {
        batch = wait_for_more(context, cursor, request.batch_size).await?;
    }
    cursor.left = cursor.left.map(|left| left.saturating_sub(batch.count()));
    cursor.time_left = cursor.time_left.map(|left| left.saturating_sub(began.elapsed()));
    let ended = (batch.ended && !cursor.tailable) || cursor.left == Some(0);
    let id = if ended { 0 } else { request.id };
    let mut reply = reply(context, batch, id, &request.namespace);
    reply.more = !ended && context.request.exhaust_allowed();
    if !ended {
        held.put_back();
    }
    Ok(reply)
}

/// Takes over what the cursor's commands share.
fn begin(context: &Context<'_>, cursor: &Cursor) -> Result<()> {
    cursor.scripts.iter().for_each(|scripts| scripts.resume(check(context.operation)));
    let operation = context.operation;
    context.concerns.stay_at(cursor.moment.clone());
    context.generic.api.check_same(&cursor.api)?;
    *operation.figures.plan.lock() = Some(cursor.plan_summary.clone());
    if context.generic.max_time_millis.is_some() && !cursor.await_data {
        return Err(CommandError::bad_value(
            "cannot set maxTimeMS on getMore command for a non-awaitData cursor",
        ));
    }
    if let Some(left) = cursor.time_left.filter(|_| !cursor.await_data) {
        context.server.limit(operation, left);
    }
    operation.check()
}

async fn next_batch(
    context: &Context<'_>,
    cursor: &mut Cursor,
    batch_size: Option<u64>,
) -> Result<Batch> {
    let wanted = match (batch_size, cursor.left) {
        (Some(size), Some(left)) => Some(size.min(left)),
        (size, left) => size.or(left),
    };
    if cursor.tailable {
        cursor.query.look_again();
    }
    fill(context, "nextBatch", &mut cursor.query, &mut cursor.held_back, wanted).await
}

/// Waits until documents are added or the time is over, whichever comes first.
async fn wait_for_more(
    context: &Context<'_>,
    cursor: &mut Cursor,
    batch_size: Option<u64>,
) -> Result<Batch> {
    let limit = context.generic.max_time_millis.map_or(AWAIT_DATA, Duration::from_millis);
    let ends = Instant::now() + limit;
    let applied = context.server.sequencer.applied_signal();
    loop {
        // Read before looking, so that what is applied in between ends the wait at once.
        let generation = applied.generation();
        let batch = next_batch(context, cursor, batch_size).await?;
        let left = ends.saturating_duration_since(Instant::now());
        if batch.count() > 0 || left.is_zero() {
            return Ok(batch);
        }
        let timer = context.server.host.sleep(left);
        match race(applied.changed_since(generation), timer).await {
            Either::First(()) => context.operation.check()?,
            Either::Second(()) => return Ok(batch),
        }
    }
}
