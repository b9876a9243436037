//! A token bucket: so many per second, and what was not used may be used later, up to a bound.

use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// How much comes in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    pub per_second: f64,
    /// For how many seconds what is not used is kept.
    pub burst_seconds: f64,
}

impl Pace {
    /// The most that comes in at once; never so little that nothing would.
    fn capacity(self) -> f64 {
        (self.per_second * self.burst_seconds).clamp(1.0, f64::MAX)
    }
}

/// No token is further away than this.
const WAIT_MAX_SECS: f64 = 86_400.0;

/// What somebody gets who asks for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Now,
    /// A token that there will be by then.
    After(Duration),
    Nothing,
}

#[derive(Clone, Copy, Debug)]
struct State {
    pace: Pace,
    /// Below zero by what was lent.
    tokens: f64,
    at: Instant,
}

/// Starts full, and is full again whenever the pace changes.
#[derive(Debug, Default)]
pub struct Bucket(Mutex<Option<State>>);

impl Bucket {
    /// Takes a token. When there is none, takes the next that comes if the taker may wait.
    pub fn take(&self, pace: Pace, now: Instant, may_wait: bool) -> Taken {
        let mut held = self.0.lock();
        let mut state = filled(*held, pace, now);
        let taken = if state.tokens >= 1.0 {
            Taken::Now
        } else if may_wait {
            let seconds = (1.0 - state.tokens) / pace.per_second;
            Taken::After(Duration::from_secs_f64(seconds.clamp(0.0, WAIT_MAX_SECS)))
        } else {
            Taken::Nothing
        };
        if taken != Taken::Nothing {
            state.tokens -= 1.0;
        }
        *held = Some(state);
        taken
    }

    pub fn left(&self, pace: Pace, now: Instant) -> f64 {
        filled(*self.0.lock(), pace, now).tokens.max(0.0)
    }
}

/// The state with what has come since it was looked at.
fn filled(state: Option<State>, pace: Pace, now: Instant) -> State {
    let full = State { pace, tokens: pace.capacity(), at: now };
    let Some(state) = state.filter(|state| state.pace == pace) else { return full };
    let came = now.saturating_duration_since(state.at).as_secs_f64() * pace.per_second;
    State { tokens: (state.tokens + came).min(pace.capacity()), ..full }
}

#[cfg(test)]
mod tests {
    use super::{Bucket, Pace, Taken};
    use std::time::{Duration, Instant};

    const PACE: Pace = Pace { per_second: 10.0, burst_seconds: 0.5 };

    #[test]
    fn a_burst_comes_in_and_then_so_many_per_second() {
        let (bucket, now) = (Bucket::default(), Instant::now());
        let taken = |now| bucket.take(PACE, now, false);
        assert!((0..5).all(|_| taken(now) == Taken::Now));
        assert_eq!(taken(now), Taken::Nothing);
        let later = now + Duration::from_millis(250);
        assert!((0..2).all(|_| taken(later) == Taken::Now));
        assert_eq!(taken(later), Taken::Nothing);
        let much_later = now + Duration::from_secs(60);
        assert!((0..5).all(|_| taken(much_later) == Taken::Now));
        assert_eq!(taken(much_later), Taken::Nothing);
    }

    #[test]
    fn who_waits_is_told_how_long_and_has_the_token() {
        let (bucket, now) = (Bucket::default(), Instant::now());
        while bucket.take(PACE, now, false) == Taken::Now {}
        assert_eq!(bucket.take(PACE, now, true), Taken::After(Duration::from_millis(100)));
        assert_eq!(bucket.take(PACE, now, true), Taken::After(Duration::from_millis(200)));
        let then = now + Duration::from_millis(250);
        assert_eq!(bucket.take(PACE, then, false), Taken::Nothing);
    }

    #[test]
    fn a_new_pace_begins_with_a_full_bucket() {
        let (bucket, now) = (Bucket::default(), Instant::now());
        while bucket.take(PACE, now, false) == Taken::Now {}
        let faster = Pace { per_second: 20.0, ..PACE };
        assert!((0..10).all(|_| bucket.take(faster, now, false) == Taken::Now));
        assert_eq!(bucket.left(faster, now), 0.0);
    }

    #[test]
    fn without_bounds_everybody_comes_in() {
        let pace = Pace { per_second: f64::from(i32::MAX), burst_seconds: f64::MAX };
        let (bucket, now) = (Bucket::default(), Instant::now());
        assert!((0..1_000).all(|_| bucket.take(pace, now, false) == Taken::Now));
    }
}
