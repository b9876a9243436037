//! Commands that a client may send again under the number it gave them.
//!
//! Owns what such a command knows of itself: the ids of its statements, which of them were carried
//! out before and what they did, and what is recorded of those that are carried out now.

use super::Found;
use crate::{CommitGate, Recording};
use quire_bson::{Bson, DocBuf, DocBuilder};
use quire_documents::{SessionKey, SessionRecord, StatementResult};
use quire_errors::{Code, CommandError, Result};

/// The ids of a command's statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementIds {
    /// One after the other, from this one on.
    From(i32),
    Each(Vec<i32>),
}

impl StatementIds {
    /// The id of the statement at a position.
    pub fn at(&self, position: usize) -> i32 {
        match self {
            StatementIds::From(first) => {
                first.wrapping_add(i32::try_from(position).unwrap_or(i32::MAX))
            }
            StatementIds::Each(ids) => ids.get(position).copied().unwrap_or(i32::MAX),
        }
    }
}

/// A command with a number.
#[derive(Debug)]
pub struct Numbered {
    pub session: SessionKey,
    pub number: i64,
    /// The epoch in which the record was read.
    pub epoch: u64,
    pub ids: StatementIds,
    /// What is known of an earlier attempt.
    pub record: Option<SessionRecord>,
}

impl Numbered {
    /// What the statement at a position did in an earlier attempt, if it was carried out.
    pub fn result(&self, position: usize) -> Result<Option<&StatementResult>> {
        let Some(record) = &self.record else { return Ok(None) };
        match record.result(self.ids.at(position)) {
            None if !record.is_complete => Err(CommandError::new(
                Code::IncompleteTransactionHistory,
                format!("the record of command {} of the session is not complete", self.number),
            )),
            known => Ok(known),
        }
    }
}

/// Tells what is recorded of a document that is shown to the client.
pub type Show<'a> = dyn Fn(&Found) -> Result<StatementResult> + Send + Sync + 'a;

/// One statement of a numbered command, or the first of those that are carried out together.
#[derive(Clone, Copy)]
pub struct Numbering<'a> {
    pub command: &'a Numbered,
    pub position: usize,
    /// For a statement that shows its document.
    pub show: Option<&'a Show<'a>>,
    pub gate: &'a dyn CommitGate,
}

impl<'a> Numbering<'a> {
    /// Whether an earlier attempt has carried out the statement that is this many behind.
    pub(super) fn was_carried_out(&self, behind: usize) -> Result<bool> {
        let result = self.command.result(self.position.saturating_add(behind))?;
        Ok(result.is_some())
    }

    /// What is recorded of inserted documents; they may belong to the commit of those before them.
    pub(super) fn inserts(&self, positions: &[usize], goes_on: bool) -> Recording<'a> {
        let inserted = |position: &usize| {
            let position = self.position.saturating_add(*position);
            (self.command.ids.at(position), StatementResult::Inserted)
        };
        let recording = self.recording(positions.iter().map(inserted).collect());
        Recording { gate: recording.gate.filter(|_| !goes_on), ..recording }
    }

    /// What is recorded of the one document that the statement changes.
    pub(super) fn change(&self, found: &Found) -> Result<Recording<'a>> {
        let result = match self.show {
            Some(show) => show(found)?,
            None => plain(found),
        };
        Ok(self.recording(vec![(self.command.ids.at(self.position), result)]))
    }

    fn recording(&self, statements: Vec<(i32, StatementResult)>) -> Recording<'a> {
        let Numbered { session, number, epoch, .. } = self.command;
        Recording {
            session: *session,
            number: *number,
            epoch: *epoch,
            statements,
            gate: Some(self.gate),
        }
    }
}

fn plain(found: &Found) -> StatementResult {
    match (&found.upserted, &found.after) {
        (Some(id), _) => StatementResult::Upserted(id_alone(id)),
        (None, Some(_)) => StatementResult::Updated,
        (None, None) => StatementResult::Deleted,
    }
}

fn id_alone(id: &Bson) -> DocBuf {
    let mut alone = DocBuilder::new();
    alone.append_bson("_id", id);
    alone.finish()
}
