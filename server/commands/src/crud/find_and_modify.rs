//! `findAndModify`: one document that changes or goes, and is shown.

use super::collation;
use crate::counters::LatencyClass;
use crate::persona::dollar_names;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::retrying::{self, Asked, Retryable, Settled};
use crate::server::Context;
use crate::stable_api::Api;
use parking_lot::Mutex;
use quire_bson::{DocBuf, DocBuilder, RawDoc, RawValue};
use quire_documents::{ShownChange, StatementResult};
use quire_errors::{CommandError, Result};
use quire_execution::check_writable;
use quire_execution::writes::{self, Found, Selection, UpdateStatement, Writer};
use quire_query::filter::Filter;
use quire_query::projection::{Mode, Projection};
use quire_query::update::{Options, Update};
use quire_query::{Constants, ValueOrder};
use quire_replset::read_preference::Where;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub const COMMAND: Command = Command {
    aliases: &["findandmodify"],
    latency: LatencyClass::Writes,
    on_collection: true,
    takes_write_concern: true,
    place: Where::Primary,
    retryable: true,
    api: Api::V1,
    ..Command::new(
        "findAndModify",
        "updates or deletes one document and returns it",
        Run::Later(|context| Box::pin(run(context))),
    )
};

/// The command as the client wrote it.
struct Request<'a> {
    filter: RawDoc<'a>,
    sort: Option<RawDoc<'a>>,
    hint: Option<RawValue<'a>>,
    fields: Option<RawDoc<'a>>,
    update: Option<RawValue<'a>>,
    array_filters: Option<RawDoc<'a>>,
    remove: bool,
    new: bool,
    upsert: bool,
    bypass_validation: bool,
    variables: Option<RawDoc<'a>>,
    /// The order asked for.
    collation: Option<ValueOrder>,
}

impl<'a> Request<'a> {
    fn read(context: &Context<'a>) -> Result<Request<'a>> {
        let mut arguments = context.arguments()?;
        let present = |value: &RawValue<'_>| !matches!(value, RawValue::Null | RawValue::Undefined);
        let update = arguments.take("update").filter(present);
        let collation = collation::take(&mut arguments)?;
        let request = Request {
            filter: arguments.optional_doc("query")?.unwrap_or(RawDoc::EMPTY),
            sort: arguments.optional_doc("sort")?,
            hint: arguments.take("hint").filter(present),
            fields: arguments.optional_doc("fields")?,
            update,
            array_filters: arguments.optional_array("arrayFilters")?,
            remove: arguments.flag("remove")?,
            new: arguments.flag("new")?,
            upsert: arguments.flag("upsert")?,
            bypass_validation: arguments.flag("bypassDocumentValidation")?,
            variables: arguments.optional_doc("let")?,
            collation,
        };
        arguments.flag("bypassEmptyTsReplacement")?;
        arguments.finish()?;
        request.check()?;
        Ok(request)
    }

    /// What a retry's answer must fit.
    fn asked(&self) -> Asked {
        Asked { remove: self.remove, upsert: self.upsert, new: self.new }
    }

    /// Refuses what contradicts itself.
    fn check(&self) -> Result<()> {
        let refused = |message: &str| Err(CommandError::failed_to_parse(message));
        if !self.remove {
            return match self.update {
                Some(_) => Ok(()),
                None => refused("Either an update or remove=true must be specified"),
            };
        }
        if self.update.is_some() {
            return refused("Cannot specify both an update and remove=true");
        }
        if self.array_filters.is_some() {
            return refused("Cannot specify arrayFilters and remove=true");
        }
        if self.upsert {
            return refused("Cannot specify both upsert=true and remove=true ");
        }
        if self.new {
            return refused(
                "Cannot specify both new=true and remove=true; 'remove' always returns the deleted \
                 document",
            );
        }
        Ok(())
    }
}

async fn run(context: &Context<'_>) -> Result<Reply> {
    let namespace = context.namespace()?;
    check_writable(&namespace)?;
    let request = Request::read(context)?;
    let retryable = retrying::check_out(context, 1).await?;
    if let Some(result) = retrying::result_of(retryable.as_ref(), 0)? {
        let answer = retrying::shown(result, request.asked())?.clone();
        return Ok(reply(&answer, retryable.map(Retryable::settled)));
    }
    let own = || collation::of_collection(context, &namespace);
    let order = request.collation.clone().unwrap_or_else(own);
    let constants = context.constants(request.variables, order)?;
    let projection = projection(&request, &constants)?;
    let selection = Selection::parse(request.filter, request.sort, request.hint, &constants)?;
    let filter = selection.filter().clone();
    let shown = Shown { request: &request, filter, projection, recorded: Mutex::default() };
    let show = |found: &Found| shown.result(found);
    let numbering = retryable.as_ref().map(|retryable| retryable.showing(&show));
    let writer = context.writer(&namespace, &constants, request.bypass_validation);
    let writer = Writer { numbering, ..writer };
    let found = match request.update {
        Some(update) => {
            dollar_names::check_update(context.server.facts.persona, update)?;
            let options = Options { array_filters: request.array_filters, multi: false };
            let update = Update::parse(update, &constants, options)?;
            let upsert = request.upsert;
            let statement = UpdateStatement { selection, update, multi: false, upsert };
            writes::find_and_modify(&writer, &statement).await?
        }
        None => writes::find_and_remove(&writer, &selection).await?,
    };
    note(context, &found);
    let answer = match shown.recorded_of(&found) {
        Some(recorded) => recorded,
        None => shown.answer(&found)?,
    };
    if let Some(retryable) = retryable {
        retryable.settled();
    }
    Ok(reply(&answer, None))
}

/// How the document is shown.
struct Shown<'a> {
    request: &'a Request<'a>,
    filter: Arc<Filter>,
    projection: Option<Projection>,
    /// The answer that was made last for the record of the session.
    recorded: Mutex<Option<DocBuf>>,
}

