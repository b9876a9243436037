//! Staying interruptible and fair.
//!
//! Owns the two questions that every loop over documents asks: must this operation stop, and has it
//! had its share of the thread for now?

use quire_errors::Result;
use std::time::{Duration, Instant};

/// Whoever runs a query: told what was examined, and asked whether to go on.
pub trait Watch: Send + Sync {
    /// Fails when the operation has to stop.
    fn check(&self) -> Result<()>;

    /// Counts what was looked at since the last call.
    fn examined(&self, keys: u64, docs: u64);
}

/// How long one operation may keep a thread before others get their turn.
const SLICE: Duration = Duration::from_millis(1);

/// Documents between two looks at the clock.
const STRIDE: u32 = 64;

/// One turn on the thread.
#[derive(Debug)]
pub struct Slice {
    ends: Instant,
    stride: u32,
    over: bool,
}

impl Slice {
    pub fn begin() -> Slice {
        Slice { ends: Instant::now() + SLICE, stride: 0, over: false }
    }

    /// True once the turn is over. Looks at the clock only every few calls.
    #[inline]
    pub fn is_over(&mut self) -> bool {
        self.stride += 1;
        if self.stride >= STRIDE {
            self.stride = 0;
            self.over = self.over || Instant::now() >= self.ends;
        }
        self.over
    }
}
