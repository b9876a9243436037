//! Retryable writes: commands that a client numbers within its session, so that it may send them
//! again without anything being carried out twice.
//!
//! Owns what happens around the statements of such a command: the session is checked out, what an
//! earlier attempt has done is read, and statements that were carried out are answered from that. What
//! they did is recorded by the entries of their writes; see `quire_execution::writes::Numbering`.
//!
//! | file | what it owns |
//! |---|---|
//! | `checkouts` | which sessions are in use, and what is not certain yet of their last use |
//! | `gate` | the fail point that its commits pass |
//! | `request` | the fields of a numbered command |
//! | `results` | what a statement's record is to a retry of each command |

mod checkouts;
mod gate;
mod request;
mod results;
#[cfg(test)]
mod tests;

pub use checkouts::Checkouts;
pub use results::{Asked, shown, updated};

use crate::counters::Counters;
use crate::server::Context;
use checkouts::CheckedOut;
use gate::Gate;
use quire_bson::{DocBuilder, RawValue};
use quire_documents::StatementResult;
use quire_errors::{Code, CommandError, Result};
use quire_execution::writes::{Numbered, Numbering, Show, Writer};
use quire_execution::{Patience, local_failure};

/// A numbered command on its way, whose session nobody else uses meanwhile.
pub struct Retryable<'a> {
    command: Numbered,
    session: CheckedOut<'a>,
    gate: Gate<'a>,
    counters: &'a Counters,
    patience: &'a Patience,
}

/// Checks the command's session out, if the client has numbered the command; it has this many
/// statements.
pub async fn check_out<'a>(
    context: &'a Context<'_>,
    statements: usize,
) -> Result<Option<Retryable<'a>>> {
    let Some((session, number)) = request::numbered(context)? else { return Ok(None) };
    let ids = request::statement_ids(context.body(), statements)?;
    let sequencer = &context.server.sequencer;
    let patience = context.concerns.patience();
    let mut held = context.server.checkouts.take(sequencer, session, number, patience).await?;
    let standing = sequencer.session_standing(&session)?;
    let header = standing.header.filter(|header| header.number >= number);
    let record = match header {
        Some(header) if header.number > number => {
            return Err(request::too_old(&session, number, header.number));
        }
        Some(header) => {
            let view = sequencer.documents().live();
            Some(view.session_record(&session, header).map_err(local_failure)?)
        }
        None => None,
    };
    held.begin();
    let command = Numbered { session, number, epoch: standing.epoch, ids, record };
    let gate = Gate::new(&context.server.failpoints, context.operation, number);
    let counters = &context.server.counters;
    Ok(Some(Retryable { command, session: held, gate, counters, patience }))
}

impl<'a> Retryable<'a> {
    /// What the statement at a position is recorded under.
    pub fn numbering(&self, position: usize) -> Numbering<'_> {
        Numbering { command: &self.command, position, show: None, gate: &self.gate }
    }

    /// What a statement is recorded under that shows its document.
    pub fn showing<'s>(&'s self, show: &'s Show<'s>) -> Numbering<'s> {
        Numbering { show: Some(show), ..self.numbering(0) }
    }

    /// What the statement at a position did in an earlier attempt.
    pub fn result(&self, position: usize) -> Result<Option<&StatementResult>> {
        self.command.result(position)
    }

    /// Everything that was written has been waited for: the session is free for whoever comes next.
    /// What did not commit in time has no fate yet; a retry waits for it.
    pub fn settled(self) -> Settled<'a> {
        if !self.patience.is_over() {
            self.session.settled();
        }
        Settled { command: self.command, counters: self.counters }
    }
}

/// A numbered command that is done.
pub struct Settled<'a> {
    command: Numbered,
    counters: &'a Counters,
}

impl Settled<'_> {
    /// Tells which statements were carried out by an earlier attempt.
    pub fn append_retried(&self, reply: &mut DocBuilder, positions: &[usize]) {
        if positions.is_empty() {
            return;
        }
        self.counters.retried(positions.len());
        reply.append_array("retriedStmtIds", |list| {
            for position in positions {
                list.push(RawValue::Int32(self.command.ids.at(*position)));
            }
        });
    }

    /// The same, for a command of one statement.
    pub fn append_retried_one(&self, reply: &mut DocBuilder) {
        self.counters.retried(1);
        reply.append_i32("retriedStmtId", self.command.ids.at(0));
    }
}

/// The result of a statement of a command that may be numbered.
pub fn result_of<'r>(
    retryable: Option<&'r Retryable<'_>>,
    position: usize,
) -> Result<Option<&'r StatementResult>> {
    match retryable {
        Some(retryable) => retryable.result(position),
        None => Ok(None),
    }
}

/// Refuses a statement over many documents in a command that may be sent again.
pub fn refuse_many(writer: &Writer<'_>, option: &str) -> Result<()> {
    if writer.numbering.is_none() {
        return Ok(());
    }
    Err(CommandError::new(
        Code::InvalidOptions,
        format!("Cannot use (or request) retryable writes with {option}"),
    ))
}
