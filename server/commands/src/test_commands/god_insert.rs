//! `godinsert`: one document past the collection's validator.
//!
//! MongoDB's writes it past the oplog as well; here every write is in the log.

use super::command;
use crate::counters::LatencyClass;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::Result;
use quire_execution::check_writable;
use quire_execution::writes::{self, InsertOptions};
use quire_replset::read_preference::Where;

pub const COMMAND: Command = Command {
    latency: LatencyClass::Writes,
    on_collection: true,
    place: Where::Primary,
    ..command(
        "godinsert",
        "inserts a document past the validator",
        Run::Later(|context| Box::pin(run(context))),
    )
};

async fn run(context: &Context<'_>) -> Result<Reply> {
    let namespace = context.namespace()?;
    check_writable(&namespace)?;
    let mut args = context.arguments()?;
    let document = args.doc("obj")?;
    args.finish()?;
    let constants = context.constants(None, quire_query::ValueOrder::BYTES)?;
    let writer = context.writer(&namespace, &constants, true);
    let options = InsertOptions { ordered: true, keep_empty_timestamps: true, refuse: None };
    let inserted = writes::insert(&writer, &[document], options).await?;
    match inserted.errors.into_iter().next() {
        Some((_, error)) => Err(error),
        None => Ok(Reply::ok()),
    }
}
