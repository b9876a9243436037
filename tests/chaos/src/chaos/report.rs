//! What a run has done and found.
//!
//! Owns the words and the gate: a run that has not done enough has shown nothing, whatever it found.

use crate::nemesis::{KINDS, Kind};
use crate::workload::Counts;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug)]
pub struct Report {
    seed: u64,
    /// What is wrong with the server. Empty when nothing is.
    pub findings: Vec<String>,
    pub(super) inflicted: BTreeMap<Kind, u32>,
    pub(super) counts: Counts,
    pub(super) inserts: usize,
    pub(super) increments: usize,
    pub(super) operations: usize,
    pub(super) registers: usize,
    pub(super) hash: String,
    pub(super) longest_outage: Duration,
    /// From each healing to the first acknowledged write.
    pub(super) recoveries: Vec<Duration>,
    /// Where data and logs are, when they are worth looking at.
    pub(super) kept_at: Option<PathBuf>,
}

impl Report {
    pub(super) fn new(seed: u64) -> Report {
        Report {
            seed,
            findings: Vec::new(),
            inflicted: BTreeMap::new(),
            counts: Counts::default(),
            inserts: 0,
            increments: 0,
            operations: 0,
            registers: 0,
            hash: String::new(),
            longest_outage: Duration::ZERO,
            recoveries: Vec::new(),
            kept_at: None,
        }
    }

    pub(super) fn every_kind_was_seen(&self) -> bool {
        self.not_seen(1).is_empty()
    }

    fn not_seen(&self, times: u32) -> Vec<Kind> {
        let seen = |kind: &Kind| self.inflicted.get(kind).copied().unwrap_or(0);
        KINDS.iter().filter(|kind| seen(kind) < times).copied().collect()
    }

    /// Why the run was too small to show anything, if it was.
    pub fn shortfall(&self, times_each: u32, operations: u64) -> Option<String> {
        let missing = self.not_seen(times_each);
        if !missing.is_empty() {
            return Some(format!("fewer than {times_each} times: {missing:?}"));
        }
        let ok = self.counts.all_ok();
        (ok < operations).then(|| format!("only {ok} operations succeeded, not {operations}"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        writeln!(f, "inflicted:")?;
        for (kind, count) in &self.inflicted {
            writeln!(f, "  {:<10} {count:>6}", format!("{kind:?}"))?;
        }
        writeln!(f, "operations that succeeded:")?;
        for (operation, count) in &self.counts.ok {
            writeln!(f, "  {operation:<10} {count:>6}")?;
        }
        writeln!(f, "others: {} failed, {} unknown", self.counts.failed, self.counts.unknown)?;
        for (told, count) in &self.counts.told {
            writeln!(f, "  {count:>6}  {told}")?;
        }
        writeln!(f, "acknowledged: {} inserts, {} increments", self.inserts, self.increments)?;
        let (operations, registers) = (self.operations, self.registers);
        writeln!(f, "history: {operations} operations on {registers} registers")?;
        writeln!(f, "dbHash on every member: {}", self.hash)?;
        writeln!(f, "longest time without an acknowledged write: {:.2?}", self.longest_outage)?;
        let slowest = self.recoveries.iter().max().copied().unwrap_or_default();
        writeln!(f, "slowest recovery after healing: {slowest:.2?}")?;
        for finding in &self.findings {
            writeln!(f, "FOUND: {finding}")?;
        }
        if let Some(path) = &self.kept_at {
            writeln!(f, "data and logs are kept in {}", path.display())?;
        }
        let verdict = if self.findings.is_empty() { "passed" } else { "FAILED" };
        write!(f, "{verdict}")
    }
}
