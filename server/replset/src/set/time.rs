//! The set's logical time.
//!
//! Owns `$clusterTime` and `operationTime`: the greatest stamp anybody spoke of, and that of the
//! last entry applied here.

use super::ReplicaSet;
use crate::OpTime;
use crate::hello::LastWrite;
use quire_bson::Timestamp;
use quire_errors::{Code, CommandError, Result};
use quire_log::Applied;
use std::sync::atomic::Ordering;

/// How far a client may be ahead of our clock: what MongoDB takes for a year.
const DRIFT_MAX_SECONDS: u64 = 365 * 24 * 60 * 60;

/// The position of what is applied.
pub(super) fn op_time(applied: Applied) -> OpTime {
    let (seconds, increment) = (applied.timestamp.seconds(), applied.timestamp.increment());
    if applied.index.0 == 0 {
        return OpTime::NULL;
    }
    OpTime::new(seconds, increment, i64::try_from(applied.term.0).unwrap_or(i64::MAX))
}

fn to_bson(time: u64) -> Timestamp {
    Timestamp { time: (time >> 32) as u32, increment: (time & 0xffff_ffff) as u32 }
}

fn from_bson(time: Timestamp) -> u64 {
    u64::from(time.time) << 32 | u64::from(time.increment)
}

impl ReplicaSet {
    /// The greatest time seen, by clients or in the log.
    pub fn cluster_time(&self) -> Timestamp {
        let applied = self.parts.get().map_or(0, |parts| parts.replica.applied().timestamp.0);
        to_bson(applied.max(self.seen()))
    }

    /// A client has seen this time.
    pub fn advance_cluster_time(&self, time: Timestamp) -> Result<()> {
        let now = u64::try_from(self.outside.now_millis() / 1000).unwrap_or(0);
        if u64::from(time.time) > now.saturating_add(DRIFT_MAX_SECONDS) {
            return Err(CommandError::new(
                Code::ClusterTimeFailsRateLimiter,
                format!(
                    "New cluster time, {}, is too far from this node's wall clock time, {now}.",
                    time.time
                ),
            ));
        }
        self.seen_time.fetch_max(from_bson(time), Ordering::AcqRel);
        Ok(())
    }

    /// The time of the last entry applied here.
    pub fn operation_time(&self) -> Timestamp {
        to_bson(self.parts.get().map_or(0, |parts| parts.replica.applied().timestamp.0))
    }

    pub fn last_write(&self) -> LastWrite {
        let applied = self.parts.get().map(|parts| parts.replica.applied()).unwrap_or_default();
        let applied = op_time(applied);
        let millis = applied.millis();
        // What is applied is committed.
        LastWrite { applied, applied_millis: millis, majority: applied, majority_millis: millis }
    }

    pub(super) fn applied_time(&self) -> u64 {
        self.parts.get().map_or(0, |parts| parts.replica.applied().timestamp.0)
    }
}

pub(super) fn number_of(time: Timestamp) -> u64 {
    from_bson(time)
}
