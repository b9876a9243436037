//! `bulkWrite`: inserts, updates and deletes in many collections by one command.
//!
//! Owns the order in which the operations are carried out, and when they end. What each of them does
//! is the affair of `insert`, `update` and `delete`, whose statements they are.
//!
//! | file | what it owns |
//! |---|---|
//! | `request` | the command as the client wrote it |
//! | `results` | what is told of each operation, and of all together |

mod request;
mod results;
#[cfg(test)]
mod tests;

use super::{collation, delete, insert, update};
use crate::counters::{LatencyClass, OperationClass};
use crate::first_batch;
use crate::persona::Behaviour;
use crate::registry::{Command, Run, Scope};
use crate::reply::Reply;
use crate::retrying::{self, Retryable};
use crate::server::Context;
use crate::stable_api::Api;
use quire_bson::RawDoc;
use quire_errors::{CommandError, Result};
use quire_execution::writes::{Backlog, InsertOptions, Writer, ends_command};
use quire_query::{Constants, ValueOrder};
use quire_replset::read_preference::Where;
use request::{Action, Operation, Request};
use results::Results;
use std::sync::Arc;

pub const COMMAND: Command = Command {
    scope: Scope::Admin,
    class: OperationClass::BulkWrite,
    latency: LatencyClass::Writes,
    takes_write_concern: true,
    place: Where::Primary,
    retryable: true,
    api: Api::V1,
    known: Some(Behaviour::BulkWrite),
    ..Command::new(
        "bulkWrite",
        "inserts, updates and deletes documents in many collections",
        Run::Later(|context| Box::pin(run(context))),
    )
};

/// Where the cursor over the results belongs.
const CURSOR_NAMESPACE: &str = "admin.$cmd.bulkWrite";

async fn run(context: &Context<'_>) -> Result<Reply> {
    let request = Request::read(context)?;
    let retryable = retrying::check_out(context, request.operations.len()).await?;
    let backlog = Backlog::default();
    let mut execution = Execution {
        context,
        constants: constants(context, &request)?,
        request: &request,
        retryable: retryable.as_ref(),
        backlog: &backlog,
        results: Results::new(request.detail),
        retried: Vec::new(),
    };
    execution.run().await?;
    let Execution { results, retried, .. } = execution;
    backlog.settle_within(&context.server.sequencer, context.concerns.patience()).await?;
    let settled = retryable.map(Retryable::settled);
    let (documents, counts) = results.finish();
    let namespace = CURSOR_NAMESPACE.to_owned();
    let mut reply = first_batch::answer(context, namespace, documents, request.batch_size)?;
    counts.append(reply.builder());
    if let Some(settled) = settled {
        settled.append_retried(reply.builder(), &retried);
    }
    Ok(reply)
}

/// What the query language may know of the world, for each of the namespaces.
fn constants(context: &Context<'_>, request: &Request<'_>) -> Result<Vec<Arc<Constants>>> {
    let plain = context.constants(request.variables, ValueOrder::BYTES)?;
    let of = |target| {
        let order = collation::of_collection(context, target);
        collation::of_statement(&plain, Some(&order))
    };
    Ok(request.targets.iter().map(of).collect())
}

/// A command that is being carried out.
struct Execution<'a, 'c> {
    context: &'a Context<'c>,
    request: &'a Request<'c>,
    /// By the position of the namespace.
    constants: Vec<Arc<Constants>>,
    retryable: Option<&'a Retryable<'a>>,
    backlog: &'a Backlog,
    results: Results,
    /// The positions of operations that an earlier attempt has carried out.
    retried: Vec<usize>,
}

/// One operation, and what surrounds it.
#[derive(Clone, Copy)]
struct Step<'a, 'c> {
    position: usize,
    operation: &'a Operation<'c>,
    /// What comes behind it and what is carried out together with it.
    next: Option<&'a Operation<'c>>,
}

