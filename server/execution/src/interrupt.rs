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

    /// Something was put into the log; whether it commits is not known yet.
    fn wrote(&self) {}
}

/// How long one operation may keep a thread before others get their turn.
const SLICE: Duration = Duration::from_millis(1);

/// The most documents between two looks at the clock. A turn begins with one and doubles, so that
/// documents of which each takes long are noticed after the first and not after the last.
const STRIDE_MAX: u32 = 16;

/// One turn on the thread.
#[derive(Debug)]
pub struct Slice {
    ends: Instant,
    stride: u32,
    seen: u32,
    over: bool,
}

impl Slice {
    pub fn begin() -> Slice {
        Slice { ends: Instant::now() + SLICE, stride: 1, seen: 0, over: false }
    }

    /// True once the turn is over. Looks at the clock only every few calls.
    #[inline]
    pub fn is_over(&mut self) -> bool {
        self.seen += 1;
        if self.seen >= self.stride {
            self.seen = 0;
            self.stride = (self.stride * 2).min(STRIDE_MAX);
            self.over = self.over || Instant::now() >= self.ends;
        }
        self.over
    }
}

#[cfg(test)]
mod tests {
    use super::{SLICE, STRIDE_MAX, Slice};

    #[test]
    fn a_turn_is_over_after_one_document_that_takes_all_of_it() {
        let mut slice = Slice::begin();
        std::thread::sleep(SLICE);
        assert!(slice.is_over());
        assert!(slice.is_over(), "and stays over");
    }

    #[test]
    fn a_turn_notices_a_slow_document_behind_quick_ones() {
        let mut slice = Slice { ends: std::time::Instant::now() + SLICE * 1000, ..Slice::begin() };
        for _ in 0..10 * STRIDE_MAX {
            assert!(!slice.is_over());
        }
        slice.ends = std::time::Instant::now();
        let calls = (1..).find(|_| slice.is_over());
        assert!(calls.is_some_and(|calls| calls <= STRIDE_MAX));
    }
}
