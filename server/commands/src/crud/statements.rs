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
    refuse_sequences_but(context, &[name])?;
    let statements = list(context, arguments, name)?;
    check_count(statements.len())?;
    Ok(statements)
}

/// Refuses sequences that the command does not know.
pub fn refuse_sequences_but(context: &Context<'_>, known: &[&str]) -> Result<()> {
    let mut sequences = context.request.sequences();
    if let Some(unknown) = sequences.find(|sequence| !known.contains(&sequence.name)) {
        let command = context.operation.command;
        return Err(CommandError::new(
            Code::Location(40415),
            format!("BSON field '{command}.{}' is an unknown field.", unknown.name),
        ));
    }
    Ok(())
}

/// The documents of a field or sequence of this name, however many there are.
pub fn list<'a>(
    context: &Context<'a>,
    arguments: &mut Arguments<'a>,
    name: &str,
) -> Result<Vec<RawDoc<'a>>> {
    // The protocol refuses a sequence whose name is also a field of the body.
    match context.request.sequence(name) {
        Some(sequence) => Ok(sequence.collect()),
        None => documents(arguments.array(name)?, context.operation.command, name),
    }
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

/// Refuses a command with no statements, or with too many.
pub fn check_count(statements: usize) -> Result<()> {
    let max = usize::try_from(WRITE_BATCH_MAX).unwrap_or(0);
    if (1..=max).contains(&statements) {
        return Ok(());
    }
    Err(CommandError::new(
        Code::InvalidLength,
        format!("Write batch sizes must be between 1 and {max}. Got {statements} operations."),
    ))
}

/// Whether a statement names its document by `_id`. Then it need not see the applied state, and the
/// one before it need not be committed first.
pub fn goes_by_id(filter: RawDoc<'_>) -> bool {
    filter.get("_id").is_some()
}
