//! When the replica's thread has to act though nothing came.
//!
//! Owns the times of ticks, and of telling other members what is committed. What those lead to is the
//! member's business.

use std::time::{Duration, Instant};

/// Ticks made up for after the thread could not run. More would let a node that was paused take
/// itself for one that was left alone.
const TICKS_MADE_UP_MAX: u32 = 2;

/// How long members wait to hear what is committed, if no entry follows that tells them: a client
/// that writes one thing after the other has the next on its way by then.
const COMMIT_UNTOLD_MAX: Duration = Duration::from_millis(1);

/// Without ticks.
const LONG: Duration = Duration::from_secs(3_600);

pub(crate) struct Alarms {
    last_tick: Instant,
    /// When other members are to be told what is committed.
    tell_commit: Option<Instant>,
}

impl Default for Alarms {
    fn default() -> Alarms {
        Alarms { last_tick: Instant::now(), tell_commit: None }
    }
}

impl Alarms {
    /// How many ticks have passed since the last one that counted.
    pub(crate) fn ticks_due(&self, tick: Duration) -> u32 {
        if tick.is_zero() {
            return 0;
        }
        let passed = self.last_tick.elapsed().as_micros() / tick.as_micros().max(1);
        u32::try_from(passed).unwrap_or(u32::MAX).min(TICKS_MADE_UP_MAX)
    }

    /// So many ticks are made up for. Those that are not are forgotten.
    pub(crate) fn ticked(&mut self, tick: Duration, ticks: u32) {
        self.last_tick += tick * ticks;
        if ticks > 0 && self.last_tick.elapsed() >= tick {
            self.last_tick = Instant::now();
        }
    }

    /// Whether what there is to tell has waited long enough.
    pub(crate) fn commit_is_due(&mut self, has_commit_to_tell: bool) -> bool {
        if !has_commit_to_tell {
            self.tell_commit = None;
            return false;
        }
        let now = Instant::now();
        *self.tell_commit.get_or_insert(now + COMMIT_UNTOLD_MAX) <= now
    }

    /// How long to sleep, if nothing comes.
    pub(crate) fn until_next(&self, tick: Duration) -> Duration {
        let tick = if tick.is_zero() { LONG } else { tick };
        let Some(at) = self.tell_commit else { return tick };
        match at.saturating_duration_since(Instant::now()) {
            // It is due and somebody else's turn, who is likely to tell it.
            Duration::ZERO => tick.min(COMMIT_UNTOLD_MAX),
            left => tick.min(left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_told_after_a_while_and_not_once_it_was_told() {
        let mut alarms = Alarms::default();
        assert!(!alarms.commit_is_due(true));
        assert!(alarms.until_next(Duration::ZERO) <= COMMIT_UNTOLD_MAX);
        std::thread::sleep(2 * COMMIT_UNTOLD_MAX);
        assert!(alarms.commit_is_due(true));
        assert_eq!(alarms.until_next(Duration::ZERO), COMMIT_UNTOLD_MAX, "nobody spins");
        assert!(!alarms.commit_is_due(false));
        assert_eq!(alarms.until_next(Duration::ZERO), LONG);
    }

    #[test]
    fn a_pause_is_not_made_up_for() {
        let tick = Duration::from_millis(1);
        let mut alarms = Alarms::default();
        assert_eq!(alarms.ticks_due(Duration::ZERO), 0);
        std::thread::sleep(20 * tick);
        assert_eq!(alarms.ticks_due(tick), TICKS_MADE_UP_MAX);
        alarms.ticked(tick, TICKS_MADE_UP_MAX);
        assert_eq!(alarms.ticks_due(Duration::from_secs(9)), 0);
    }
}
