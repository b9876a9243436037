//! Arguments that a version does not know yet.
//!
//! Owns the table of them. A command reads its arguments as the newest version does; what the persona
//! would not know is refused before, with the words that it had for unknown fields.

use super::{Behaviour, Persona, Version};
use quire_bson::{RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};
use quire_protocol::Request;

/// A field of a command, or of its statements.
struct Row {
    command: &'static str,
    /// The array of statements that the field belongs to.
    within: Option<&'static str>,
    field: &'static str,
    /// Before the behaviour is there, the field may have this type and no other.
    was: Option<Was>,
    known: Behaviour,
}

/// What a field might be before it could be anything.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Was {
    Text,
}

const fn top(command: &'static str, field: &'static str, known: Behaviour) -> Row {
    Row { command, within: None, field, was: None, known }
}

const fn text(command: &'static str, field: &'static str, known: Behaviour) -> Row {
    Row { command, within: None, field, was: Some(Was::Text), known }
}

const fn each(
    command: &'static str,
    within: &'static str,
    field: &'static str,
    known: Behaviour,
) -> Row {
    Row { command, within: Some(within), field, was: None, known }
}

static ROWS: &[Row] = &[
    text("aggregate", "comment", Behaviour::Comments),
    top("aggregate", "let", Behaviour::Let),
    top("count", "comment", Behaviour::Comments),
    top("createIndexes", "commitQuorum", Behaviour::CommitQuorum),
    each("createIndexes", "indexes", "hidden", Behaviour::HiddenIndexes),
    top("delete", "comment", Behaviour::Comments),
    top("delete", "let", Behaviour::Let),
    each("delete", "deletes", "hint", Behaviour::HintOnDelete),
    top("distinct", "comment", Behaviour::Comments),
    top("distinct", "hint", Behaviour::HintOnDistinct),
    top("find", "allowDiskUse", Behaviour::FindAllowDiskUse),
    text("find", "comment", Behaviour::Comments),
    top("find", "let", Behaviour::Let),
    top("findAndModify", "comment", Behaviour::Comments),
    top("findAndModify", "hint", Behaviour::HintOnDelete),
    top("findAndModify", "let", Behaviour::Let),
    top("getMore", "comment", Behaviour::Comments),
    top("insert", "comment", Behaviour::Comments),
    top("update", "comment", Behaviour::Comments),
    top("update", "let", Behaviour::Let),
    each("update", "updates", "hint", Behaviour::HintOnUpdate),
    each("update", "updates", "sort", Behaviour::UpdateSort),
];

/// Fields of every command.
static OF_ALL: &[(&str, Behaviour)] = &[
    ("apiVersion", Behaviour::StableApi),
    ("apiStrict", Behaviour::StableApi),
    ("apiDeprecationErrors", Behaviour::StableApi),
];

/// From this version on every argument is known, and nothing need be looked at.
const ALL_KNOWN: Version = newest(ROWS, OF_ALL);

const fn newest(rows: &[Row], of_all: &[(&str, Behaviour)]) -> Version {
    let mut newest = (0, 0);
    let mut n = 0;
    while n < rows.len() {
        newest = later(newest, rows[n].known.span().0);
        n += 1;
    }
    n = 0;
    while n < of_all.len() {
        newest = later(newest, of_all[n].1.span().0);
        n += 1;
    }
    newest
}

const fn later(one: Version, other: Version) -> Version {
    if one.0 > other.0 || one.0 == other.0 && one.1 >= other.1 { one } else { other }
}

/// Refuses what the persona does not know.
pub fn check(persona: Persona, command: &str, request: &Request) -> Result<()> {
    if persona.0.version >= ALL_KNOWN {
        return Ok(());
    }
    let body = request.body();
    for (field, _) in OF_ALL.iter().filter(|(_, known)| !persona.has(*known)) {
        if body.get(field).is_some() {
            return Err(unknown(&format!("{command}.{field}")));
        }
    }
    for row in ROWS.iter().filter(|row| row.command == command && !persona.has(row.known)) {
        row.check(request)?;
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
    fn check(&self, request: &Request) -> Result<()> {
        let Some(list) = self.within else {
            return match request.body().get(self.field) {
                Some(value) => self.refuse(request, value),
                None => Ok(()),
            };
        };
        let there = statements(request, list).find(|one| one.get(self.field).is_some());
        there.map_or(Ok(()), |statement| Err(self.unknown_within(list, statement)))
    }

    /// Each command had words of its own before they were all read in one way.
    fn refuse(&self, request: &Request, value: RawValue<'_>) -> Result<()> {
        let (command, field) = (self.command, self.field);
        let is_text = value.as_str().is_some();
        let words = match (self.was, command) {
            (Some(Was::Text), _) if is_text => return Ok(()),
            (Some(Was::Text), "find") => {
                let body = request.body().to_document();
                CommandError::failed_to_parse(format!(
                    "Failed to parse: {body}. '{field}' field must be of BSON type string."
                ))
            }
            (Some(Was::Text), _) => CommandError::type_mismatch(format!(
                "{field} must be a string, not a {}",
                value.type_name()
            )),
            (None, "find" | "getMore") => {
                let body = request.body().to_document();
                CommandError::failed_to_parse(format!(
                    "Failed to parse: {body}. Unrecognized field '{field}'."
                ))
            }
            (None, "aggregate") => {
                CommandError::failed_to_parse(format!("unrecognized field '{field}'"))
            }
            (None, "findAndModify") => {
                CommandError::location(51177, format!("BSON field '{field}' is an unknown field"))
            }
            (None, "createIndexes") => CommandError::bad_value(format!(
                "Invalid field specified for {command} command: {field}"
            )),
            (None, _) => unknown(&format!("{command}.{field}")),
        };
        Err(words)
    }

    fn unknown_within(&self, list: &str, statement: RawDoc<'_>) -> CommandError {
        let (command, field) = (self.command, self.field);
        match command {
            "createIndexes" => CommandError::new(
                Code::InvalidIndexSpecificationOption,
                format!(
                    "The field '{field}' is not valid for an index specification. Specification: {}",
                    statement.to_document()
                ),
            ),
            _ => unknown(&format!("{command}.{list}.{field}")),
        }
    }
}

fn unknown(path: &str) -> CommandError {
    CommandError::location(40415, format!("BSON field '{path}' is an unknown field."))
}
