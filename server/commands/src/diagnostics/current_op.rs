//! `currentOp`: what runs right now.

use crate::generic::is_generic;
use crate::registry::{Command, Run, Scope};
use crate::reply::Reply;
use crate::running::{self, Shown};
use crate::server::Context;
use quire_bson::{DocBuf, DocBuilder};
use quire_errors::Result;
use quire_query::filter::Filter;

pub const COMMAND: Command = Command {
    scope: Scope::Admin,
    aliases: &["currentop"],
    ..Command::new("currentOp", "tells what runs right now", Run::Now(run))
};

fn run(context: &Context<'_>) -> Result<Reply> {
    let filter = filter(context)?;
    let mut matching = Vec::new();
    for document in running::documents(context, Shown { idle_cursors: false, truncate: true }) {
        if filter.matches(document.as_raw())? {
            matching.push(document);
        }
    }
    let held = context.server.sequencer.holds() > 0;
    Ok(Reply::with(|b| {
        b.append_array("inprog", |list| {
            for document in &matching {
                list.push_doc(document.as_raw());
            }
        });
        if held {
            b.append_bool("fsyncLock", true);
            b.append_str("info", "use db.fsyncUnlock() to terminate the fsync write/snapshot lock");
        }
    }))
}

/// All fields but the command's own are conditions on the operations.
fn filter(context: &Context<'_>) -> Result<Filter> {
    let mut conditions = DocBuilder::new();
    for element in context.body().iter().skip(1) {
        let name = element.key();
        // Nobody is logged in, so all operations are one's own.
        if !is_generic(name) && !matches!(name, "$all" | "$ownOps" | "$truncateOps") {
            conditions.append_element(element);
        }
    }
    let conditions: DocBuf = conditions.finish();
    Filter::parse(conditions.as_raw(), &context.constants(None, quire_query::ValueOrder::BYTES)?)
}
