//! The statements of a write command: in an array of the body, or in a sequence beside it.

use crate::arguments::Arguments;
use crate::facts::WRITE_BATCH_MAX;
use crate::server::Context;
use quire_bson::{RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};

/// All statements of the command, whose field and sequence have this name.
pub fn read<'a>(
    context: &Context<'a>,
    arguments: &mut Arguments<'a>,
    name: &str,
) -> Result<Vec<RawDoc<'a>>> {
    let command = context.operation.command;
    if let Some(unknown) = context.request.sequences().find(|sequence| sequence.name != name) {
        return Err(CommandError::new(
            Code::Location(40415),
            format!("BSON field '{command}.{}' is an unknown field.", unknown.name),
        ));
    }
    // The protocol refuses a sequence whose name is also a field of the body.
    let statements = match context.request.sequence(name) {
        Some(sequence) => sequence.collect(),
        None => documents(arguments.array(name)?, command, name)?,
    };
    check_count(&statements)?;
    Ok(statements)
}

fn documents<'a>(array: RawDoc<'a>, command: &str, name: &str) -> Result<Vec<RawDoc<'a>>> {
    let document = |(n, value): (usize, RawValue<'a>)| {
        value.as_document().ok_or_else(|| {
            CommandError::type_mismatch(format!(
                "BSON field '{command}.{name}.{n}' is the wrong type '{}', expected type 'object'",
                value.type_name()
            ))
        })
    };
    array.iter().map(|element| element.value()).enumerate().map(document).collect()
}

fn check_count(statements: &[RawDoc<'_>]) -> Result<()> {
    let max = usize::try_from(WRITE_BATCH_MAX).unwrap_or(0);
    if (1..=max).contains(&statements.len()) {
        return Ok(());
    }
    Err(CommandError::new(
        Code::InvalidLength,
        format!(
            "Write batch sizes must be between 1 and {max}. Got {} operations.",
            statements.len()
        ),
    ))
}

/// Whether a statement names its document by `_id`. Then it need not see the applied state, and the
/// one before it need not be committed first.
pub fn goes_by_id(filter: RawDoc<'_>) -> bool {
    filter.get("_id").is_some()
}
