//! The memory that a blocking stage may hold.

use quire_errors::{Code, CommandError, Result};

/// What one stage may hold: as MongoDB's `internalQueryMaxBlockingSortMemoryUsageBytes` and its kin.
pub(super) const STAGE_BYTES_MAX: usize = 100 * 1024 * 1024;

/// The bytes a stage holds, and the refusal for more than allowed.
#[derive(Debug)]
pub(super) struct Budget {
    used: usize,
    refusal: fn() -> String,
}

impl Budget {
    pub(super) fn new(refusal: fn() -> String) -> Budget {
        Budget { used: 0, refusal }
    }

    pub(super) fn take(&mut self, bytes: usize) -> Result<()> {
        self.used = self.used.saturating_add(bytes);
        if self.used <= STAGE_BYTES_MAX {
            return Ok(());
        }
        Err(CommandError::new(Code::QueryExceededMemoryLimitNoDiskUseAllowed, (self.refusal)()))
    }

    pub(super) fn give_back(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes);
    }
}
