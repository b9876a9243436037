//! What is let in, before any work is done for it.
//!
//! Owns the limits on new connections and on requests, who is exempt from them, and the figures of
//! both. Whoever is refused is told so cheaply, and in words by which drivers wait before they try
//! again. The sockets themselves belong to the daemon.

mod bucket;
mod ranges;
#[cfg(test)]
mod tests;

pub(crate) use bucket::Pace;
pub use ranges::Ranges;

use crate::client::Client;
use crate::parameters::Parameters;
use bucket::{Bucket, Taken};
use quire_bson::DocBuilder;
use quire_errors::{Code, CommandError, Result};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The doors of one server.
#[derive(Debug, Default)]
pub struct Ingress {
    connections: Door,
    /// Connections that wait to be let in.
    queued: Arc<AtomicU64>,
    requests: Door,
    in_flight: Arc<AtomicU64>,
    crowded_out: AtomicU64,
}

/// A limit on how much comes in per second, and what became of those who came.
#[derive(Debug, Default)]
struct Door {
    bucket: Bucket,
    admitted: AtomicU64,
    rejected: AtomicU64,
    exempted: AtomicU64,
    queued: AtomicU64,
}

/// What becomes of a new connection.
#[derive(Debug)]
pub enum Entry {
    Open,
    /// Its turn comes after some time.
    Queued(Turn),
    /// It is to be closed without a word.
    Refused,
}

/// A place in the queue of connections, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    _place: Option<Place>,
    pub after: Duration,
}

/// Counts somebody for as long as it lives.
#[derive(Debug)]
pub struct Place(Arc<AtomicU64>);

impl Place {
    /// Unless `max` are there already.
    fn take(places: &Arc<AtomicU64>, max: u64) -> Option<Place> {
        let taken = places.fetch_add(1, Ordering::Relaxed);
        let place = Place(places.clone());
        (taken < max).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// A counter as it is shown.
fn shown(counter: &AtomicU64) -> i64 {
    i64::try_from(counter.load(Ordering::Relaxed)).unwrap_or(i64::MAX)
}

impl Ingress {
    /// Whether a new connection may be served. One over the Unix socket always may: it takes the
    /// rights of the server's own user to open it.
    pub fn connect(&self, parameters: &Parameters, remote: Option<IpAddr>) -> Entry {
        if !parameters.limits_connections() {
            return Entry::Open;
        }
        let door = &self.connections;
        if remote.is_none_or(|remote| parameters.connection_exemptions().contain(remote)) {
            count(&door.exempted);
            return Entry::Open;
        }
        let place = Place::take(&self.queued, parameters.connection_queue_max());
        match door.bucket.take(parameters.connection_pace(), Instant::now(), place.is_some()) {
            Taken::Now => {
                count(&door.admitted);
                Entry::Open
            }
            Taken::After(after) => {
                count(&door.admitted);
                count(&door.queued);
                Entry::Queued(Turn { _place: place, after })
            }
            Taken::Nothing => {
                count(&door.rejected);
                Entry::Refused
            }
        }
    }

    /// Lets a request in. It counts as in flight for as long as what is given lives.
    pub(crate) fn admit(&self, parameters: &Parameters, client: &Client) -> Result<Option<Place>> {
        let in_flight_max = parameters.requests_in_flight_max();
        let is_paced = parameters.limits_requests();
        if in_flight_max == 0 && !is_paced {
            return Ok(None);
        }
        let door = &self.requests;
        let remote = client.remote.map(|remote| remote.ip());
        if remote.is_none_or(|remote| parameters.request_exemptions().contain(remote)) {
            count(&door.exempted);
            return Ok(None);
        }
        if is_paced {
            match door.bucket.take(parameters.request_pace(), Instant::now(), false) {
                Taken::Now => count(&door.admitted),
                Taken::After(_) | Taken::Nothing => {
                    count(&door.rejected);
                    return Err(overloaded(
                        "Rate limiter 'ingressRequestRateLimiter' rate exceeded",
                    ));
                }
            }
        }
        if in_flight_max == 0 {
            return Ok(None);
        }
        let place = Place::take(&self.in_flight, in_flight_max);
        if place.is_none() {
            count(&self.crowded_out);
            return Err(overloaded(format!("{in_flight_max} requests are in flight already")));
        }
        Ok(place)
    }

    /// A request is let in without being counted: the connection's own affairs.
    pub(crate) fn exempt(&self, parameters: &Parameters) -> Option<Place> {
        if parameters.limits_requests() {
            count(&self.requests.exempted);
        }
        None
    }

    /// New connections that were refused because too many came at once.
    pub fn connections_refused(&self) -> u64 {
        self.connections.rejected.load(Ordering::Relaxed)
    }

    /// Requests that were refused because too many came at once.
    pub fn requests_refused(&self) -> u64 {
        self.requests.rejected.load(Ordering::Relaxed)
    }

    /// Requests that were refused because too many were in flight.
    pub fn requests_crowded_out(&self) -> u64 {
        self.crowded_out.load(Ordering::Relaxed)
    }
}

/// The figures, as `serverStatus` shows them in several of its sections.
impl Ingress {
    pub(crate) fn append_to_connections(&self, b: &mut DocBuilder) {
        b.append_i64("queuedForEstablishment", shown(&self.queued));
        b.append_with("establishmentRateLimit", |b| {
            b.append_i64("rejected", shown(&self.connections.rejected));
            b.append_i64("exempted", shown(&self.connections.exempted));
        });
    }

    pub(crate) fn append_to_network(&self, b: &mut DocBuilder, parameters: &Parameters) {
        b.append_with("ingressRequestRateLimiter", |b| {
            self.requests.append(b, parameters.request_pace());
        });
        b.append_with("requestsInFlight", |b| {
            b.append_i64("current", shown(&self.in_flight));
            b.append_i64("rejected", shown(&self.crowded_out));
        });
    }

    pub(crate) fn append_queues(&self, b: &mut DocBuilder, parameters: &Parameters) {
        b.append_with("ingressSessionEstablishment", |b| {
            b.append_i64("addedToQueue", shown(&self.connections.queued));
            let waiting = shown(&self.queued);
            let removed = shown(&self.connections.queued).saturating_sub(waiting);
            b.append_i64("removedFromQueue", removed.max(0));
            self.connections.append(b, parameters.connection_pace());
        });
    }
}

impl Door {
    fn append(&self, b: &mut DocBuilder, pace: Pace) {
        let (admitted, rejected) = (shown(&self.admitted), shown(&self.rejected));
        b.append_i64("attemptedAdmissions", admitted.saturating_add(rejected));
        b.append_i64("successfulAdmissions", admitted);
        b.append_i64("rejectedAdmissions", rejected);
        b.append_i64("exemptedAdmissions", shown(&self.exempted));
        b.append_f64("totalAvailableTokens", self.bucket.left(pace, Instant::now()));
    }
}

/// The error for a request on which nothing was done yet, so that it may be sent again.
fn overloaded(message: impl Into<String>) -> CommandError {
    CommandError::new(Code::IngressRequestRateLimitExceeded, message)
        .with_label("SystemOverloadedError")
        .with_label("RetryableError")
}
