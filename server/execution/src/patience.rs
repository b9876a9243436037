//! How long a command waits for its commits.
//!
//! Owns the limit that a write concern's `wtimeout` sets. It runs from the command's first wait on.
//! What is not committed by then keeps its place in the log's queue and may commit later or be lost;
//! the command answers what it has planned, and whoever writes the answer asks
//! [`Patience::is_over`] and says that nothing of it is acknowledged. What the command has to see
//! before it can plan anything it waits for by [`Patience::wait_first`], and fails when that does not
//! come.

use crate::wait::{Either, Waiting, race};
use quire_errors::{Code, CommandError, Result};
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Where timers come from.
pub type Timer = Box<dyn Fn(Duration) -> Waiting<'static, ()> + Send + Sync>;

/// The patience of one command. Without a limit it waits until the outcome is known.
#[derive(Debug, Default)]
pub struct Patience {
    limit: Option<Limit>,
}

struct Limit {
    lasts: Duration,
    timer: Timer,
    /// Set by the first wait.
    ends: OnceLock<Instant>,
    over: AtomicBool,
}

impl Patience {
    /// Waits until the outcome is known.
    pub const fn endless() -> Patience {
        Patience { limit: None }
    }

    /// Waits for so long, all waits together.
    pub fn of(lasts: Duration, timer: Timer) -> Patience {
        let (ends, over) = (OnceLock::new(), AtomicBool::new(false));
        Patience { limit: Some(Limit { lasts, timer, ends, over }) }
    }

    /// Waits for what may come too late; `None` when it did.
    pub async fn wait<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let Some(limit) = &self.limit else { return Some(work.await) };
        // Even who has no time left takes what is there already.
        match race(work, (limit.timer)(limit.left())).await {
            Either::First(outcome) => Some(outcome),
            Either::Second(()) => {
                limit.over.store(true, Ordering::Relaxed);
                None
            }
        }
    }

    /// Waits for what has to be there before the command can go on.
    pub async fn wait_first<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        self.wait(work).await.ok_or_else(not_carried_out)
    }

    /// Whether something did not come in time, so that what the command answers may not hold.
    pub fn is_over(&self) -> bool {
        self.limit.as_ref().is_some_and(|limit| limit.over.load(Ordering::Relaxed))
    }

    /// The time that is left, when there is a limit.
    pub fn left(&self) -> Option<Duration> {
        self.limit.as_ref().map(Limit::left)
    }
}

fn not_carried_out() -> CommandError {
    CommandError::new(
        Code::WriteConcernFailed,
        "waiting for replication timed out: a change before this one is not committed, and this one \
         was not carried out; try again",
    )
}

impl Limit {
    fn left(&self) -> Duration {
        let now = Instant::now();
        let ends = self.ends.get_or_init(|| now.checked_add(self.lasts).unwrap_or(now));
        ends.saturating_duration_since(now)
    }
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limit").field("lasts", &self.lasts).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Patience;
    use crate::wait::Waiting;
    use quire_errors::Code;
    use std::future::{pending, ready};
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(3600);

    fn over(_: Duration) -> Waiting<'static, ()> {
        Box::pin(ready(()))
    }

    fn not_over(_: Duration) -> Waiting<'static, ()> {
        Box::pin(pending())
    }

    fn now<T>(work: impl Future<Output = T>) -> Poll<T> {
        pin!(work).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn what_does_not_come_in_time_is_remembered() {
        let patience = Patience::of(LONG, Box::new(over));
        assert!(!patience.is_over());
        assert_eq!(now(patience.wait(pending::<()>())), Poll::Ready(None));
        assert!(patience.is_over());
    }

    #[test]
    fn what_is_there_already_is_taken_however_little_time_is_left() {
        let patience = Patience::of(Duration::ZERO, Box::new(over));
        assert_eq!(now(patience.wait(ready(7))), Poll::Ready(Some(7)));
        assert!(!patience.is_over());
    }

    #[test]
    fn without_a_limit_or_before_it_the_wait_goes_on() {
        for patience in [Patience::endless(), Patience::of(LONG, Box::new(not_over))] {
            assert_eq!(now(patience.wait(pending::<()>())), Poll::Pending);
            assert!(!patience.is_over());
        }
    }

    #[test]
    fn what_has_to_be_there_first_and_is_not_fails_the_command() {
        let patience = Patience::of(LONG, Box::new(over));
        let Poll::Ready(Err(error)) = now(patience.wait_first(pending::<()>())) else {
            panic!("it goes on");
        };
        assert_eq!(error.code(), Code::WriteConcernFailed);
        assert!(patience.is_over());
    }

    #[test]
    fn the_limit_runs_from_the_first_wait_on() {
        let patience = Patience::of(LONG, Box::new(not_over));
        let _ = now(patience.wait(ready(())));
        std::thread::sleep(Duration::from_millis(2));
        assert!(patience.left().is_some_and(|left| left < LONG), "{:?}", patience.left());
        assert_eq!(Patience::endless().left(), None);
    }
}
