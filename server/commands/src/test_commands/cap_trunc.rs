//! `captrunc`: takes the newest documents out of a capped collection.

use super::command;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::{DocBuf, doc};
use quire_documents::{Collection, Direction, Range};
use quire_errors::{Code, CommandError, Result};
use quire_execution::local_failure;
use quire_execution::writes::{self, DeleteStatement, Selection};
use quire_replset::read_preference::Where;
use std::ops::ControlFlow;

pub const COMMAND: Command = Command {
    on_collection: true,
    place: Where::Primary,
    ..command(
        "captrunc",
        "takes the newest documents out of a capped collection",
        Run::Later(|context| Box::pin(run(context))),
    )
};

async fn run(context: &Context<'_>) -> Result<Reply> {
    let namespace = context.namespace()?;
    let mut args = context.arguments()?;
    let n = args.optional_count("n")?.unwrap_or(0);
    let inclusive = args.flag("inc")?;
    args.finish()?;
    let filters = {
        let view = context.server.documents.view();
        let Some(collection) = view.catalog().find(&namespace) else {
            return Err(CommandError::new(
                Code::NamespaceNotFound,
                format!("captrunc: collection {namespace} not found"),
            ));
        };
        if collection.capped().is_none() {
            return Err(CommandError::new(Code::IllegalOperation, "collection must be capped"));
        }
        newest(context, collection, n.saturating_add(1))?
    };
    if (filters.len() as u64) <= n {
        return Err(CommandError::new(Code::IllegalOperation, format!("invalid n: {n}")));
    }
    let kept = usize::from(!inclusive);
    let constants = context.constants(None, quire_query::ValueOrder::BYTES)?;
    let writer = context.writer(&namespace, &constants, true);
    for filter in filters.iter().rev().skip(kept) {
        let selection = Selection::parse(filter.as_raw(), None, None, &constants)?;
        writes::delete(&writer, &DeleteStatement { selection, multi: false }).await?;
    }
    Ok(Reply::ok())
}

/// Filters for the newest documents, the newest first.
fn newest(context: &Context<'_>, collection: &Collection, count: u64) -> Result<Vec<DocBuf>> {
    let view = context.server.documents.view();
    let mut filters = Vec::new();
    view.scan_rows(collection.id, &Range::ALL, Direction::Backward, &mut |_, row| {
        if let Some(id) = row.doc.get("_id") {
            filters.push(DocBuf::from(&doc! { "_id": { "$eq": id.to_bson() } }));
        }
        match (filters.len() as u64) < count {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    })
    .map_err(local_failure)?;
    Ok(filters)
}
