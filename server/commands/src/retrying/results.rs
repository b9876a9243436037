//! What a statement's record is to a retry.
//!
//! Owns the answers that are given from records, and the refusal of retries that ask for something
//! else than what was recorded.

use quire_bson::{Bson, DocBuf, RawValue};
use quire_documents::{ShownChange, StatementResult};
use quire_errors::{Code, CommandError, Result};
use quire_execution::writes::Updated;

/// The outcome of an update that was carried out before.
pub fn updated(result: &StatementResult) -> Result<Updated> {
    let changed = || Updated { matched: 1, modified: 1, upserted: None };
    match result {
        StatementResult::Updated | StatementResult::Shown { change: ShownChange::Updated, .. } => {
            Ok(changed())
        }
        StatementResult::Upserted(id) => Ok(upserted(id.as_raw().get("_id"))),
        StatementResult::Shown { change: ShownChange::Upserted, reply, .. } => {
            let last = reply.as_raw().get("lastErrorObject").and_then(RawValue::as_document);
            Ok(upserted(last.and_then(|last| last.get("upserted"))))
        }
        StatementResult::Inserted => Err(incomplete("the inserted document's _id")),
        StatementResult::Deleted | StatementResult::Shown { change: ShownChange::Deleted, .. } => {
            Err(CommandError::location(
                40638,
                "update retry request is not compatible with previous write in the transaction of type: \
             d",
            ))
        }
    }
}

fn upserted(id: Option<RawValue<'_>>) -> Updated {
    let id = id.map_or(Bson::Null, RawValue::to_bson);
    Updated { upserted: Some(id), ..Updated::default() }
}

/// What a retry of findAndModify asks for.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub remove: bool,
    pub upsert: bool,
    pub new: bool,
}

/// The answer to a findAndModify that was carried out before.
pub fn shown(result: &StatementResult, asked: Asked) -> Result<&DocBuf> {
    let incompatible = |code, kind: &str| {
        CommandError::location(
            code,
            format!(
                "findAndModify retry request is not compatible with previous write in the \
                 transaction of type: {kind}"
            ),
        )
    };
    let (change, kept) = match result {
        StatementResult::Shown { change, after, reply } => (*change, Some((*after, reply))),
        StatementResult::Updated => (ShownChange::Updated, None),
        StatementResult::Inserted | StatementResult::Upserted(_) => (ShownChange::Upserted, None),
        StatementResult::Deleted => (ShownChange::Deleted, None),
    };
    match change {
        ShownChange::Deleted if !asked.remove => return Err(incompatible(40606, "d")),
        ShownChange::Upserted if !asked.upsert => return Err(incompatible(40608, "i")),
        ShownChange::Updated if asked.remove => return Err(incompatible(40609, "u")),
        ShownChange::Deleted | ShownChange::Upserted | ShownChange::Updated => {}
    }
    let Some((after, reply)) = kept else { return Err(incomplete("the document")) };
    if change == ShownChange::Updated && after != asked.new {
        let (code, wanted, stored) =
            if asked.new { (40611, "after", "before") } else { (40612, "before", "after") };
        return Err(CommandError::location(
            code,
            format!(
                "findAndModify retry request wants the document {wanted} update returned, but only \
                 {stored} update document is stored"
            ),
        ));
    }
    Ok(reply)
}

/// The error for a retry that the record does not suffice for.
fn incomplete(what: &str) -> CommandError {
    CommandError::new(
        Code::IncompleteTransactionHistory,
        format!("the statement was carried out by another command, and {what} was not kept"),
    )
}
