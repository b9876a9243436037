//! The parameters that mean something here.
//!
//! Owns their names, defaults, bounds and when they may be set. A parameter is added by one constant
//! and one line of [`ALL`]; whoever honours it asks a typed getter of [`super::Parameters`].

use super::{ingress, verbosity};
use crate::persona::{Behaviour, Persona};
use quire_bson::{Bson, Document, doc};
use quire_errors::CommandError;
use std::fmt;

/// When a parameter may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settable {
    Never,
    AtStart,
    Anytime,
}

impl Settable {
    pub fn at_start(self) -> bool {
        matches!(self, Settable::AtStart | Settable::Anytime)
    }

    pub fn at_run_time(self) -> bool {
        self == Settable::Anytime
    }
}

/// Why a value was not accepted.
#[derive(Debug)]
pub struct SettingRefused(String);

impl SettingRefused {
    pub(super) fn new(why: impl Into<String>) -> SettingRefused {
        SettingRefused(why.into())
    }

    pub(super) fn into_error(self) -> CommandError {
        CommandError::bad_value(self.0)
    }
}

pub(super) type Accepted = Result<Bson, SettingRefused>;

/// The kind of a parameter's values.
pub(super) enum Kind {
    Bool(bool),
    Int { default: i32, min: i32, max: i32 },
    Long { default: i64, min: i64, max: i64 },
    Double { default: f64, min: f64, max: f64 },
    Text { default: &'static str, bytes_max: usize },
    Other { default: fn() -> Bson, accept: fn(&Bson) -> Accepted },
}

/// One parameter.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) settable: Settable,
    kind: Kind,
    /// Only versions that do this have it.
    known: Option<Behaviour>,
    /// What the log says when it is set.
    pub(super) warning: Option<&'static str>,
}

impl Parameter {
    pub(super) const fn new(name: &'static str, settable: Settable, kind: Kind) -> Parameter {
        Parameter { name, settable, kind, known: None, warning: None }
    }

    /// The same for versions that do this.
    pub(super) const fn with(self, behaviour: Behaviour) -> Parameter {
        Parameter { known: Some(behaviour), ..self }
    }

    fn is_known_to(&self, persona: Persona) -> bool {
        self.known.is_none_or(|behaviour| persona.has(behaviour))
    }

    pub(super) fn default_value(&self) -> Bson {
        match self.kind {
            Kind::Bool(default) => Bson::Boolean(default),
            Kind::Int { default, .. } => Bson::Int32(default),
            Kind::Long { default, .. } => Bson::Int64(default),
            Kind::Double { default, .. } => Bson::Double(default),
            Kind::Text { default, .. } => Bson::from(default),
            Kind::Other { default, .. } => default(),
        }
    }

    /// The value as it is kept, when it is one this parameter may have.
    pub(super) fn accept(&self, value: &Bson) -> Accepted {
        match self.kind {
            Kind::Bool(_) => self.accept_bool(value),
            Kind::Int { min, max, .. } => {
                let whole = self.accept_whole(value, i64::from(min), i64::from(max))?;
                i32::try_from(whole).map(Bson::Int32).map_err(|_| self.no_number(value))
            }
            Kind::Long { min, max, .. } => self.accept_whole(value, min, max).map(Bson::Int64),
            Kind::Double { min, max, .. } => self.accept_double(value, min, max),
            Kind::Text { bytes_max, .. } => self.accept_text(value, bytes_max),
            Kind::Other { accept, .. } => accept(value),
        }
    }

    fn accept_bool(&self, value: &Bson) -> Accepted {
        let flag = match value {
            Bson::Boolean(flag) => Some(*flag),
            Bson::String(text) => text.parse().ok(),
            number => whole_number(number).map(|n| n != 0),
        };
        flag.map(Bson::Boolean).ok_or_else(|| {
            let name = self.name;
            SettingRefused::new(format!(
                "Invalid value for parameter {name}: {value} is not a boolean"
            ))
        })
    }

    fn accept_whole(&self, value: &Bson, min: i64, max: i64) -> Result<i64, SettingRefused> {
        let whole = match value {
            Bson::Boolean(flag) => Some(i64::from(*flag)),
            number => whole_number(number),
        };
        let whole = whole.ok_or_else(|| self.no_number(value))?;
        check_bounds(self.name, whole, min, max)?;
        Ok(whole)
    }

