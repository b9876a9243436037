//! `setDefaultRWConcern` and `getDefaultRWConcern`: the concerns of those who name none.

use super::command;
use crate::concerns::{self, Defaults, Level, Origin, ReadConcern};
use crate::persona::Behaviour;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::{Bson, DateTime, DocBuf, Document, RawDoc, doc};
use quire_errors::{Code, CommandError, Result};
use quire_execution::writes::{self, Selection, UpdateStatement};
use quire_query::update::{Options, Update};
use quire_replset::read_preference::Where;
use quire_replset::write_concern::{W, WriteConcern};
use quire_replset::{ReplicaSet, status};

pub const GET: Command = Command {
    known: Some(Behaviour::DefaultConcerns),
    ..command("getDefaultRWConcern", "gives the default concerns", Run::Now(get))
};

pub const SET: Command = Command {
    known: Some(Behaviour::DefaultConcerns),
    takes_write_concern: true,
    place: Where::Primary,
    ..command(
        "setDefaultRWConcern",
        "sets the default concerns",
        Run::Later(|context| Box::pin(set(context))),
    )
};

/// The set; a standalone has a refusal of its own for these two.
fn set_of<'a>(context: &Context<'a>) -> Result<&'a ReplicaSet> {
    let name = context.operation.command;
    context.server.replica_set.as_deref().ok_or_else(|| {
        CommandError::location(51300, format!("'{name}' is not supported on standalone nodes."))
    })
}

fn get(context: &Context<'_>) -> Result<Reply> {
    let set = set_of(context)?;
    let mut args = context.arguments()?;
    let in_memory = args.flag("inMemory")?;
    args.finish()?;
    let defaults = Defaults::stored(context.server)?;
    let mut shown = shown(context, set, &defaults)?;
    if in_memory {
        shown.insert("inMemory", true);
    }
    Ok(Reply::of(&shown))
}

/// The defaults in force, with where each comes from.
fn shown(context: &Context<'_>, set: &ReplicaSet, defaults: &Defaults) -> Result<Document> {
    let detail = set.standing().detail.ok_or_else(status::not_initialized)?;
    let write = match &defaults.write {
        Some(write) => (write.clone(), Origin::Global),
        None => {
            (concerns::implicit_write_concern(context.server, &detail.config), Origin::Implicit)
        }
    };
    let read = match defaults.read {
        Some(level) => (level, Origin::Global),
        None => (Level::default(), Origin::Implicit),
    };
    let mut shown = doc! {
        "defaultReadConcern": { "level": read.0.name() },
        "defaultWriteConcern": write.0.to_document(),
    };
    shown.extend(defaults.updated.clone().unwrap_or_default());
    shown.insert("defaultWriteConcernSource", write.1.source());
    shown.insert("defaultReadConcernSource", read.1.source());
    let now = DateTime::from_millis(context.server.now_millis());
    shown.insert("localUpdateWallClockTime", now);
    Ok(shown)
}

async fn set(context: &Context<'_>) -> Result<Reply> {
    let set = set_of(context)?;
    let mut args = context.arguments()?;
    let write = args.optional_doc("defaultWriteConcern")?;
    let read = args.optional_doc("defaultReadConcern")?;
    args.finish()?;
    if write.is_none() && read.is_none() {
        return Err(CommandError::bad_value(
            "At least one of the \"defaultReadConcern\" or \"defaultWriteConcern\" fields must be \
             present",
        ));
    }
    let mut defaults = Defaults::stored(context.server)?;
    if let Some(write) = write {
        defaults.write = write_concern(write, &defaults)?;
    }
    if let Some(read) = read {
        defaults.read = read_level(read)?;
    }
    defaults.updated = Some(doc! {
        "updateOpTime": set.operation_time(),
        "updateWallClockTime": DateTime::from_millis(context.server.now_millis()),
    });
    store(context, &defaults).await?;
    shown(context, set, &defaults).map(|shown| Reply::of(&shown))
}

/// An empty one takes a default back, as long as there is none yet to be taken back.
fn write_concern(concern: RawDoc<'_>, before: &Defaults) -> Result<Option<WriteConcern>> {
    if concern.is_empty() {
        if before.write.is_none() {
            return Ok(None);
        }
        return Err(CommandError::new(
            Code::IllegalOperation,
            "The global default write concern cannot be unset once it is set.",
        ));
    }
    let concern = WriteConcern::parse(concern)?;
    match concern.w {
        Some(W::Count(0)) => Err(CommandError::bad_value(
            "Unacknowledged write concern is not allowed as the default write concern",
        )),
        None => Err(CommandError::bad_value("The default write concern must say how many copies")),
        Some(_) => Ok(Some(concern)),
    }
}

fn read_level(concern: RawDoc<'_>) -> Result<Option<Level>> {
    if concern.is_empty() {
        return Ok(None);
    }
    let concern = ReadConcern::parse(concern)?;
    let level = concern.level.unwrap_or_default();
    if concern.needs_waiting() || level == Level::Snapshot {
        return Err(CommandError::bad_value(format!(
            "level: '{}' is not suitable for the default read concern",
            level.name()
        )));
    }
    Ok(Some(level))
}

/// Puts the document in the place of the one before.
async fn store(context: &Context<'_>, defaults: &Defaults) -> Result<()> {
    let namespace = concerns::defaults_namespace()?;
    let constants = context.constants(None, quire_query::ValueOrder::BYTES)?;
    let filter = DocBuf::from(&doc! { "_id": concerns::DEFAULTS_ID });
    let replacement = Bson::Document(defaults.to_bson().as_raw().to_document());
    let replacement = DocBuf::from(&doc! { "u": replacement });
    let update = replacement.as_raw().get("u").unwrap_or(quire_bson::RawValue::Null);
    let options = Options { array_filters: None, multi: false };
    let statement = UpdateStatement {
        selection: Selection::parse(filter.as_raw(), None, None, &constants)?,
        update: Update::parse(update, &constants, options)?,
        multi: false,
        upsert: true,
    };
    let writer = context.writer(&namespace, &constants, false);
    writes::find_and_modify(&writer, &statement).await?;
    Ok(())
}
