//! `delete`: documents that go.

use super::write_reply::append_write_errors;
use super::{collation, statements};
use crate::arguments::Arguments;
use crate::counters::{LatencyClass, OperationClass};
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::retrying::{self, Retryable};
use crate::server::Context;
use crate::stable_api::Api;
use quire_bson::{RawDoc, RawValue};
use quire_errors::{CommandError, Result};
use quire_execution::check_writable;
use quire_execution::writes::{self, Backlog, DeleteStatement, Selection, Writer, ends_command};
use quire_query::ValueOrder;
use quire_replset::read_preference::Where;
use std::sync::atomic::Ordering;

pub const COMMAND: Command = Command {
    class: OperationClass::Delete,
    latency: LatencyClass::Writes,
    on_collection: true,
    takes_write_concern: true,
    place: Where::Primary,
    retryable: true,
    api: Api::V1,
    ..Command::new("delete", "deletes documents", Run::Later(|context| Box::pin(run(context))))
};

/// One statement as the client wrote it.
pub(super) struct Statement<'a> {
    pub(super) filter: RawDoc<'a>,
    pub(super) hint: Option<RawValue<'a>>,
    /// The order asked for.
    pub(super) collation: Option<ValueOrder>,
    pub(super) multi: bool,
}

impl<'a> Statement<'a> {
    fn read(doc: RawDoc<'a>) -> Result<Statement<'a>> {
        let mut arguments = Arguments::nested("delete.deletes", doc)?;
        let filter = arguments.doc("q")?;
        let multi = match arguments.i64("limit")? {
            0 => true,
            1 => false,
            other => {
                return Err(CommandError::failed_to_parse(format!(
                    "The limit field in delete objects must be 0 or 1. Got {other}"
                )));
            }
        };
        let collation = collation::take(&mut arguments)?;
        let statement = Statement { filter, hint: arguments.take("hint"), collation, multi };
        arguments.finish()?;
        Ok(statement)
    }
}

async fn run(context: &Context<'_>) -> Result<Reply> {
    let namespace = context.namespace()?;
    check_writable(&namespace)?;
    let mut arguments = context.arguments()?;
    let documents = statements::read(context, &mut arguments, "deletes")?;
    let ordered = arguments.optional_flag("ordered")?.unwrap_or(true);
    let variables = arguments.optional_doc("let")?;
    // Drivers give all commands of one bulk write the same options.
    arguments.flag("bypassDocumentValidation")?;
    arguments.flag("bypassEmptyTsReplacement")?;
    arguments.finish()?;
    let statements: Vec<_> = documents.into_iter().map(Statement::read).collect::<Result<_>>()?;
    let retryable = retrying::check_out(context, statements.len()).await?;
    let order = collation::of_collection(context, &namespace);
    let constants = context.constants(variables, order)?;
    let backlog = Backlog::default();
    let writer = context.writer(&namespace, &constants, false);
    let writer = Writer { backlog: Some(&backlog), ..writer };
    let (mut deleted, mut errors, mut retried) = (0u64, Vec::new(), Vec::new());
    for (index, statement) in statements.iter().enumerate() {
        context.operation.check()?;
        if retrying::result_of(retryable.as_ref(), index)?.is_some() {
            retried.push(index);
            continue;
        }
        let next = statements.get(index.saturating_add(1));
        let more_follows = next.is_some_and(|next| statements::goes_by_id(next.filter));
        let numbering = retryable.as_ref().map(|retryable| retryable.numbering(index));
        let writer = Writer { more_follows, numbering, ..writer };
        match carry_out(context, &writer, statement, "limit=0").await {
            Ok(n) => deleted = deleted.saturating_add(n),
            Err(error) if ends_command(&error) => return Err(error),
            Err(error) => errors.push((index, error)),
        }
        if ordered && !errors.is_empty() {
            break;
        }
    }
    backlog.settle_within(&context.server.sequencer, context.concerns.patience()).await?;
    let n = deleted.saturating_add(retried.len() as u64);
    let settled = retryable.map(Retryable::settled);
    Ok(Reply::with(|reply| {
        reply.append_i32("n", i32::try_from(n).unwrap_or(i32::MAX));
        append_write_errors(reply, errors);
        if let Some(settled) = settled {
            settled.append_retried(reply, &retried);
        }
    }))
}

/// Carries one statement out, and counts it. `many` is how its command asks for all that match.
pub(super) async fn carry_out(
    context: &Context<'_>,
    writer: &Writer<'_>,
    statement: &Statement<'_>,
    many: &str,
) -> Result<u64> {
    let counters = &context.server.counters;
    counters.delete.fetch_add(1, Ordering::Relaxed);
    if statement.multi {
        retrying::refuse_many(writer, many)?;
    }
    let constants = collation::of_statement(writer.constants, statement.collation.as_ref());
    let statement = DeleteStatement {
        selection: Selection::parse(statement.filter, None, statement.hint, &constants)?,
        multi: statement.multi,
    };
    let deleted = writes::delete(writer, &statement).await?;
    counters.docs_deleted.fetch_add(deleted, Ordering::Relaxed);
    context.operation.figures.deleted.fetch_add(deleted, Ordering::Relaxed);
    Ok(deleted)
}

#[cfg(test)]
mod tests;
