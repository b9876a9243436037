//! How much of the log stays behind what is durably applied.
//!
//! Owns the rule by which entries are forgotten. Nothing but members that were away and readers of the
//! past need them, so any rule is safe; a member that needs more gets a copy of the state.

use quire_log::{LogError, LogIndex, LogStore, Timestamp};

/// What the log keeps of entries that nobody needs to recover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// So many entries, whatever they take.
    Entries(u64),
    /// As many as fit into `bytes`, and those of the last `seconds` whatever they take.
    Size { bytes: u64, seconds: u64 },
}

impl Default for Retention {
    fn default() -> Retention {
        Retention::Entries(100_000)
    }
}

impl Retention {
    /// The first entry that stays, when the clock shows `now`; one below the first kept where all
    /// of them do.
    pub(crate) fn kept_from(
        self,
        log: &dyn LogStore,
        now_seconds: u32,
    ) -> Result<LogIndex, LogError> {
        let (first, last) = (log.first_index(), log.last_index());
        match self {
            Retention::Entries(count) => Ok(LogIndex(last.0.saturating_sub(count)).next()),
            Retention::Size { bytes, .. } if log.bytes_from(first) <= bytes => Ok(first),
            Retention::Size { bytes, seconds } => {
                let fits = |index| Ok(log.bytes_from(LogIndex(index)) <= bytes);
                let by_size = LogIndex(first_that(first.0, last.0, fits)?);
                if seconds == 0 {
                    return Ok(by_size);
                }
                let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
                let oldest = Timestamp::new(now_seconds.saturating_sub(seconds), 0);
                // A little more may stay: nothing is read for it, so that nothing that cannot be read
                // stays for ever.
                Ok(log.first_since_about(oldest)?.min(by_size))
            }
        }
    }
}

/// The first number from `low` on that has a property which all behind it have too; `high` when none
/// below that has it.
fn first_that(
    mut low: u64,
    mut high: u64,
    has: impl Fn(u64) -> Result<bool, LogError>,
) -> Result<u64, LogError> {
    while low < high {
        let middle = low + (high - low) / 2;
        if has(middle)? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low)
}

#[cfg(test)]
mod tests;