impl<'a, 'c> Execution<'a, 'c> {
    async fn run(&mut self) -> Result<()> {
        let operations = &self.request.operations;
        let mut position = 0;
        while let Some(operation) = operations.get(position) {
            self.context.operation.check()?;
            if self.results.refuse_more(position, operation) {
                return Ok(());
            }
            let inserts = self.inserts_from(position);
            let end = position.saturating_add(inserts.len().max(1));
            let step = Step { position, operation, next: operations.get(end) };
            match &operation.action {
                Action::Insert(_) => self.insert(step, &inserts).await?,
                Action::Update(statement) => self.update(step, statement).await?,
                Action::Delete(statement) => self.delete(step, statement).await?,
            }
            if self.request.ordered && self.results.have_failed() {
                return Ok(());
            }
            position = end;
        }
        Ok(())
    }

    /// The documents from a position on that go into the same collection without anything in between.
    fn inserts_from(&self, position: usize) -> Vec<RawDoc<'c>> {
        let mut rest = self.request.operations.iter().skip(position).peekable();
        let target = rest.peek().map_or(0, |operation| operation.target);
        rest.map_while(|operation| match operation.action {
            Action::Insert(document) if operation.target == target => Some(document),
            _ => None,
        })
        .collect()
    }

    fn writer<'w>(&'w self, step: Step<'w, 'c>) -> Result<Writer<'w>> {
        let target = step.operation.target;
        let known = self.request.targets.get(target).zip(self.constants.get(target));
        // The request was refused if there were none.
        let (namespace, constants) =
            known.ok_or_else(|| CommandError::bad_value("an operation has no namespace"))?;
        let writer = self.context.writer(namespace, constants, self.request.bypass_validation);
        let numbering = self.retryable.map(|retryable| retryable.numbering(step.position));
        let more_follows = step.next.is_some_and(|next| next.needs_no_look());
        Ok(Writer { backlog: Some(self.backlog), more_follows, numbering, ..writer })
    }

    async fn insert(&mut self, step: Step<'_, 'c>, documents: &[RawDoc<'c>]) -> Result<()> {
        let options = InsertOptions {
            ordered: self.request.ordered,
            keep_empty_timestamps: self.request.keep_empty_timestamps,
            refuse: None,
        };
        let writer = self.writer(step)?;
        let inserted = insert::carry_out(self.context, &writer, documents, options).await?;
        let first = step.position;
        self.retried.extend(inserted.retried.iter().map(|behind| first.saturating_add(*behind)));
        let mut errors = inserted.errors.into_iter().peekable();
        for behind in 0..documents.len() {
            let position = first.saturating_add(behind);
            match errors.next_if(|(failed, _)| *failed == behind) {
                None => self.results.inserted(position),
                Some((_, error)) => {
                    self.results.failed(position, step.operation, &error);
                    if self.request.ordered {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    async fn update(
        &mut self,
        step: Step<'_, 'c>,
        statement: &update::Statement<'c>,
    ) -> Result<()> {
        let outcome = match retrying::result_of(self.retryable, step.position)? {
            Some(result) => {
                self.retried.push(step.position);
                retrying::updated(result)
            }
            None => update::carry_out(self.context, &self.writer(step)?, statement).await,
        };
        match outcome {
            Ok(updated) => self.results.updated(step.position, &updated),
            Err(error) => self.note_failure(step, error)?,
        }
        Ok(())
    }

    async fn delete(
        &mut self,
        step: Step<'_, 'c>,
        statement: &delete::Statement<'c>,
    ) -> Result<()> {
        if retrying::result_of(self.retryable, step.position)?.is_some() {
            self.retried.push(step.position);
            self.results.deleted(step.position, 1);
            return Ok(());
        }
        let writer = self.writer(step)?;
        match delete::carry_out(self.context, &writer, statement, "multi=true").await {
            Ok(n) => self.results.deleted(step.position, n),
            Err(error) => self.note_failure(step, error)?,
        }
        Ok(())
    }

    /// A failure is the operation's own, unless it would be everybody's.
    fn note_failure(&mut self, step: Step<'_, 'c>, error: CommandError) -> Result<()> {
        if ends_command(&error) {
            return Err(error);
        }
        self.results.failed(step.position, step.operation, &error);
        Ok(())
    }
}
