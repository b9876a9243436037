//! What a member of a replica set adds to every reply.
//!
//! Owns the set's logical time at a reply's end, the labels by which drivers decide to send a command
//! again, and the `topologyVersion` of errors that tell of a change of roles.

use crate::server::Server;
use quire_bson::{DocBuilder, RawValue, Timestamp};
use quire_errors::{Code, CommandError};
use quire_replset::ReplicaSet;

/// After these errors a numbered write may be sent again.
const RETRIABLE: &[Code] = &[
    Code::HostUnreachable,
    Code::HostNotFound,
    Code::NetworkTimeout,
    Code::ShutdownInProgress,
    Code::ReadConcernMajorityNotAvailableYet,
    Code::PrimarySteppedDown,
    Code::ExceededTimeLimit,
    Code::SocketException,
    Code::NotWritablePrimary,
    Code::InterruptedAtShutdown,
    Code::InterruptedDueToReplStateChange,
    Code::NotPrimaryNoSecondaryOk,
    Code::NotPrimaryOrSecondary,
];

/// This member is not what the client took it for.
const NOT_PRIMARY: &[Code] = &[
    Code::PrimarySteppedDown,
    Code::NotWritablePrimary,
    Code::InterruptedDueToReplStateChange,
    Code::NotPrimaryNoSecondaryOk,
    Code::NotPrimaryOrSecondary,
];

const SHUTDOWN: &[Code] = &[Code::ShutdownInProgress, Code::InterruptedAtShutdown];

const RETRYABLE_WRITE: &str = "RetryableWriteError";

/// The end of one reply.
#[derive(Clone, Copy)]
pub struct Trailer<'a> {
    server: &'a Server,
    set: Option<&'a ReplicaSet>,
    is_retryable_write: bool,
}

impl<'a> Trailer<'a> {
    pub fn new(server: &'a Server, is_retryable_write: bool) -> Trailer<'a> {
        Trailer { server, set: server.replica_set.as_deref(), is_retryable_write }
    }

    /// The labels of a reply with this error, at its top or as the error of its write concern.
    pub fn labels(&self, error: &CommandError) -> Vec<&'static str> {
        let mut labels = error.labels().to_vec();
        let may_retry = self.set.is_some() && self.is_retryable_write;
        if may_retry && RETRIABLE.contains(&error.code()) && !labels.contains(&RETRYABLE_WRITE) {
            labels.push(RETRYABLE_WRITE);
        }
        labels
    }

    /// Appends what stands behind everything else. `error` is what the reply tells of, if anything.
    pub fn append(&self, b: &mut DocBuilder, error: Option<&CommandError>) {
        let Some(set) = self.set else { return };
        if error.is_some_and(|error| self.tells_of_change(error.code())) {
            b.append_bson("topologyVersion", &self.server.topology.version_of_refusal());
        }
        let operation_time = set.operation_time();
        // A member without a configuration has no time either.
        if operation_time.time == 0 {
            return;
        }
        append_cluster_time(b, set.cluster_time());
        append_timestamp(b, "operationTime", operation_time);
    }

    fn tells_of_change(&self, code: Code) -> bool {
        let is_ending = self.server.topology.is_shutting_down();
        NOT_PRIMARY.contains(&code) || is_ending && SHUTDOWN.contains(&code)
    }
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
