//! Batches of a cursor: running a query for as many documents as a reply takes.
//!
//! Owns the form of the reply, the bounds of a batch, and which query is kept as a cursor after it.

use crate::cursors::Cursor;
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::{ArrayBuilder, DocBuf, DocBuilder, Open, RawDoc, RawValue};
use quire_errors::Result;
use quire_execution::wait::give_way;
use quire_execution::{Query, Slice, Watch};
use quire_query::pipeline::{Flow, Stopped};
use std::sync::atomic::Ordering;

/// The documents of a first batch when the client asks for no other number.
pub const FIRST_BATCH: u64 = 101;

/// The bytes of a batch, unless a single document takes more.
const BATCH_BYTES_MAX: usize = 16 << 20;

/// Room that is made for documents before they come.
const ROOM_BYTES_MAX: usize = 256 << 10;

/// The documents of one reply, written where they will be sent from.
pub struct Batch {
    documents: ArrayBuilder,
    cursor: Open,
    reply: Open,
    /// The query gave no more when it was asked last.
    pub ended: bool,
}

impl Batch {
    /// A batch without documents, which will stand in this field of the reply's cursor.
    pub fn begin(field: &str) -> Batch {
        let (cursor, around_cursor) = DocBuilder::new().open("cursor");
        let (documents, around_documents) = cursor.open_array(field);
        Batch { documents, cursor: around_documents, reply: around_cursor, ended: false }
    }

    pub fn count(&self) -> u64 {
        self.documents.count() as u64
    }

    /// False when the document must wait for the next batch. `missing` documents are wanted.
    fn take(&mut self, doc: RawDoc<'_>, missing: u64) -> bool {
        let bytes = doc.as_bytes().len();
        let fits = self.documents.is_empty()
            || self.documents.len().saturating_add(bytes) <= BATCH_BYTES_MAX;
        if self.documents.count() == 1 && fits {
            // Where there are two there may be all, and of this size.
            let missing = usize::try_from(missing).unwrap_or(usize::MAX);
            self.documents.reserve(bytes.saturating_mul(missing).min(ROOM_BYTES_MAX));
        }
        if fits {
            self.documents.push_doc(doc);
        }
        fits
    }
}

/// Runs a query until a batch is full, the query ends, or the operation must stop. Each turn on the
/// thread reads from a view of its own, unless all shall see one moment.
pub async fn fill(
    context: &Context<'_>,
    field: &str,
    query: &mut Query,
    held_back: &mut Option<DocBuf>,
    wanted: Option<u64>,
) -> Result<Batch> {
    let mut batch = Batch::begin(field);
    let wanted = wanted.unwrap_or(u64::MAX);
    if wanted == 0 {
        return Ok(batch);
    }
    if let Some(doc) = held_back.take() {
        batch.take(doc.as_raw(), wanted);
    }
    while batch.count() < wanted {
        match turn(context, query, held_back, &mut batch, wanted)? {
            Stopped::Full => break,
            Stopped::Yield => give_way().await,
            Stopped::End => {
                batch.ended = true;
                break;
            }
        }
    }
    Ok(batch)
}

/// One turn.
fn turn(
    context: &Context<'_>,
    query: &mut Query,
    held_back: &mut Option<DocBuf>,
    batch: &mut Batch,
    wanted: u64,
) -> Result<Stopped> {
    let watch: &dyn Watch = context.operation.as_ref();
    let view = context.view()?;
    query.resume(&view)?;
    let missing = wanted.saturating_sub(batch.count());
    let mut take = |doc: RawDoc<'_>| {
        if !batch.take(doc, missing) {
            *held_back = Some(DocBuf::from(doc));
            return Ok(Flow::Full);
        }
        Ok(if batch.count() >= wanted { Flow::Full } else { Flow::More })
    };
    query.run(&view, watch, &mut Slice::begin(), missing, &mut take)
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
    let batch = fill(context, "firstBatch", &mut query, &mut held_back, Some(wanted)).await?;
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
    Ok(reply(context, batch, id, &namespace))
}

/// The reply of `find`, `aggregate` and `getMore`.
pub fn reply(context: &Context<'_>, batch: Batch, id: i64, namespace: &str) -> Reply {
    let figures = &context.operation.figures;
    figures.returned.fetch_add(batch.count(), Ordering::Relaxed);
    context.server.counters.docs_returned.fetch_add(batch.count(), Ordering::Relaxed);
    figures.cursor.store(id, Ordering::Relaxed);
    let mut cursor = batch.documents.close(batch.cursor);
    cursor.append_i64("id", id).append_str("ns", namespace);
    append_moment(&mut cursor, context);
    Reply::begun(cursor.close(batch.reply))
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
    mut visit: impl FnMut(RawDoc<'_>) -> Result<()> + Send,
) -> Result<()> {
    let watch: &dyn Watch = context.operation.as_ref();
    let mut take = |doc: RawDoc<'_>| visit(doc).map(|()| Flow::More);
    loop {
        let stopped = {
            let view = context.view()?;
            query.resume(&view)?;
            query.run(&view, watch, &mut Slice::begin(), u64::MAX, &mut take)?
        };
        if stopped == Stopped::End {
            return Ok(());
        }
        give_way().await;
    }
}
