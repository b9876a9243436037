//! `dbStats`: the size of a database.

use super::sizes::{self, Sizes};
use crate::arguments::number;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::{CommandError, Result};
use quire_replset::read_preference::Where;

pub const COMMAND: Command = Command {
    aliases: &["dbstats"],
    place: Where::DataBearing,
    ..Command::new("dbStats", "shows the size of a database", Run::Now(run))
};

/// The sums over all collections.
#[derive(Default)]
struct Totals {
    collections: i64,
    views: i64,
    indexes: i64,
    documents: u64,
    bytes: u64,
    stored: u64,
    index_bytes: u64,
}

impl Totals {
    fn of(context: &Context<'_>) -> Result<Totals> {
        let view = context.server.documents.view();
        let mut totals = Totals::default();
        for collection in view.catalog().collections_of(context.database()) {
            if collection.is_view() {
                totals.views = totals.views.saturating_add(1);
                continue;
            }
            let sizes = Sizes::of(context.server, &view, collection)?;
            let indexes = i64::try_from(sizes.indexes.len()).unwrap_or(i64::MAX);
            totals.collections = totals.collections.saturating_add(1);
            totals.indexes = totals.indexes.saturating_add(indexes);
            totals.documents = totals.documents.saturating_add(sizes.documents);
            totals.bytes = totals.bytes.saturating_add(sizes.bytes);
            totals.stored = totals.stored.saturating_add(sizes.stored);
            totals.index_bytes = totals.index_bytes.saturating_add(sizes.index_bytes());
        }
        Ok(totals)
    }
}

fn run(context: &Context<'_>) -> Result<Reply> {
    let mut arguments = context.arguments()?;
    let scale = sizes::scale(&mut arguments)?;
    arguments.flag("freeStorage")?;
    arguments.finish()?;
    if number(context.target()).is_none() && context.target().as_bool().is_none() {
        return Err(CommandError::type_mismatch(format!(
            "BSON field 'dbStats.dbStats' is the wrong type '{}', expected types '[bool, long, \
             int, decimal, double]'",
            context.target().type_name()
        )));
    }
    let totals = Totals::of(context)?;
    let scaled = |bytes: u64| bytes as f64 / scale as f64;
    let average = totals.bytes as f64 / totals.documents.max(1) as f64;
    Ok(Reply::with(|reply| {
        reply.append_str("db", context.database());
        reply.append_i64("collections", totals.collections);
        reply.append_i64("views", totals.views);
        reply.append_i64("objects", i64::try_from(totals.documents).unwrap_or(i64::MAX));
        reply.append_f64("avgObjSize", average);
        reply.append_f64("dataSize", scaled(totals.bytes));
        reply.append_f64("storageSize", scaled(totals.stored));
        reply.append_i64("indexes", totals.indexes);
        reply.append_f64("indexSize", scaled(totals.index_bytes));
        reply.append_f64("totalSize", scaled(totals.stored.saturating_add(totals.index_bytes)));
        reply.append_i64("scaleFactor", i64::try_from(scale).unwrap_or(i64::MAX));
        if let Some(disk) = context.server.host.disk() {
            reply.append_f64("fsUsedSize", scaled(disk.total.saturating_sub(disk.free)));
            reply.append_f64("fsTotalSize", scaled(disk.total));
        }
    }))
}