    fn accept_double(&self, value: &Bson, min: f64, max: f64) -> Accepted {
        let number = match value {
            Bson::Double(x) if !x.is_nan() => Some(*x),
            other => whole_number(other).map(|whole| whole as f64),
        };
        let number = number.ok_or_else(|| self.no_number(value))?;
        check_bounds(self.name, number, min, max)?;
        Ok(Bson::Double(number))
    }

    fn accept_text(&self, value: &Bson, bytes_max: usize) -> Accepted {
        let name = self.name;
        match value {
            Bson::String(text) if text.len() <= bytes_max => Ok(value.clone()),
            Bson::String(_) => Err(SettingRefused::new(format!(
                "Value for parameter {name} must be no more than {bytes_max} bytes"
            ))),
            _ => Err(SettingRefused::new(format!(
                "Invalid value for parameter {name}: {value} is not a string"
            ))),
        }
    }

    fn no_number(&self, value: &Bson) -> SettingRefused {
        let name = self.name;
        SettingRefused::new(format!("Invalid value for parameter {name}: {value} is not a number"))
    }
}

fn check_bounds<T: PartialOrd + fmt::Display>(
    name: &str,
    value: T,
    min: T,
    max: T,
) -> Result<(), SettingRefused> {
    let (comparison, bound) = match () {
        () if value < min => ("greater", min),
        () if value > max => ("less", max),
        () => return Ok(()),
    };
    Err(SettingRefused::new(format!(
        "Invalid value for parameter {name}: {value} is not {comparison} than or equal to {bound}"
    )))
}

/// A number without a fraction.
pub(super) fn whole_number(value: &Bson) -> Option<i64> {
    match value {
        Bson::Int32(n) => Some(i64::from(*n)),
        Bson::Int64(n) => Some(*n),
        Bson::Double(x) if x.is_finite() => Some(*x as i64),
        _ => None,
    }
}

const INT_MAX: i32 = i32::MAX;

/// Drivers' tests see commands being deprecated and removed in a second version of the Stable API.
pub(super) static ACCEPT_API_VERSION_2: Parameter =
    Parameter::new("acceptApiVersion2", Settable::AtStart, Kind::Bool(false))
        .with(Behaviour::StableApi);

pub(super) static AUTHENTICATION_MECHANISMS: Parameter = Parameter {
    warning: Some("Clients cannot authenticate: authenticationMechanisms has no effect yet"),
    ..Parameter::new(
        "authenticationMechanisms",
        Settable::AtStart,
        Kind::Other { default: || Bson::Array(Vec::new()), accept: accept_mechanisms },
    )
};

pub(super) static AUTOMATION_DESCRIPTOR: Parameter = Parameter::new(
    "automationServiceDescriptor",
    Settable::Anytime,
    Kind::Text { default: "", bytes_max: 64 },
);

pub(super) static CURSOR_MONITOR_FREQUENCY: Parameter = Parameter::new(
    "clientCursorMonitorFrequencySecs",
    Settable::Anytime,
    Kind::Int { default: 4, min: 1, max: INT_MAX },
);

pub(super) static CURSOR_TIMEOUT: Parameter = Parameter::new(
    "cursorTimeoutMillis",
    Settable::Anytime,
    Kind::Long { default: 600_000, min: 1, max: i64::MAX },
);

pub(super) static CURSORS_OF_SESSIONS_TIME_OUT: Parameter =
    Parameter::new("enableTimeoutOfInactiveSessionCursors", Settable::Anytime, Kind::Bool(false));

pub(super) static ENABLE_TEST_COMMANDS: Parameter =
    Parameter::new("enableTestCommands", Settable::AtStart, Kind::Bool(false));

pub(super) fn feature_version(persona: Persona) -> Bson {
    Bson::from(doc! { "version": persona.feature_compatibility_version() })
}

pub(super) static FEATURE_VERSION: Parameter = Parameter::new(
    "featureCompatibilityVersion",
    Settable::Never,
    Kind::Other {
        default: || feature_version(Persona::default()),
        accept: |value| Ok(value.clone()),
    },
);

pub(super) static SESSION_TIMEOUT_MINUTES: Parameter = Parameter::new(
    "localLogicalSessionTimeoutMinutes",
    Settable::AtStart,
    Kind::Int { default: 30, min: 1, max: INT_MAX },
);

static LOG_COMPONENTS: Parameter = Parameter::new(
    verbosity::COMPONENTS,
    Settable::Anytime,
    Kind::Other { default: verbosity::defaults, accept: verbosity::accept },
);

pub(super) static LOG_LEVEL: Parameter = Parameter::new(
    verbosity::LEVEL,
    Settable::Anytime,
    Kind::Int { default: 0, min: 0, max: verbosity::LEVEL_MAX },
);

