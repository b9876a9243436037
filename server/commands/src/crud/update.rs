//! `update`: documents that change, and documents that are inserted because none was there to change.

use super::write_reply::append_write_errors;
use super::{collation, statements};
use crate::arguments::Arguments;
use crate::counters::{LatencyClass, OperationClass};
use crate::persona::dollar_names;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::retrying::{self, Retryable, Settled};
use crate::server::Context;
use crate::stable_api::Api;
use quire_bson::{Bson, RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};
use quire_execution::check_writable;
use quire_execution::writes::{
    self, Backlog, Selection, UpdateStatement, Updated, Writer, ends_command,
};
use quire_query::pipeline::check_stage_names;
use quire_query::update::{Options, Update};
use quire_query::{Constants, ValueOrder};
use quire_replset::read_preference::Where;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub const COMMAND: Command = Command {
    class: OperationClass::Update,
    latency: LatencyClass::Writes,
    on_collection: true,
    takes_write_concern: true,
    place: Where::Primary,
    retryable: true,
    api: Api::V1,
    ..Command::new(
        "update",
        "updates documents, or inserts them if there are none to update",
        Run::Later(|context| Box::pin(run(context))),
    )
};

/// One statement as the client wrote it.
pub(super) struct Statement<'a> {
    pub(super) filter: RawDoc<'a>,
    pub(super) update: RawValue<'a>,
    pub(super) variables: Option<RawDoc<'a>>,
    /// The order asked for.
    pub(super) collation: Option<ValueOrder>,
    pub(super) sort: Option<RawDoc<'a>>,
    pub(super) hint: Option<RawValue<'a>>,
    pub(super) array_filters: Option<RawDoc<'a>>,
    pub(super) multi: bool,
    pub(super) upsert: bool,
}

impl<'a> Statement<'a> {
    fn read(doc: RawDoc<'a>) -> Result<Statement<'a>> {
        let mut arguments = Arguments::nested("update.updates", doc)?;
        let filter = arguments.doc("q")?;
        let update = take_modification(&mut arguments, "u")?;
        // MongoDB tells of an unknown stage before any statement runs; of other faults, each
        // statement tells when its turn comes.
        if let RawValue::Array(stages) = update {
            check_stage_names(stages)?;
        }
        let statement = Statement {
            filter,
            update,
            variables: arguments.optional_doc("c")?,
            collation: collation::take(&mut arguments)?,
            sort: arguments.optional_doc("sort")?,
            hint: arguments.take("hint"),
            array_filters: arguments.optional_array("arrayFilters")?,
            multi: arguments.flag("multi")?,
            upsert: arguments.flag("upsert")?,
        };
        arguments.finish()?;
        Ok(statement)
    }

    fn parse(&self, constants: &Arc<Constants>) -> Result<UpdateStatement> {
        if self.multi && self.sort.is_some_and(|sort| !sort.is_empty()) {
            return Err(CommandError::failed_to_parse("Cannot specify sort with multi=true"));
        }
        let constants = collation::of_statement(constants, self.collation.as_ref());
        let constants = self.with_variables(&constants)?;
        let options = Options { array_filters: self.array_filters, multi: self.multi };
        Ok(UpdateStatement {
            update: Update::parse(self.update, &constants, options)?,
            selection: Selection::parse(self.filter, self.sort, self.hint, &constants)?,
            multi: self.multi,
            upsert: self.upsert,
        })
    }

    /// The command's constants with the statement's own, which are taken as they are.
    fn with_variables(&self, constants: &Arc<Constants>) -> Result<Arc<Constants>> {
        let Some(variables) = self.variables else { return Ok(constants.clone()) };
        if !matches!(self.update, RawValue::Array(_)) {
            return Err(CommandError::new(
                Code::Location(51198),
                "Constant values may only be specified for pipeline updates",
            ));
        }
        let mut own = Constants::clone(constants);
        let named = variables.iter().map(|e| (e.key().to_owned(), e.value().to_bson()));
        own.variables.extend(named);
        Ok(Arc::new(own))
    }
}

/// Takes what an update does: operators or a replacement, or a pipeline.
pub(super) fn take_modification<'a>(
    arguments: &mut Arguments<'a>,
    name: &str,
) -> Result<RawValue<'a>> {
    let update = arguments.take(name).ok_or_else(|| arguments.missing(name))?;
    if !matches!(update, RawValue::Document(_) | RawValue::Array(_)) {
        return Err(CommandError::failed_to_parse(
            "Update argument must be either an object or an array",
        ));
    }
    Ok(update)
}

