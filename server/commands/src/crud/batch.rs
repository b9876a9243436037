//! Batches of a cursor: running a query for as many documents as a reply takes.
//!
//! Owns the form of the reply, the bounds of a batch, and which query is kept as a cursor after it.

use crate::cursors::Cursor;
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::{ArrayBuilder, DocBuf, DocBuilder, RawValue};
use quire_errors::Result;
use quire_execution::wait::give_way;
use quire_execution::{Query, Slice, Watch};
use quire_query::pipeline::Step;
use std::sync::atomic::Ordering;

/// The documents of a first batch when the client asks for no other number.
pub const FIRST_BATCH: u64 = 101;

/// The bytes of a batch, unless a single document takes more.
const BATCH_BYTES_MAX: usize = 16 << 20;

/// The documents of one reply.
pub struct Batch {
    pub documents: ArrayBuilder,
    /// The query gave no more when it was asked last.
    pub ended: bool,
}

impl Batch {
    pub fn count(&self) -> u64 {
        self.documents.count() as u64
    }

    /// False when the document must wait for the next batch.
    fn take(&mut self, doc: &DocBuf) -> bool {
        let fits = self.documents.is_empty()
            || self.documents.len().saturating_add(doc.as_bytes().len()) <= BATCH_BYTES_MAX;
        if fits {
            self.documents.push_doc(doc.as_raw());
        }
        fits
    }
}

/// Runs a query until a batch is full, the query ends, or the operation must stop. Each turn on the
/// thread reads from a view of its own, unless all shall see one moment.
pub async fn fill(
    context: &Context<'_>,
    query: &mut Query,
    held_back: &mut Option<DocBuf>,
    wanted: Option<u64>,
) -> Result<Batch> {
    let mut batch = Batch { documents: ArrayBuilder::detached(), ended: false };
    let is_full = |batch: &Batch| wanted.is_some_and(|wanted| batch.count() >= wanted);
    if is_full(&batch) {
        return Ok(batch);
    }
    if let Some(doc) = held_back.take() {
        batch.take(&doc);
    }
    while !is_full(&batch) && !turn(context, query, held_back, &mut batch, &is_full)? {
        give_way().await;
    }
    Ok(batch)
}

/// One turn; true when the batch is as it shall be.
fn turn(
    context: &Context<'_>,
    query: &mut Query,
    held_back: &mut Option<DocBuf>,
    batch: &mut Batch,
    is_full: &dyn Fn(&Batch) -> bool,
) -> Result<bool> {
    let watch: &dyn Watch = context.operation.as_ref();
    let view = context.view()?;
    query.resume(&view)?;
    let mut slice = Slice::begin();
    loop {
        match query.next(&view, watch, &mut slice)? {
            Step::Doc(doc) => {
                if !batch.take(&doc) {
                    *held_back = Some(doc);
                    return Ok(true);
                }
                if is_full(batch) {
                    return Ok(true);
                }
            }
            Step::Yield => return Ok(false),
            Step::Done => {
                batch.ended = true;
                return Ok(true);
            }
        }
    }
}

/// How a new cursor behaves.
#[derive(Debug, Default)]
pub struct CursorOptions {
    /// The documents of the first batch.
    pub batch_size: Option<u64>,
    /// The documents of all batches together.
    pub limit: Option<u64>,
    /// Nothing is kept after the first batch.
    pub single_batch: bool,
    pub no_timeout: bool,
    pub tailable: bool,
    pub await_data: bool,
}

/// Answers with the first batch of a query, and keeps the query when there may be more.
pub async fn open_cursor(
    context: &Context<'_>,
    namespace: String,
    mut query: Query,
    plan_summary: String,
    options: CursorOptions,
) -> Result<Reply> {
    let operation = context.operation;
    *operation.figures.plan.lock() = Some(plan_summary.clone());
    let wanted = options.batch_size.unwrap_or(FIRST_BATCH);
    let wanted = options.limit.map_or(wanted, |limit| wanted.min(limit));
    let mut held_back = None;
    let batch = fill(context, &mut query, &mut held_back, Some(wanted)).await?;
    let left = options.limit.map(|limit| limit.saturating_sub(batch.count()));
    let ended = (batch.ended && !options.tailable) || left == Some(0) || options.single_batch;
    let mut id = 0;
    if !ended {
        let cursor = Cursor {
            id: 0,
            namespace: namespace.clone(),
            query,
            lsid: context.generic.lsid.clone(),
            api: context.generic.api,
            no_timeout: options.no_timeout,
            tailable: options.tailable,
            await_data: options.await_data,
            originating: operation.body.clone(),
            comment: operation.comment.clone(),
            plan_summary,
            time_left: operation.time_left(),
            held_back,
            left,
            moment: context.concerns.moment().cloned(),
            scripts: context.scripts_used(),
        };
        id = context.server.cursors.open(cursor, context.server.host.random())?;
    }
    Ok(reply(context, "firstBatch", batch, id, &namespace))
}

/// The reply of `find`, `aggregate` and `getMore`.
pub fn reply(context: &Context<'_>, field: &str, batch: Batch, id: i64, namespace: &str) -> Reply {
    let figures = &context.operation.figures;
    figures.returned.fetch_add(batch.count(), Ordering::Relaxed);
    context.server.counters.docs_returned.fetch_add(batch.count(), Ordering::Relaxed);
    figures.cursor.store(id, Ordering::Relaxed);
    let documents = batch.documents.finish();
    Reply::with(|reply| {
        reply.append_with("cursor", |cursor| {
            cursor.append_raw(field.as_bytes(), 0x04, documents.as_bytes());
            cursor.append_i64("id", id).append_str("ns", namespace);
            append_moment(cursor, context);
        });
    })
}

/// Tells the client which moment it reads, so that it can go on at the same.
pub fn append_moment(b: &mut DocBuilder, context: &Context<'_>) {
    if let Some(moment) = context.concerns.moment() {
        let (time, increment) = (moment.at().seconds(), moment.at().increment());
        b.append("atClusterTime", RawValue::Timestamp { time, increment });
    }
}

/// Runs a query to its end and shows each document to `visit`.
pub async fn each(
    context: &Context<'_>,
    query: &mut Query,
    mut visit: impl FnMut(DocBuf) -> Result<()> + Send,
) -> Result<()> {
    let watch: &dyn Watch = context.operation.as_ref();
    loop {
        let ended = {
            let view = context.view()?;
            query.resume(&view)?;
            let mut slice = Slice::begin();
            loop {
                match query.next(&view, watch, &mut slice)? {
                    Step::Doc(doc) => visit(doc)?,
                    Step::Yield => break false,
                    Step::Done => break true,
                }
            }
        };
        if ended {
            return Ok(());
        }
        give_way().await;
    }
}