pub(super) static SESSION_REFRESH: Parameter = Parameter::new(
    "logicalSessionRefreshMillis",
    Settable::AtStart,
    Kind::Int { default: 300_000, min: 1, max: INT_MAX },
);

/// Nesting is bounded where bytes come in, by a constant.
static DEPTH_MAX: Parameter = Parameter::new(
    "maxBSONDepth",
    Settable::AtStart,
    Kind::Int { default: 200, min: 200, max: 200 },
);

pub(super) static LOG_SIZE_MAX: Parameter = Parameter::new(
    "maxLogSizeKB",
    Settable::Anytime,
    Kind::Int { default: 10, min: 0, max: INT_MAX },
);

/// For how long the state of one moment can be read.
pub(super) static SNAPSHOT_WINDOW: Parameter = Parameter::new(
    "minSnapshotHistoryWindowInSeconds",
    Settable::Anytime,
    Kind::Int { default: 300, min: 0, max: INT_MAX },
)
.with(Behaviour::MomentReads);

pub(super) static SESSIONS_MAX: Parameter = Parameter::new(
    "maxSessions",
    Settable::AtStart,
    Kind::Int { default: 1_000_000, min: 1, max: INT_MAX },
);

/// Of reads that are sent to electable members as well, to keep their caches warm.
static MIRROR_READS: Parameter = Parameter {
    warning: Some("mirrorReads has no effect: no read is sent to other members"),
    ..Parameter::new(
        "mirrorReads",
        Settable::Anytime,
        Kind::Other {
            default: || Bson::from(doc! { "samplingRate": 0.0 }),
            accept: accept_mirroring,
        },
    )
};

/// Reads may always look at every document.
static NO_TABLE_SCAN: Parameter = Parameter::new(
    "notablescan",
    Settable::Anytime,
    Kind::Other { default: || Bson::Boolean(false), accept: accept_table_scans },
);

pub(super) static NOOP_INTERVAL: Parameter = Parameter::new(
    "periodicNoopIntervalSecs",
    Settable::AtStart,
    Kind::Int { default: 10, min: 1, max: INT_MAX },
);

pub(super) static QUIET: Parameter = Parameter::new("quiet", Settable::Anytime, Kind::Bool(false));

/// How many entries of the log stay for members that were away, in place of the oplog's size: for
/// tests, which want members to be too far behind soon. Zero leaves it to the size.
pub(super) static RETAINED_ENTRIES: Parameter = Parameter::new(
    "quireLogRetainEntries",
    Settable::AtStart,
    Kind::Long { default: 0, min: 0, max: i64::MAX },
);

/// Clients have to declare a version of the Stable API.
pub(super) static REQUIRE_API_VERSION: Parameter =
    Parameter::new("requireApiVersion", Settable::Anytime, Kind::Bool(false))
        .with(Behaviour::StableApi);

pub(super) static SIGNAL_SHUTDOWN_TIMEOUT: Parameter = Parameter::new(
    "shutdownTimeoutMillisForSignaledShutdown",
    Settable::Anytime,
    Kind::Int { default: 15_000, min: 0, max: INT_MAX },
);

static TRANSACTION_LIFETIME: Parameter = Parameter {
    warning: Some("transactionLifetimeLimitSeconds has no effect: there are no transactions yet"),
    ..Parameter::new(
        "transactionLifetimeLimitSeconds",
        Settable::Anytime,
        Kind::Int { default: 60, min: 1, max: INT_MAX },
    )
};

static TRANSACTION_LOCK_TIMEOUT: Parameter = Parameter {
    warning: Some(
        "maxTransactionLockRequestTimeoutMillis has no effect: there are no transactions yet",
    ),
    ..Parameter::new(
        "maxTransactionLockRequestTimeoutMillis",
        Settable::Anytime,
        Kind::Int { default: 5, min: -1, max: INT_MAX },
    )
};

pub(super) static TTL_MONITOR_ENABLED: Parameter =
    Parameter::new("ttlMonitorEnabled", Settable::Anytime, Kind::Bool(true));

pub(super) static TTL_MONITOR_SLEEP: Parameter = Parameter::new(
    "ttlMonitorSleepSecs",
    Settable::Anytime,
    Kind::Int { default: 60, min: 1, max: INT_MAX },
);

/// Whether a primary that is not written to writes an entry without effect now and then, so that its
/// time goes on for those who measure how far others are behind it.
pub(super) static WRITE_NOOPS: Parameter =
    Parameter::new("writePeriodicNoops", Settable::Anytime, Kind::Bool(true));

