//! A state machine that fails or waits on demand, for tests of whole servers.
//!
//! Stands between the log and the documents only where test commands are enabled; nobody else pays
//! for it. The fail point `quireFailApply` says which entries fail, `rsSyncApplyStop` whether a
//! follower applies any.

use quire_failpoints::FailPoints;
use quire_log::{Applied, Completeness, Entry, EntryKind, Export, Fatal, LogIndex, StateMachine};
use std::sync::Arc;

/// Wraps another state machine, and fails the steps that the fail point says.
pub struct Failing {
    machine: Arc<dyn StateMachine>,
    points: Arc<FailPoints>,
}

impl Failing {
    pub fn new(machine: Arc<dyn StateMachine>, points: Arc<FailPoints>) -> Failing {
        Failing { machine, points }
    }
}

/// Lets a step pass, or not. One that did not pass comes again, and is asked about again.
fn passes(points: &FailPoints, entries: &[Entry]) -> bool {
    let mut with_effects = entries.iter().filter(|entry| entry.kind == EntryKind::Effects);
    with_effects.all(|_| points.quire_fail_apply.enter().is_none())
}

impl StateMachine for Failing {
    fn applied(&self) -> Applied {
        self.machine.applied()
    }

    fn durable(&self) -> Result<LogIndex, Fatal> {
        self.machine.durable()
    }

    fn is_held(&self) -> bool {
        self.points.rs_sync_apply_stop.enter().is_some() || self.machine.is_held()
    }

    fn apply(&self, entries: &[Entry]) -> Result<(), Fatal> {
        if !passes(&self.points, entries) {
            let reason = "a test has switched applying off".to_owned();
            return Err(Fatal { reason, no_space: false });
        }
        self.machine.apply(entries)
    }

    fn pass(&self, entries: &[Entry]) -> Result<(), Fatal> {
        self.machine.pass(entries)
    }

    fn is_hollow(&self) -> bool {
        self.machine.is_hollow()
    }

    fn lost(&self) {
        self.machine.lost();
    }

    fn flush(&self) -> Result<(), Fatal> {
        self.machine.flush()
    }

    fn completeness(&self) -> Completeness {
        self.machine.completeness()
    }

    fn configuration(&self) -> Option<Vec<u8>> {
        self.machine.configuration()
    }

    fn export(&self) -> Result<Box<dyn Export>, Fatal> {
        self.machine.export()
    }

    fn export_position(&self) -> Result<Box<dyn Export>, Fatal> {
        self.machine.export_position()
    }

    fn begin_install(&self) -> Result<(), Fatal> {
        self.machine.begin_install()
    }

    fn install_chunk(&self, chunk: &[u8]) -> Result<(), Fatal> {
        self.machine.install_chunk(chunk)
    }

    fn finish_install(&self) -> Result<Applied, Fatal> {
        self.machine.finish_install()
    }

    fn log_restarted(&self) -> Result<(), Fatal> {
        self.machine.log_restarted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quire_bson::RawDoc;
    use quire_failpoints::Mode;
    use quire_log::{Term, Timestamp};

    fn step(kinds: &[EntryKind]) -> Vec<Entry> {
        let entry = |kind: &EntryKind| Entry {
            index: LogIndex(1),
            term: Term(1),
            timestamp: Timestamp(1),
            kind: *kind,
            payload: quire_log::Bytes::new(),
        };
        kinds.iter().map(entry).collect()
    }

    fn set(points: &FailPoints, mode: Mode) {
        let point = points.find("quireFailApply").expect("the point");
        point.configure(mode, RawDoc::EMPTY).expect("a mode");
    }

    #[test]
    fn everything_passes_until_the_point_is_set() {
        let points = FailPoints::default();
        for _ in 0..3 {
            assert!(passes(&points, &step(&[EntryKind::Effects; 5])));
        }
    }

    #[test]
    fn the_entry_fails_again_and_again_and_those_before_it_pass() {
        use EntryKind::{Configuration, Effects, TermStart};
        let points = FailPoints::default();
        set(&points, Mode::Skip(3));
        assert!(passes(&points, &step(&[TermStart, Configuration])), "has no effects");
        assert!(passes(&points, &step(&[Effects, TermStart, Effects])), "the first two");
        assert!(!passes(&points, &step(&[Effects, Effects])), "the fourth is in it");
        assert!(!passes(&points, &step(&[Effects, Effects])), "as before");
        assert!(passes(&points, &step(&[TermStart])), "has no effects");
        set(&points, Mode::Off);
        assert!(passes(&points, &step(&[Effects, Effects])));
    }

    #[test]
    fn an_entry_may_fail_a_few_times_and_then_pass() {
        let points = FailPoints::default();
        set(&points, Mode::Times(2));
        let tries = [(); 3].map(|()| passes(&points, &step(&[EntryKind::Effects; 2])));
        assert_eq!(tries, [false, false, true]);
    }
}