impl Shown<'_> {
    /// The answer that is recorded with the change, which need not be made again. A document that did
    /// not change in the end is not recorded, whatever was tried before.
    fn recorded_of(&self, found: &Found) -> Option<DocBuf> {
        let is_deleted = found.before.is_some() && found.after.is_none();
        let is_recorded = found.modified || is_deleted || found.upserted.is_some();
        self.recorded.lock().take().filter(|_| is_recorded)
    }

    /// What a retry is told.
    fn result(&self, found: &Found) -> Result<StatementResult> {
        let change = match (&found.upserted, &found.after) {
            (Some(_), _) => ShownChange::Upserted,
            (None, Some(_)) => ShownChange::Updated,
            (None, None) => ShownChange::Deleted,
        };
        let (after, reply) = (self.request.new, self.answer(found)?);
        *self.recorded.lock() = Some(reply.clone());
        Ok(StatementResult::Shown { change, after, reply })
    }

    /// The reply's own fields.
    fn answer(&self, found: &Found) -> Result<DocBuf> {
        let value = self.value(found)?;
        let mut answer = DocBuilder::new();
        answer.append_with("lastErrorObject", |last| {
            let any = found.before.is_some() || found.upserted.is_some();
            last.append_i32("n", i32::from(any));
            if !self.request.remove {
                last.append_bool("updatedExisting", found.before.is_some());
            }
            if let Some(id) = &found.upserted {
                last.append_bson("upserted", id);
            }
        });
        match &value {
            Some(doc) => answer.append_doc("value", doc.as_raw()),
            None => answer.append("value", RawValue::Null),
        };
        Ok(answer.finish())
    }

    fn value(&self, found: &Found) -> Result<Option<DocBuf>> {
        let shown = if self.request.new { &found.after } else { &found.before };
        let Some(doc) = shown else { return Ok(None) };
        let Some(projection) = &self.projection else { return Ok(Some(doc.as_raw().into())) };
        let mut position = None;
        if projection.needs_position() {
            let matched = found.before.as_ref().unwrap_or(doc);
            self.filter.matches_at(matched.as_raw(), &mut position)?;
        }
        projection.apply(doc.as_raw(), position).map(Some)
    }
}

fn projection(request: &Request<'_>, constants: &Arc<Constants>) -> Result<Option<Projection>> {
    let Some(fields) = request.fields.filter(|fields| !fields.is_empty()) else { return Ok(None) };
    Projection::parse(fields, Some(request.filter), constants, Mode::Find).map(Some)
}

fn note(context: &Context<'_>, found: &Found) {
    let figures = &context.operation.figures;
    let counters = &context.server.counters;
    let one = |counter: &std::sync::atomic::AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
    match (&found.before, &found.after) {
        (Some(_), Some(_)) => {
            one(&figures.matched);
            if found.modified {
                one(&figures.modified);
                one(&counters.docs_updated);
            }
        }
        (Some(_), None) => {
            one(&figures.deleted);
            one(&counters.docs_deleted);
        }
        (None, Some(_)) => {
            one(&figures.inserted);
            one(&counters.docs_inserted);
        }
        (None, None) => {}
    }
}

/// `retried` says that an earlier attempt has done it.
fn reply(answer: &DocBuf, retried: Option<Settled<'_>>) -> Reply {
    Reply::with(|reply| {
        for element in answer.as_raw() {
            reply.append_element(element);
        }
        if let Some(settled) = retried {
            settled.append_retried_one(reply);
        }
    })
}

#[cfg(test)]
mod tests;
