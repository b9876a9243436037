//! What the server adds to every reply.
//!
//! Owns the set's logical time at a reply's end, the labels by which drivers decide to send a command
//! again, the `topologyVersion` of errors that tell of a change of roles, and what a fail point has
//! said beside or instead of them.

use crate::arguments::integer;
use crate::labels::{self, Numbering, SYSTEM_OVERLOADED, Told};
use crate::persona::{Behaviour, Persona};
use crate::registry::Command;
use crate::reply::append_labels;
use crate::server::{Context, Server};
use quire_bson::{Bson, DocBuilder, RawDoc, RawValue, Timestamp};
use quire_errors::{Code, CommandError};
use quire_failpoints::FailCommand;

/// This member is not what the client took it for.
const NOT_PRIMARY: &[Code] = &[
    Code::PrimarySteppedDown,
    Code::NotWritablePrimary,
    Code::InterruptedDueToReplStateChange,
    Code::NotPrimaryNoSecondaryOk,
    Code::NotPrimaryOrSecondary,
];

const SHUTDOWN: &[Code] = &[Code::ShutdownInProgress, Code::InterruptedAtShutdown];

/// The end of one reply.
#[derive(Clone, Copy)]
pub struct Trailer<'a> {
    server: &'a Server,
    /// `None` for what did not become an operation.
    asked: Option<Asked<'a>>,
}

/// What of the request matters here.
#[derive(Clone, Copy)]
struct Asked<'a> {
    context: &'a Context<'a>,
    numbering: Numbering,
    takes_write_concern: bool,
}

/// What a reply tells of.
pub struct Telling<'a> {
    told: Told,
    /// Labels that the errors bring along.
    labels: &'a [&'static str],
}

impl<'a> Trailer<'a> {
    /// For a request that did not become an operation.
    pub fn bare(server: &'a Server) -> Trailer<'a> {
        Trailer { server, asked: None }
    }

    pub fn new(context: &'a Context<'a>, command: &Command) -> Trailer<'a> {
        let numbering = Numbering::of(command, context.generic);
        let takes_write_concern = command.takes_write_concern;
        let asked = Some(Asked { context, numbering, takes_write_concern });
        Trailer { server: context.server, asked }
    }

    /// Whose words the reply speaks.
    pub fn persona(&self) -> Persona {
        self.server.facts.persona
    }

    fn injected(&self) -> Option<&'a FailCommand> {
        self.asked.and_then(|asked| asked.context.injected)
    }

    /// What a fail point says of the write concern, whatever became of it.
    pub fn injected_write_concern_error(&self) -> Option<RawDoc<'a>> {
        let asked = self.asked.filter(|asked| asked.takes_write_concern)?;
        asked.context.injected?.write_concern_error()
    }

    /// Sums up what the reply tells of: the command's own failure, or that of its write concern.
    pub fn telling<'e>(
        &self,
        error: Option<&'e CommandError>,
        write_concern_error: Option<&'e CommandError>,
    ) -> Telling<'e> {
        let injected = self.injected_write_concern_error().map(code_of);
        let told = Told {
            code: error.map(CommandError::code),
            write_concern_code: injected.unwrap_or(write_concern_error.map(CommandError::code)),
            wrote_nothing: self.asked.is_some_and(|asked| {
                asked.context.client.has_written() && !asked.context.operation.wrote()
            }),
        };
        let own = error.or(write_concern_error);
        Telling { told, labels: own.map(CommandError::labels).unwrap_or_default() }
    }

    /// The labels of a reply.
    fn labels(&self, telling: &Telling<'a>) -> Vec<&'a str> {
        let told = &telling.told;
        if told.code.is_none() && told.write_concern_code.is_none() {
            return Vec::new();
        }
        if let Some(instead) = self.injected().and_then(|injected| injected.labels.as_ref()) {
            return instead.iter().map(String::as_str).collect();
        }
        let mut all: Vec<&str> = telling.labels.to_vec();
        let ordinary = self.asked.filter(|asked| !asked.context.client.is_internal());
        let numbering = ordinary.map_or(Numbering::None, |asked| asked.numbering);
        for label in labels::labels(self.server.facts.persona, numbering, told) {
            if !all.contains(&label) {
                all.push(label);
            }
        }
        all
    }

    /// Appends the labels, and to those of overload how long the client shall wait first.
    pub fn append_labels(&self, b: &mut DocBuilder, telling: &Telling<'a>) {
        let labels = self.labels(telling);
        append_labels(b, &labels);
        let client = self.asked.map(|asked| asked.context.client);
        if labels.contains(&SYSTEM_OVERLOADED)
            && !client.is_some_and(|client| client.is_internal())
            && let Some(millis) = self.server.parameters.client_backoff_millis()
        {
            b.append_i64("baseBackoffMS", millis);
        }
    }

    /// Appends what stands behind everything else.
    pub fn append(&self, b: &mut DocBuilder, telling: &Telling<'_>) {
        let persona = self.server.facts.persona;
        if persona.has(Behaviour::TopologyVersion) && self.tells_of_change(&telling.told) {
            b.append_bson("topologyVersion", &self.version_of_refusal());
        }
        let Some(set) = &self.server.replica_set else { return };
        let operation_time = set.operation_time();
        // A member without a configuration has no time either.
        if operation_time.time == 0 {
            return;
        }
        append_cluster_time(b, set.cluster_time());
        append_timestamp(b, "operationTime", operation_time);
    }

    fn tells_of_change(&self, told: &Told) -> bool {
        let is_ending = self.server.topology.is_shutting_down();
        // A standalone has no roles. It tells of a change only when it means it, so that drivers which
        // take it for gone then hear from its monitor at once.
        if self.server.replica_set.is_none() && self.injected().is_some_and(FailCommand::fails) {
            return false;
        }
        let tells =
            |code: Code| NOT_PRIMARY.contains(&code) || is_ending && SHUTDOWN.contains(&code);
        told.code.is_some_and(tells) || told.write_concern_code.is_some_and(tells)
    }

    /// An error that only a fail point speaks of changes nothing, and drivers shall see that.
    fn version_of_refusal(&self) -> Bson {
        let topology = &self.server.topology;
        match self.injected().is_some_and(FailCommand::fails) {
            true => topology.version(topology.counter()),
            false => topology.version_of_refusal(),
        }
    }
}

/// The code in a `writeConcernError` that a test wrote.
fn code_of(error: RawDoc<'_>) -> Option<Code> {
    let number = integer(error.get("code")?)?;
    i32::try_from(number).ok().map(Code::from_number)
}

fn append_timestamp(b: &mut DocBuilder, name: &str, Timestamp { time, increment }: Timestamp) {
    b.append(name, RawValue::Timestamp { time, increment });
}

/// Nobody signs here: drivers pass the signature on and do not look at it.
fn append_cluster_time(b: &mut DocBuilder, time: Timestamp) {
    b.append_with("$clusterTime", |b| {
        append_timestamp(b, "clusterTime", time);
        b.append_with("signature", |b| {
            b.append("hash", RawValue::Binary { subtype: 0, bytes: &[0; 20] });
            b.append_i64("keyId", 0);
        });
    });
}

#[cfg(test)]
mod tests;
