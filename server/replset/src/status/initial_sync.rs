//! How far a first copy of the data has come.

use super::date;
use crate::host_port::HostPort;
use crate::optime::OpTime;
use quire_bson::{Bson, Document, doc};

/// A member gives up never; this is the number that tools show beside the attempts.
const ATTEMPTS_MAX_SHOWN: i32 = 10;

/// An attempt that ended before the copy was whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub duration_millis: i64,
    /// Why it ended.
    pub status: String,
    pub source: HostPort,
    pub bytes: u64,
}

/// The copy that is arriving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitialSync {
    /// Milliseconds since the epoch.
    pub start_millis: i64,
    pub elapsed_millis: i64,
    /// About how much there is, where the sender told.
    pub bytes_total: Option<u64>,
    pub bytes_copied: u64,
    /// The position of the copy: the log follows behind it.
    pub begins_at: OpTime,
    /// Entries applied behind it so far.
    pub applied_entries: u64,
    pub failed_attempts: Vec<Attempt>,
}

impl InitialSync {
    pub(super) fn to_document(&self) -> Document {
        let attempts = self.failed_attempts.iter().map(|attempt| Bson::from(attempt.to_document()));
        let mut shown = doc! {
            "failedInitialSyncAttempts": i32::try_from(self.failed_attempts.len()).unwrap_or(i32::MAX),
            "maxFailedInitialSyncAttempts": ATTEMPTS_MAX_SHOWN,
            "initialSyncStart": date(self.start_millis),
            "totalInitialSyncElapsedMillis": self.elapsed_millis,
        };
        if let Some(remaining) = self.remaining_millis() {
            shown.insert("remainingInitialSyncEstimatedMillis", remaining);
        }
        if let Some(total) = self.bytes_total {
            shown.insert("approxTotalDataSize", signed(total));
        }
        shown.insert("approxTotalBytesCopied", signed(self.bytes_copied));
        shown.insert("initialSyncAttempts", attempts.collect::<Vec<Bson>>());
        shown.insert("appliedOps", signed(self.applied_entries));
        if !self.begins_at.is_null() {
            shown.insert("initialSyncOplogStart", self.begins_at.ts);
        }
        shown
    }

    /// As long again for each part still missing as it took for each that is here.
    fn remaining_millis(&self) -> Option<i64> {
        let (total, copied) = (self.bytes_total?, self.bytes_copied);
        let left = u128::from(total.saturating_sub(copied));
        let elapsed = u128::try_from(self.elapsed_millis).ok()?;
        let millis = left.checked_mul(elapsed)?.checked_div(u128::from(copied))?;
        Some(i64::try_from(millis).unwrap_or(i64::MAX))
    }
}

impl Attempt {
    fn to_document(&self) -> Document {
        doc! {
            "durationMillis": self.duration_millis,
            "status": &self.status,
            "syncSource": self.source.to_string(),
            "approxTotalBytesCopied": signed(self.bytes),
        }
    }
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
