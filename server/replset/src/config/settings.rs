//! The settings of a set as a whole: how long it waits for what, and which write concerns it names.

use super::modes::WriteMode;
use super::number;
use crate::fields::{Fields, saturating_i64};
use quire_bson::{Bson, Document, Number, ObjectId, RawDoc, RawValue, doc};
use quire_errors::{CommandError, Result};

/// How long a primary may be silent. A tenth of MongoDB's: heartbeats here are cheap, and a failover
/// takes a second instead of ten.
pub const ELECTION_TIMEOUT_MILLIS: i64 = 1000;

const MILLIS_MAX: i64 = i32::MAX as i64;

/// The settings of a set as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Kept for those who read it back; here the leader sends to every member.
    pub chaining_allowed: bool,
    pub heartbeat_interval_millis: i64,
    pub heartbeat_timeout_secs: i64,
    pub election_timeout_millis: i64,
    pub catch_up_timeout_millis: i64,
    pub catch_up_takeover_delay_millis: i64,
    pub write_modes: Vec<WriteMode>,
    /// Drawn when the set is initiated; tells two sets of one name apart.
    pub replica_set_id: Option<ObjectId>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            chaining_allowed: true,
            heartbeat_interval_millis: 2000,
            heartbeat_timeout_secs: 10,
            election_timeout_millis: ELECTION_TIMEOUT_MILLIS,
            catch_up_timeout_millis: -1,
            catch_up_takeover_delay_millis: 30_000,
            write_modes: Vec::new(),
            replica_set_id: None,
        }
    }
}

impl Settings {
    pub(super) fn parse(doc: RawDoc<'_>) -> Result<Settings> {
        let mut fields = Fields::read("ReplSetConfigSettings", doc)?;
        let mut settings = Settings::default();
        let numbers = [
            ("heartbeatIntervalMillis", 1, &mut settings.heartbeat_interval_millis),
            ("heartbeatTimeoutSecs", 1, &mut settings.heartbeat_timeout_secs),
            ("electionTimeoutMillis", 1, &mut settings.election_timeout_millis),
            ("catchUpTimeoutMillis", -1, &mut settings.catch_up_timeout_millis),
            ("catchUpTakeoverDelayMillis", -1, &mut settings.catch_up_takeover_delay_millis),
        ];
        for (name, min, target) in numbers {
            if let Some(n) = fields.integer(name, min..=MILLIS_MAX)? {
                *target = n;
            }
        }
        settings.chaining_allowed = fields.flag("chainingAllowed")?.unwrap_or(true);
        if let Some(modes) = fields.doc("getLastErrorModes")? {
            settings.write_modes = WriteMode::parse_all(modes)?;
        }
        if let Some(defaults) = fields.doc("getLastErrorDefaults")? {
            check_defaults(defaults)?;
        }
        settings.replica_set_id = match fields.take("replicaSetId") {
            None => None,
            Some(RawValue::ObjectId(id)) if id.bytes() == [0; 12] => {
                return Err(CommandError::bad_value("replicaSetId field value cannot be null"));
            }
            Some(RawValue::ObjectId(id)) => Some(id),
            Some(other) => return Err(fields.wrong_type("replicaSetId", other, "objectId")),
        };
        fields.finish()?;
        Ok(settings)
    }

    pub(super) fn to_document(&self) -> Document {
        let modes = self.write_modes.iter();
        let modes: Document =
            modes.map(|mode| (mode.name.clone(), Bson::from(mode.to_document()))).collect();
        let mut doc = doc! {
            "chainingAllowed": self.chaining_allowed,
            "heartbeatIntervalMillis": number(self.heartbeat_interval_millis),
            "heartbeatTimeoutSecs": number(self.heartbeat_timeout_secs),
            "electionTimeoutMillis": number(self.election_timeout_millis),
            "catchUpTimeoutMillis": number(self.catch_up_timeout_millis),
            "catchUpTakeoverDelayMillis": number(self.catch_up_takeover_delay_millis),
            "getLastErrorModes": modes,
            "getLastErrorDefaults": { "w": 1, "wtimeout": 0 },
        };
        if let Some(id) = self.replica_set_id {
            doc.insert("replicaSetId", id);
        }
        doc
    }
}

/// The only default that may still be written here is the one every configuration shows: others are
/// set by `setDefaultRWConcern`.
fn check_defaults(doc: RawDoc<'_>) -> Result<()> {
    let is_shown = doc.iter().all(|element| {
        let number = Number::from_raw(element.value()).map(saturating_i64);
        match element.key() {
            "w" => number == Some(1),
            "wtimeout" => number == Some(0),
            "j" | "fsync" => element.value().as_bool() == Some(false),
            _ => false,
        }
    });
    if is_shown {
        return Ok(());
    }
    Err(CommandError::bad_value(
        "settings.getLastErrorDefaults is no longer supported: it must be {w: 1, wtimeout: 0} or \
         not be there. Use the setDefaultRWConcern command instead",
    ))
}
