//! Taking turns at something that waits in between.

use quire_execution::wait::Signal;
use std::sync::atomic::{AtomicBool, Ordering};

/// One at a time.
#[derive(Default)]
pub(super) struct Turn {
    is_taken: AtomicBool,
    given_back: Signal,
}

impl Turn {
    /// Waits for one's turn, which lasts as long as the guard.
    pub(super) async fn take(&self) -> Taken<'_> {
        loop {
            let seen = self.given_back.generation();
            if !self.is_taken.swap(true, Ordering::AcqRel) {
                return Taken(self);
            }
            self.given_back.changed_since(seen).await;
        }
    }
}

pub(super) struct Taken<'a>(&'a Turn);

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.0.is_taken.store(false, Ordering::Release);
        self.0.given_back.notify();
    }
}