/// In the order of their names.
static ALL: &[&Parameter] = &[
    &ACCEPT_API_VERSION_2,
    &AUTHENTICATION_MECHANISMS,
    &AUTOMATION_DESCRIPTOR,
    &CURSOR_MONITOR_FREQUENCY,
    &CURSOR_TIMEOUT,
    &ENABLE_TEST_COMMANDS,
    &CURSORS_OF_SESSIONS_TIME_OUT,
    &ingress::CLIENT_BACKOFF,
    &FEATURE_VERSION,
    &ingress::CONNECTION_BURST,
    &ingress::CONNECTION_QUEUE,
    &ingress::CONNECTION_EXEMPTIONS,
    &ingress::CONNECTIONS_LIMITED,
    &ingress::CONNECTION_RATE,
    &ingress::REQUEST_BURST,
    &ingress::REQUEST_RATE,
    &ingress::REQUESTS_LIMITED,
    &ingress::REQUEST_EXEMPTIONS,
    &SESSION_TIMEOUT_MINUTES,
    &LOG_COMPONENTS,
    &LOG_LEVEL,
    &SESSION_REFRESH,
    &DEPTH_MAX,
    &ingress::CONNECTIONS_OVERRIDE,
    &LOG_SIZE_MAX,
    &SESSIONS_MAX,
    &TRANSACTION_LOCK_TIMEOUT,
    &SNAPSHOT_WINDOW,
    &MIRROR_READS,
    &NO_TABLE_SCAN,
    &NOOP_INTERVAL,
    &QUIET,
    &RETAINED_ENTRIES,
    &ingress::IN_FLIGHT_MAX,
    &REQUIRE_API_VERSION,
    &SIGNAL_SHUTDOWN_TIMEOUT,
    &TRANSACTION_LIFETIME,
    &TTL_MONITOR_ENABLED,
    &TTL_MONITOR_SLEEP,
    &WRITE_NOOPS,
];

/// All that a version has.
pub(super) fn all(persona: Persona) -> impl Iterator<Item = &'static Parameter> {
    ALL.iter().copied().filter(move |parameter| parameter.is_known_to(persona))
}

pub(super) fn find(persona: Persona, name: &str) -> Option<&'static Parameter> {
    let found = ALL.binary_search_by_key(&name, |known| known.name).ok()?;
    ALL.get(found).copied().filter(|parameter| parameter.is_known_to(persona))
}

fn accept_mechanisms(value: &Bson) -> Accepted {
    const KNOWN: &[&str] = &["SCRAM-SHA-1", "SCRAM-SHA-256", "MONGODB-X509"];
    let names: Vec<&str> = match value {
        Bson::String(list) => list.split(',').map(str::trim).collect(),
        Bson::Array(list) => list.iter().filter_map(Bson::as_str).collect(),
        _ => Vec::new(),
    };
    if let Some(unknown) = names.iter().find(|name| !KNOWN.contains(name)) {
        return Err(SettingRefused::new(format!("Unknown authentication mechanism: {unknown}")));
    }
    Ok(Bson::Array(names.into_iter().map(Bson::from).collect()))
}

fn accept_mirroring(value: &Bson) -> Accepted {
    let rate = |given: &Document| match given.get("samplingRate") {
        None => Some(0.0),
        Some(rate) => rate.as_f64().or_else(|| whole_number(rate).map(|whole| whole as f64)),
    };
    let rate = value.as_document().and_then(rate).filter(|rate| (0.0..=1.0).contains(rate));
    rate.map(|rate| Bson::from(doc! { "samplingRate": rate })).ok_or_else(|| {
        SettingRefused::new(format!(
            "Invalid value for parameter mirrorReads: {value} has no samplingRate from 0 to 1"
        ))
    })
}

fn accept_table_scans(value: &Bson) -> Accepted {
    let forbids = match value {
        Bson::Boolean(flag) => *flag,
        other => whole_number(other) != Some(0),
    };
    if forbids {
        return Err(SettingRefused::new(
            "notablescan cannot be set: this server does not refuse queries that no index serves",
        ));
    }
    Ok(Bson::Boolean(false))
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn the_table_is_sorted_for_the_search() {
        assert!(ALL.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn every_default_is_a_value_that_may_be_set() {
        for parameter in ALL {
            let value = parameter.default_value();
            assert!(parameter.accept(&value).is_ok(), "{}: {value}", parameter.name);
        }
    }
}
