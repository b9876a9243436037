//! A state machine that fails on demand, for tests of whole servers.
//!
//! Stands between the log and the documents only where tests are allowed to switch it; nobody else
//! pays for it.

use quire_log::{Applied, Completeness, Entry, EntryKind, Export, Fatal, LogIndex, StateMachine};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Which entry cannot be applied.
#[derive(Debug, Default)]
pub struct ApplySwitch {
    /// Counted from the next one with effects; 0 is none.
    due: AtomicU64,
}

impl ApplySwitch {
    /// The `nth` entry with effects from now on fails, and goes on failing until this is called with
    /// another number; 0 lets everything pass.
    pub fn set(&self, nth: u64) {
        self.due.store(nth, Ordering::Release);
    }

    /// Lets a step pass, or not. One that did not pass has counted for nothing, as it comes again.
    fn passes(&self, entries: &[Entry]) -> bool {
        let with_effects = entries.iter().filter(|entry| entry.kind == EntryKind::Effects);
        let count = with_effects.count() as u64;
        let passed = self.due.fetch_update(Ordering::AcqRel, Ordering::Acquire, |due| match due {
            0 => Some(0),
            _ => due.checked_sub(count).filter(|left| *left > 0),
        });
        passed.is_ok()
    }
}

/// Wraps another state machine, and fails the steps that the switch says.
pub struct Failing {
    machine: Arc<dyn StateMachine>,
    switch: Arc<ApplySwitch>,
}

impl Failing {
    pub fn new(machine: Arc<dyn StateMachine>, switch: Arc<ApplySwitch>) -> Failing {
        Failing { machine, switch }
    }
}

impl StateMachine for Failing {
    fn applied(&self) -> Applied {
        self.machine.applied()
    }

    fn durable(&self) -> Result<LogIndex, Fatal> {
        self.machine.durable()
    }

    fn apply(&self, entries: &[Entry]) -> Result<(), Fatal> {
        if !self.switch.passes(entries) {
            let reason = "a test has switched applying off".to_owned();
            return Err(Fatal { reason, no_space: false });
        }
        self.machine.apply(entries)
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
    use quire_log::{Term, Timestamp};

    fn step(kinds: &[EntryKind]) -> Vec<Entry> {
        let entry = |kind: &EntryKind| Entry {
            index: LogIndex(1),
            term: Term(1),
            timestamp: Timestamp(1),
            kind: *kind,
            payload: Vec::new(),
        };
        kinds.iter().map(entry).collect()
    }

    #[test]
    fn everything_passes_until_the_switch_is_set() {
        let switch = ApplySwitch::default();
        for _ in 0..3 {
            assert!(switch.passes(&step(&[EntryKind::Effects; 5])));
        }
    }

    #[test]
    fn the_entry_fails_again_and_again_and_those_before_it_pass() {
        use EntryKind::{Configuration, Effects, TermStart};
        let switch = ApplySwitch::default();
        switch.set(4);
        assert!(switch.passes(&step(&[TermStart, Configuration])), "has no effects");
        assert!(switch.passes(&step(&[Effects, TermStart, Effects])), "the first two");
        assert!(!switch.passes(&step(&[Effects, Effects])), "the fourth is in it");
        assert!(!switch.passes(&step(&[Effects, Effects])), "as before");
        assert!(switch.passes(&step(&[TermStart])), "has no effects");
        switch.set(0);
        assert!(switch.passes(&step(&[Effects, Effects])));
    }
}
