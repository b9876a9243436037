//! Which commands there are.
//!
//! Owns the table from names to commands. A command is added by its file and one line here.

use crate::counters::{LatencyClass, OperationClass};
use crate::persona::{Behaviour, Persona};
use crate::reply::Reply;
use crate::server::Context;
use crate::stable_api::Api;
use quire_bson::RawDoc;
use quire_errors::Result;
use quire_execution::wait::Waiting;
use quire_replset::read_preference::Where;
use std::collections::HashMap;
use std::sync::LazyLock;

/// How a command runs.
#[derive(Clone, Copy)]
pub enum Run {
    /// Answers at once.
    Now(for<'a> fn(&'a Context<'a>) -> Result<Reply>),
    /// Waits for something: a commit, a timer, or its turn on the thread.
    Later(for<'a> fn(&'a Context<'a>) -> Waiting<'a, Result<Reply>>),
}

/// Where a command may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Anywhere,
    /// Only to the `admin` database.
    Admin,
}

/// A command and its properties.
pub struct Command {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub scope: Scope,
    /// How it is counted.
    pub class: OperationClass,
    pub latency: LatencyClass,
    /// The first field names a collection, which logs and the profiler show.
    pub on_collection: bool,
    pub takes_write_concern: bool,
    /// Which members of a replica set it runs on.
    pub place: Where,
    /// It can read the state of one moment, by `readConcern: {level: "snapshot"}`.
    pub reads_moments: bool,
    /// It reads as the command did that opened its cursor, whatever read concern comes with it.
    pub reads_as_cursor: bool,
    /// For a command that only sometimes writes: whether a request does. Such a request goes where
    /// reads go, and is handed on from there.
    pub writes_by: Option<fn(RawDoc<'_>) -> bool>,
    /// A client may number it within its session, and send it again under the same number.
    pub retryable: bool,
    /// Which versions of the Stable API have it.
    pub api: Api,
    /// By it a connection begins and is watched: it is let in however much comes in.
    pub always_admitted: bool,
    /// Only there when test commands are.
    pub for_tests: bool,
    /// Only versions that do this have the command.
    pub known: Option<Behaviour>,
    /// One line for `listCommands`.
    pub help: &'static str,
    pub run: Run,
}

impl Command {
    /// A command that is neither read nor write; the rest is set with struct update syntax.
    pub const fn new(name: &'static str, help: &'static str, run: Run) -> Command {
        Command {
            name,
            aliases: &[],
            scope: Scope::Anywhere,
            class: OperationClass::Command,
            latency: LatencyClass::Commands,
            on_collection: false,
            takes_write_concern: false,
            place: Where::Anywhere,
            reads_moments: false,
            reads_as_cursor: false,
            writes_by: None,
            retryable: false,
            api: Api::NONE,
            always_admitted: false,
            for_tests: false,
            known: None,
            help,
            run,
        }
    }

    /// Whether a version has it.
    pub fn is_known_to(&self, persona: Persona) -> bool {
        self.known.is_none_or(|behaviour| persona.has(behaviour))
    }

    /// Whether a request ends when a primary stops being one: what would be written, nobody would
    /// take.
    pub fn is_write(&self, body: RawDoc<'_>) -> bool {
        self.place == Where::Primary || self.writes_by.is_some_and(|writes| writes(body))
    }
}

/// Every command.
static COMMANDS: &[&[&Command]] = &[
    crate::handshake::COMMANDS,
    crate::crud::COMMANDS,
    crate::catalog::COMMANDS,
    crate::diagnostics::COMMANDS,
    crate::administration::COMMANDS,
    crate::session_commands::COMMANDS,
    crate::replica_set::COMMANDS,
    crate::test_commands::COMMANDS,
    crate::access_control::COMMANDS,
    crate::legacy::COMMANDS,
];

static BY_NAME: LazyLock<HashMap<&'static str, &'static Command>> = LazyLock::new(|| {
    let all = COMMANDS.iter().flat_map(|family| family.iter().copied());
    let names = |command: &'static Command| {
        std::iter::once(command.name).chain(command.aliases.iter().copied())
    };
    all.flat_map(|command| names(command).map(move |name| (name, command))).collect()
});

/// The command of this name or alias.
pub fn find(name: &str) -> Option<&'static Command> {
    BY_NAME.get(name).copied()
}

/// All commands in the order of their names.
pub fn all() -> Vec<&'static Command> {
    let mut all: Vec<_> = COMMANDS.iter().flat_map(|family| family.iter().copied()).collect();
    all.sort_by_key(|command| command.name);
    all
}

#[cfg(test)]
mod tests {
    use super::{BY_NAME, all};

    #[test]
    fn no_name_leads_to_two_commands() {
        let names: usize = all().iter().map(|command| 1 + command.aliases.len()).sum();
        assert_eq!(names, BY_NAME.len());
    }

    #[test]
    fn every_command_explains_itself() {
        for command in all() {
            assert!(!command.help.is_empty(), "{} has no help", command.name);
        }
    }
}
