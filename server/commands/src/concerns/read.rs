//! Read concerns on a member of a set.
//!
//! What is applied is committed, and nothing committed is ever undone: so `local`, `available` and
//! `majority` read the same state. `linearizable` and `afterClusterTime` wait before they read it.
//! `snapshot` reads the state of one moment ([`super::moment`]).

use super::defaults;
use crate::counters::LatencyClass;
use crate::persona::Behaviour;
use crate::registry::Command;
use crate::server::Server;
use quire_bson::{RawDoc, RawValue, Timestamp};
use quire_errors::{Code, CommandError, Result};
use quire_replset::ReplicaSet;

/// How sure a reader wants to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    #[default]
    Local,
    Available,
    Majority,
    Linearizable,
    Snapshot,
}

const LEVELS: &[(&str, Level)] = &[
    ("local", Level::Local),
    ("available", Level::Available),
    ("majority", Level::Majority),
    ("linearizable", Level::Linearizable),
    ("snapshot", Level::Snapshot),
];

impl Level {
    pub fn parse(value: RawValue<'_>) -> Result<Level> {
        let Some(name) = value.as_str() else {
            return Err(wrong_type("level", value, "string"));
        };
        let known = LEVELS.iter().find(|(own, _)| *own == name).map(|(_, level)| *level);
        known.ok_or_else(|| {
            CommandError::bad_value(format!(
                "Enumeration value '{name}' for field 'readConcern.level' is not a valid value."
            ))
        })
    }

    pub fn name(self) -> &'static str {
        LEVELS.iter().find(|(_, level)| *level == self).map_or("local", |(name, _)| name)
    }
}

/// What a reader asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadConcern {
    /// `None` leaves it to the default.
    pub level: Option<Level>,
    after: Option<Timestamp>,
    /// The moment to read, where the client names it.
    at: Option<Timestamp>,
}

impl ReadConcern {
    /// The concern of a request, the set's default where it leaves the level open.
    pub(super) fn of(
        server: &Server,
        command: &Command,
        concern: Option<RawDoc<'_>>,
    ) -> Result<ReadConcern> {
        let is_read = command.latency == LatencyClass::Reads;
        let mut read = concern.map(ReadConcern::parse).transpose()?.unwrap_or_default();
        if !command.reads_as_cursor {
            read.check(command, is_read)?;
        } else if read.after.is_some() {
            return Err(invalid("afterClusterTime is not allowed for this command"));
        }
        if read.is_of_moment() && !server.facts.persona.has(Behaviour::MomentReads) {
            return Err(invalid("readConcern level snapshot is only valid in a transaction"));
        }
        if command.reads_as_cursor {
            // Drivers send a snapshot session's concern with every command; the cursor has its own.
            return Ok(ReadConcern::default());
        }
        if is_read && read.level.is_none() && read.after.is_none() {
            read.level = defaults::read_level(server)?;
        }
        Ok(read)
    }

    pub fn parse(concern: RawDoc<'_>) -> Result<ReadConcern> {
        let mut read = ReadConcern::default();
        for element in concern {
            let value = element.value();
            match element.key() {
                "level" => read.level = Some(Level::parse(value)?),
                "afterClusterTime" => read.after = Some(time("afterClusterTime", value)?),
                "atClusterTime" => read.at = Some(time("atClusterTime", value)?),
                "provenance" => {}
                other => {
                    return Err(CommandError::location(
                        40415,
                        format!("BSON field 'readConcern.{other}' is an unknown field."),
                    ));
                }
            }
        }
        if read.at.is_some() && read.after.is_some() {
            return Err(invalid(
                "Specifying a timestamp for readConcern snapshot in a causally consistent session \
                 is not allowed. See \
                 https://docs.mongodb.com/manual/core/read-isolation-consistency-recency/\
                 #causal-consistency",
            ));
        }
        if read.at.is_some() && read.level != Some(Level::Snapshot) {
            return Err(invalid(
                "readConcern.atClusterTime is only valid when the level is equal to 'snapshot'",
            ));
        }
        Ok(read)
    }

    fn check(self, command: &Command, is_read: bool) -> Result<()> {
        let level = self.level.unwrap_or_default();
        if self.after.is_some() && matches!(level, Level::Available | Level::Linearizable) {
            return Err(invalid(
                "afterClusterTime field can be set only if level is equal to majority, local, or \
                 snapshot",
            ));
        }
        let is_given = match level {
            Level::Local | Level::Available => true,
            Level::Majority | Level::Linearizable => is_read,
            Level::Snapshot => command.reads_moments,
        };
        if is_given {
            return Ok(());
        }
        let why = match level {
            Level::Snapshot if is_read => "read concern snapshot not supported",
            _ => "read concern not supported",
        };
        Err(invalid(format!(
            "Command {} does not support {{ readConcern: {{ level: \"{}\", provenance: \
             \"clientSupplied\" }} }} :: caused by :: {why}",
            command.name,
            level.name()
        )))
    }

    pub fn needs_waiting(self) -> bool {
        self.after.is_some() || matches!(self.level, Some(Level::Linearizable | Level::Snapshot))
    }

    /// Whether it asks for the state of one moment.
    pub(super) fn is_of_moment(self) -> bool {
        self.level == Some(Level::Snapshot)
    }

    /// The moment that the client names.
    pub(super) fn at(self) -> Option<Timestamp> {
        self.at
    }

    /// Waits until this member may answer.
    pub(super) async fn wait(self, set: &ReplicaSet) -> Result<()> {
        if self.level == Some(Level::Linearizable) {
            if !set.standing().is_writable {
                return Err(CommandError::new(
                    Code::NotWritablePrimary,
                    "cannot satisfy linearizable read concern on non-primary node",
                ));
            }
            set.read_barrier().await?;
        }
        match self.after {
            Some(after) => set.await_time("afterClusterTime", after).await,
            None => Ok(()),
        }
    }
}

fn time(name: &str, value: RawValue<'_>) -> Result<Timestamp> {
    match value {
        RawValue::Timestamp { time: 0, increment: 0 } => {
            Err(invalid(format!("{name} cannot be a null timestamp")))
        }
        RawValue::Timestamp { time, increment } => Ok(Timestamp { time, increment }),
        other => Err(wrong_type(name, other, "timestamp")),
    }
}

fn wrong_type(name: &str, value: RawValue<'_>, expected: &str) -> CommandError {
    CommandError::type_mismatch(format!(
        "BSON field 'readConcern.{name}' is the wrong type '{}', expected type '{expected}'",
        value.type_name()
    ))
}

fn invalid(message: impl Into<String>) -> CommandError {
    CommandError::new(Code::InvalidOptions, message)
}
