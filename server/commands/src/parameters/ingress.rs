//! The parameters that limit what comes in.
//!
//! Owns their rows and what they mean to [`crate::ingress`] and to the daemon's listener.

use super::table::{Accepted, Kind, Parameter, Settable, SettingRefused};
use super::{Parameters, table};
use crate::ingress::{Pace, Ranges};
use crate::persona::Behaviour;
use quire_bson::{Bson, Document};
use std::sync::atomic::Ordering;

const INT_MAX: i32 = i32::MAX;

/// A parameter of the limiters.
const fn limit(name: &'static str, kind: Kind) -> Parameter {
    Parameter::new(name, Settable::Anytime, kind).with(Behaviour::IngressLimits)
}

const fn flag(name: &'static str) -> Parameter {
    limit(name, Kind::Bool(false))
}

const fn rate(name: &'static str) -> Parameter {
    limit(name, Kind::Int { default: INT_MAX, min: 1, max: INT_MAX })
}

const fn burst(name: &'static str) -> Parameter {
    let kind = Kind::Double { default: f64::MAX, min: f64::MIN_POSITIVE, max: f64::MAX };
    limit(name, kind)
}

const fn ranges(name: &'static str) -> Parameter {
    let kind = Kind::Other { default: || Bson::Document(Document::new()), accept: accept_ranges };
    limit(name, kind)
}

fn accept_ranges(value: &Bson) -> Accepted {
    Ranges::parse(value).map(|_| value.clone()).map_err(SettingRefused::new)
}

pub(super) static CONNECTION_BURST: Parameter =
    burst("ingressConnectionEstablishmentBurstCapacitySecs");

/// How long clients are told to wait first when they are refused for overload; 0 tells nothing.
pub(super) static CLIENT_BACKOFF: Parameter = Parameter::new(
    "externalClientBaseBackoffMS",
    Settable::Anytime,
    Kind::Int { default: 0, min: 0, max: INT_MAX },
)
.with(Behaviour::ClientBackoff);

pub(super) static CONNECTION_QUEUE: Parameter = limit(
    "ingressConnectionEstablishmentMaxQueueDepth",
    Kind::Int { default: 0, min: 0, max: INT_MAX },
);

pub(super) static CONNECTION_EXEMPTIONS: Parameter =
    ranges("ingressConnectionEstablishmentRateLimiterBypass");

pub(super) static CONNECTIONS_LIMITED: Parameter =
    flag("ingressConnectionEstablishmentRateLimiterEnabled");

pub(super) static CONNECTION_RATE: Parameter = rate("ingressConnectionEstablishmentRatePerSec");

pub(super) static REQUEST_BURST: Parameter = burst("ingressRequestAdmissionBurstCapacitySecs");

pub(super) static REQUEST_RATE: Parameter = rate("ingressRequestAdmissionRatePerSec");

pub(super) static REQUESTS_LIMITED: Parameter = flag("ingressRequestRateLimiterEnabled");

pub(super) static REQUEST_EXEMPTIONS: Parameter = ranges("ingressRequestRateLimiterExemptions");

/// Who may connect beyond `net.maxIncomingConnections`.
pub(super) static CONNECTIONS_OVERRIDE: Parameter = Parameter::new(
    "maxIncomingConnectionsOverride",
    Settable::Anytime,
    Kind::Other { default: || Bson::Document(Document::new()), accept: accept_ranges },
);

/// Requests that may run at one time; 0 is no limit.
pub(super) static IN_FLIGHT_MAX: Parameter = Parameter::new(
    "quireRequestsInFlightMax",
    Settable::Anytime,
    Kind::Int { default: 0, min: 0, max: INT_MAX },
);

impl Parameters {
    /// How long clients are told to wait first; `None` when they are told nothing.
    pub(crate) fn client_backoff_millis(&self) -> Option<i64> {
        let millis = self.find(CLIENT_BACKOFF.name).map(|backoff| self.whole(backoff));
        millis.filter(|millis| *millis > 0)
    }

    pub(crate) fn limits_connections(&self) -> bool {
        self.flag(&CONNECTIONS_LIMITED)
    }

    pub(crate) fn connection_pace(&self) -> Pace {
        self.pace(&CONNECTION_RATE, &CONNECTION_BURST)
    }

    /// How many connections may wait to be let in.
    pub(crate) fn connection_queue_max(&self) -> u64 {
        self.count(&CONNECTION_QUEUE)
    }

    pub(crate) fn connection_exemptions(&self) -> Ranges {
        self.ranges(&CONNECTION_EXEMPTIONS)
    }

    /// Who may connect beyond the limit on connections.
    pub fn connections_override(&self) -> Ranges {
        self.ranges(&CONNECTIONS_OVERRIDE)
    }

    pub(crate) fn limits_requests(&self) -> bool {
        self.asked_always.limits_requests.load(Ordering::Relaxed)
    }

    pub(crate) fn request_pace(&self) -> Pace {
        self.pace(&REQUEST_RATE, &REQUEST_BURST)
    }

    pub(crate) fn request_exemptions(&self) -> Ranges {
        self.ranges(&REQUEST_EXEMPTIONS)
    }

    /// Requests that may run at one time; 0 is no limit.
    pub(crate) fn requests_in_flight_max(&self) -> u64 {
        self.asked_always.requests_in_flight_max.load(Ordering::Relaxed)
    }

    fn pace(&self, rate: &Parameter, burst: &Parameter) -> Pace {
        let burst_seconds = self.get(burst.name).and_then(|value| value.as_f64());
        let burst_seconds = burst_seconds.unwrap_or(f64::MAX);
        Pace { per_second: self.whole(rate) as f64, burst_seconds }
    }

    fn ranges(&self, parameter: &Parameter) -> Ranges {
        let value = self.get(parameter.name);
        value.and_then(|value| Ranges::parse(&value).ok()).unwrap_or_default()
    }

    /// Keeps what every request asks for where it is asked for at no cost.
    pub(super) fn note_limits(&self, name: &str, value: &Bson) {
        if name == REQUESTS_LIMITED.name {
            let limits = value.as_bool() == Some(true);
            self.asked_always.limits_requests.store(limits, Ordering::Relaxed);
        } else if name == IN_FLIGHT_MAX.name {
            let max = table::whole_number(value).and_then(|max| u64::try_from(max).ok());
            self.asked_always.requests_in_flight_max.store(max.unwrap_or(0), Ordering::Relaxed);
        }
    }
}
