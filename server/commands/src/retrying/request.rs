//! The fields by which a client numbers a command and its statements.

use crate::arguments::integer;
use crate::server::Context;
use crate::sessions::{session_key, shown};
use quire_bson::{RawDoc, RawValue};
use quire_documents::SessionKey;
use quire_errors::{Code, CommandError, Result};
use quire_execution::writes::StatementIds;

/// The session and number of a command that may be sent again.
pub fn numbered(context: &Context<'_>) -> Result<Option<(SessionKey, i64)>> {
    let generic = context.generic;
    let number = generic.transaction_number.filter(|_| generic.is_retryable_write());
    let (Some(lsid), Some(number)) = (&generic.lsid, number) else { return Ok(None) };
    Ok(Some((session_key(lsid.as_raw())?, number)))
}

/// The ids of a command's statements.
pub fn statement_ids(body: RawDoc<'_>, statements: usize) -> Result<StatementIds> {
    let one = body.get("stmtId").map(|value| statement_id("stmtId", value)).transpose()?;
    let Some(each) = body.get("stmtIds") else { return Ok(StatementIds::From(one.unwrap_or(0))) };
    let RawValue::Array(each) = each else { return Err(wrong_type("stmtIds", each, "array")) };
    if one.is_some() {
        return Err(CommandError::new(
            Code::InvalidOptions,
            "May not specify both stmtId and stmtIds in write command",
        ));
    }
    let each = each.iter().map(|element| statement_id("stmtIds", element.value()));
    let each = each.collect::<Result<Vec<_>>>()?;
    if each.len() != statements {
        return Err(CommandError::new(
            Code::InvalidLength,
            format!(
                "Number of statement ids must match the number of batch entries. Got {} statement \
                 ids but {statements} operations",
                each.len()
            ),
        ));
    }
    Ok(StatementIds::Each(each))
}

fn statement_id(name: &str, value: RawValue<'_>) -> Result<i32> {
    let id = integer(value).and_then(|id| i32::try_from(id).ok());
    id.ok_or_else(|| wrong_type(name, value, "int"))
}

fn wrong_type(name: &str, value: RawValue<'_>, expected: &str) -> CommandError {
    CommandError::type_mismatch(format!(
        "BSON field '{name}' is the wrong type '{}', expected type '{expected}'",
        value.type_name()
    ))
}

/// The error for a number below the one that the session is at.
pub fn too_old(session: &SessionKey, number: i64, newer: i64) -> CommandError {
    CommandError::new(
        Code::TransactionTooOld,
        format!(
            "Retryable write with txnNumber {number} is prohibited on session {} because a newer \
             retryable write with txnNumber {newer} has already started on this session.",
            shown(session)
        ),
    )
}