/// What the statements did together.
#[derive(Default)]
struct Done {
    matched: u64,
    modified: u64,
    upserted: Vec<(usize, Bson)>,
    errors: Vec<(usize, CommandError)>,
    /// The positions of statements that an earlier attempt has carried out.
    retried: Vec<usize>,
}

impl Done {
    fn add(&mut self, index: usize, updated: Updated) {
        self.matched = self.matched.saturating_add(updated.matched);
        self.modified = self.modified.saturating_add(updated.modified);
        self.upserted.extend(updated.upserted.map(|id| (index, id)));
    }
}

async fn run(context: &Context<'_>) -> Result<Reply> {
    let namespace = context.namespace()?;
    check_writable(&namespace)?;
    let mut arguments = context.arguments()?;
    let documents = statements::read(context, &mut arguments, "updates")?;
    let ordered = arguments.optional_flag("ordered")?.unwrap_or(true);
    let bypass_validation = arguments.flag("bypassDocumentValidation")?;
    arguments.flag("bypassEmptyTsReplacement")?;
    let variables = arguments.optional_doc("let")?;
    arguments.finish()?;
    let statements: Vec<_> = documents.into_iter().map(Statement::read).collect::<Result<_>>()?;
    let retryable = retrying::check_out(context, statements.len()).await?;
    let order = collation::of_collection(context, &namespace);
    let constants = context.constants(variables, order)?;
    let backlog = Backlog::default();
    let writer = context.writer(&namespace, &constants, bypass_validation);
    let writer = Writer { backlog: Some(&backlog), ..writer };
    let mut done = Done::default();
    for (index, statement) in statements.iter().enumerate() {
        context.operation.check()?;
        if let Some(result) = retrying::result_of(retryable.as_ref(), index)? {
            done.add(index, retrying::updated(result)?);
            done.retried.push(index);
            continue;
        }
        let next = statements.get(index.saturating_add(1));
        let more_follows = next.is_some_and(|next| statements::goes_by_id(next.filter));
        let numbering = retryable.as_ref().map(|retryable| retryable.numbering(index));
        let writer = Writer { more_follows, numbering, ..writer };
        match carry_out(context, &writer, statement).await {
            Ok(updated) => done.add(index, updated),
            Err(error) if ends_command(&error) => return Err(error),
            Err(error) => done.errors.push((index, error)),
        }
        if ordered && !done.errors.is_empty() {
            break;
        }
    }
    backlog.settle_within(&context.server.sequencer, context.concerns.patience()).await?;
    Ok(reply(done, retryable.map(Retryable::settled)))
}

/// Carries one statement out, and counts it.
pub(super) async fn carry_out(
    context: &Context<'_>,
    writer: &Writer<'_>,
    statement: &Statement<'_>,
) -> Result<Updated> {
    context.server.counters.update.fetch_add(1, Ordering::Relaxed);
    if statement.multi {
        retrying::refuse_many(writer, "multi=true")?;
    }
    dollar_names::check_update(context.server.facts.persona, statement.update)?;
    let updated = writes::update(writer, &statement.parse(writer.constants)?).await?;
    count(context, &updated);
    Ok(updated)
}

fn count(context: &Context<'_>, updated: &Updated) {
    let figures = &context.operation.figures;
    let counters = &context.server.counters;
    figures.matched.fetch_add(updated.matched, Ordering::Relaxed);
    figures.modified.fetch_add(updated.modified, Ordering::Relaxed);
    counters.docs_updated.fetch_add(updated.modified, Ordering::Relaxed);
    if updated.upserted.is_some() {
        figures.inserted.fetch_add(1, Ordering::Relaxed);
        counters.docs_inserted.fetch_add(1, Ordering::Relaxed);
    }
}

fn reply(done: Done, settled: Option<Settled<'_>>) -> Reply {
    let count = |n: u64| i32::try_from(n).unwrap_or(i32::MAX);
    let n = done.matched.saturating_add(done.upserted.len() as u64);
    Reply::with(|reply| {
        reply.append_i32("n", count(n));
        if !done.upserted.is_empty() {
            reply.append_array("upserted", |list| {
                for (index, id) in &done.upserted {
                    list.push_with(|entry| {
                        entry.append_i32("index", count(*index as u64));
                        entry.append_bson("_id", id);
                    });
                }
            });
        }
        append_write_errors(reply, done.errors);
        reply.append_i32("nModified", count(done.modified));
        if let Some(settled) = settled {
            settled.append_retried(reply, &done.retried);
        }
    })
}

#[cfg(test)]
mod tests;
