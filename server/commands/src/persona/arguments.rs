//! Arguments that a version does not know yet.
//!
//! Owns the table of them. A command reads its arguments as the newest version does; what the persona
//! would not know is refused before, with the words that it had for unknown fields.

use super::{Behaviour, Persona};
use quire_bson::{RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};
use quire_protocol::Request;

/// A field of a command, or of its statements.
struct Row {
    command: &'static str,
    /// The array of statements that the field belongs to.
    within: Option<&'static str>,
    field: &'static str,
    known: Behaviour,
}

const fn top(command: &'static str, field: &'static str, known: Behaviour) -> Row {
    Row { command, within: None, field, known }
}

const fn each(
    command: &'static str,
    within: &'static str,
    field: &'static str,
    known: Behaviour,
) -> Row {
    Row { command, within: Some(within), field, known }
}

static ROWS: &[Row] = &[
    top("find", "allowDiskUse", Behaviour::FindAllowDiskUse),
    top("find", "let", Behaviour::Let),
    top("aggregate", "let", Behaviour::Let),
    top("update", "let", Behaviour::Let),
    top("delete", "let", Behaviour::Let),
    top("findAndModify", "let", Behaviour::Let),
    top("findAndModify", "hint", Behaviour::HintOnDelete),
    each("delete", "deletes", "hint", Behaviour::HintOnDelete),
    each("update", "updates", "sort", Behaviour::UpdateSort),
];

/// Fields of every command.
static OF_ALL: &[(&str, Behaviour)] = &[
    ("apiVersion", Behaviour::StableApi),
    ("apiStrict", Behaviour::StableApi),
    ("apiDeprecationErrors", Behaviour::StableApi),
];

/// Refuses what the persona does not know.
pub fn check(persona: Persona, command: &str, request: &Request) -> Result<()> {
    for (field, _) in OF_ALL.iter().filter(|(_, known)| !persona.has(*known)) {
        if request.body().get(field).is_some() {
            return Err(unknown(&format!("{command}.{field}")));
        }
    }
    for row in ROWS.iter().filter(|row| row.command == command && !persona.has(row.known)) {
        let is_there = match row.within {
            None => request.body().get(row.field).is_some(),
            Some(list) => statements(request, list).any(|one| one.get(row.field).is_some()),
        };
        if is_there {
            return Err(unknown(&row.path()));
        }
    }
    Ok(())
}

/// The statements of a batch, wherever in the message they are.
fn statements<'a>(request: &'a Request, list: &'static str) -> impl Iterator<Item = RawDoc<'a>> {
    let inline = request.body().get(list).and_then(RawValue::as_array);
    let inline = inline.into_iter().flatten().filter_map(|element| element.value().as_document());
    inline.chain(request.sequence(list).into_iter().flatten())
}

impl Row {
    fn path(&self) -> String {
        match self.within {
            Some(list) => format!("{}.{list}.{}", self.command, self.field),
            None => format!("{}.{}", self.command, self.field),
        }
    }
}

fn unknown(path: &str) -> CommandError {
    CommandError::new(Code::Location(40415), format!("BSON field '{path}' is an unknown field."))
}
