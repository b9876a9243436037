//! Answering with a cursor over documents that are all there already.

use crate::arguments::Arguments;
use crate::cursors::Cursor;
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::DocBuf;
use quire_errors::Result;
use quire_execution::Query;

/// The most bytes of documents in one reply.
const BATCH_BYTES_MAX: usize = 16 << 20;

/// Reads `cursor: {batchSize}`; without it everything that fits goes into the first batch.
pub fn batch_size(arguments: &mut Arguments<'_>, path: &'static str) -> Result<Option<u64>> {
    let Some(cursor) = arguments.optional_doc("cursor")? else { return Ok(None) };
    let mut cursor = Arguments::nested(path, cursor)?;
    let size = cursor.optional_count("batchSize")?;
    cursor.finish()?;
    Ok(size)
}

/// The first batch, and a cursor for what is left.
pub fn answer(
    context: &Context<'_>,
    namespace: String,
    mut documents: Vec<DocBuf>,
    batch_size: Option<u64>,
) -> Result<Reply> {
    let most = batch_size.and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX);
    let mut bytes = 0usize;
    let fits = |document: &&DocBuf| {
        bytes = bytes.saturating_add(document.as_bytes().len());
        bytes <= BATCH_BYTES_MAX
    };
    let first = documents.iter().take(most).take_while(fits).count();
    let rest = documents.split_off(first);
    let id = match rest.is_empty() {
        true => 0,
        false => context.server.cursors.open(
            Cursor {
                id: 0,
                namespace: namespace.clone(),
                query: Query::of(rest),
                lsid: context.generic.lsid.clone(),
                moment: None,
                api: context.generic.api,
                no_timeout: false,
                tailable: false,
                await_data: false,
                originating: context.body().into(),
                comment: context.generic.comment.clone(),
                plan_summary: String::new(),
                time_left: None,
                held_back: None,
                left: None,
                scripts: None,
            },
            context.server.host.random(),
        )?,
    };
    Ok(Reply::with(|reply| {
        reply.append_with("cursor", |cursor| {
            cursor.append_i64("id", id);
            cursor.append_str("ns", &namespace);
            cursor.append_array("firstBatch", |batch| {
                for document in &documents {
                    batch.push_doc(document.as_raw());
                }
            });
        });
    }))
}
