//! Lines about what goes wrong again and again.
//!
//! Owns how often each is written: a stranger who keeps trying must not fill the log.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// One line per subject in this time.
const EVERY: Duration = Duration::from_secs(60);
/// Subjects remembered at once; beyond that a line may come early.
const SUBJECTS_MAX: usize = 256;

/// A reason, and the member it is about; zero when it is nobody's.
type Subject = (&'static str, u64);

#[derive(Debug, Default)]
pub(super) struct Notices {
    last: Mutex<HashMap<Subject, Instant>>,
}

impl Notices {
    /// Whether it is time for a line about this.
    pub(super) fn is_due(&self, reason: &'static str, node: u64) -> bool {
        self.is_due_at(reason, node, Instant::now())
    }

    fn is_due_at(&self, reason: &'static str, node: u64, now: Instant) -> bool {
        let mut last = self.last.lock();
        let recent = |then: &Instant| now.saturating_duration_since(*then) < EVERY;
        if last.get(&(reason, node)).is_some_and(recent) {
            return false;
        }
        if last.len() >= SUBJECTS_MAX {
            last.retain(|_, then| recent(then));
        }
        if last.len() >= SUBJECTS_MAX {
            last.clear();
        }
        last.insert((reason, node), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_per_subject_and_minute() {
        let notices = Notices::default();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let cases = [
            ("key", 0, 0, true),
            ("key", 0, 59, false),
            ("key", 1, 59, true),
            ("name", 0, 59, true),
            ("key", 0, 60, true),
            ("key", 0, 61, false),
        ];
        for (reason, node, seconds, due) in cases {
            let is_due = notices.is_due_at(reason, node, after(seconds));
            assert_eq!(is_due, due, "{reason} {node} after {seconds} s");
        }
    }

    #[test]
    fn subjects_are_bounded() {
        let notices = Notices::default();
        for node in 0..10 * SUBJECTS_MAX as u64 {
            notices.is_due("key", node);
        }
        assert!(notices.last.lock().len() <= SUBJECTS_MAX);
    }
}
