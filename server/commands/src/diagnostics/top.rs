//! `top`: how busy each collection is.

use crate::registry::{Command, Run, Scope};
use crate::reply::Reply;
use crate::server::Context;
use crate::top::{CollectionUsage, Usage};
use quire_bson::DocBuilder;
use quire_errors::Result;

pub const COMMAND: Command = Command {
    scope: Scope::Admin,
    ..Command::new("top", "tells how busy each collection is", Run::Now(run))
};

fn run(context: &Context<'_>) -> Result<Reply> {
    context.arguments()?.finish()?;
    let catalog = context.server.documents.catalog();
    let usages = context.server.counters.top.list(|namespace| {
        namespace
            .split_once('.')
            .is_some_and(|(database, name)| catalog.find_by_name(database, name).is_some())
    });
    Ok(Reply::with(|b| {
        b.append_with("totals", |b| {
            b.append_str("note", "all times in microseconds");
            for (namespace, usage) in &usages {
                b.append_with(namespace, |b| append(b, usage));
            }
        });
    }))
}

fn append(b: &mut DocBuilder, usage: &CollectionUsage) {
    let fields: [(&str, Usage); 9] = [
        ("total", usage.total),
        ("readLock", usage.read),
        ("writeLock", usage.write),
        ("queries", usage.queries),
        ("getmore", usage.get_more),
        ("insert", usage.insert),
        ("update", usage.update),
        ("remove", usage.remove),
        ("commands", usage.commands),
    ];
    for (name, Usage { micros, count }) in fields {
        b.append_with(name, |b| {
            b.append_i64("time", i64::try_from(micros).unwrap_or(i64::MAX));
            b.append_i64("count", i64::try_from(count).unwrap_or(i64::MAX));
        });
    }
}
