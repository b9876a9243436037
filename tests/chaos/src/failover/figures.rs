//! Figures, and what was promised of them.
//!
//! Owns percentiles, the table for people and one line each for machines.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Times of one sort.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figure {
    times: Vec<Duration>,
}

impl Figure {
    pub(super) fn add(&mut self, time: Duration) {
        self.times.push(time);
    }

    /// The time that this share of all does not exceed (nearest rank).
    fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.times.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).copied().unwrap_or_default()
    }
}

/// Everything that was measured.
#[derive(Debug)]
pub struct Figures {
    /// From the kill to the first write begun behind it that was acknowledged.
    pub(super) first_writes: Figure,
    pub(super) crash_gaps: Figure,
    pub(super) step_downs: Figure,
    pub(super) terminations: Figure,
    /// The same as `first_writes`, of etcd.
    pub(super) etcd: Option<Figure>,
    /// What clients were told meanwhile.
    pub(super) errors: BTreeMap<String, u64>,
}

/// Bounds that are promised: what, which figure, median and 99th percentile in milliseconds.
struct Promise<'f> {
    key: &'static str,
    says: &'static str,
    figure: &'f Figure,
    most: Option<(u64, u64)>,
}

impl Figures {
    fn rows(&self) -> Vec<Promise<'_>> {
        let mut rows = vec![
            Promise {
                key: "crash_first_write",
                says: "kill -9 of the primary to the first write",
                figure: &self.first_writes,
                most: Some((500, 2000)),
            },
            Promise {
                key: "crash_gap",
                says: "kill -9 of the primary, gap between writes",
                figure: &self.crash_gaps,
                most: None,
            },
            Promise {
                key: "step_down_gap",
                says: "replSetStepDown, gap between writes",
                figure: &self.step_downs,
                most: Some((50, 250)),
            },
            Promise {
                key: "sigterm_gap",
                says: "SIGTERM of the primary, gap between writes",
                figure: &self.terminations,
                most: Some((50, 250)),
            },
        ];
        if let Some(etcd) = &self.etcd {
            rows.push(Promise {
                key: "etcd_first_write",
                says: "etcd: kill -9 of the leader to the first write",
                figure: etcd,
                most: None,
            });
        }
        rows
    }

    /// How the median after a crash compares with etcd's.
    fn share_of_etcd(&self) -> Option<f64> {
        let etcd = self.etcd.as_ref()?.percentile(50).as_secs_f64();
        (etcd > 0.0).then(|| self.first_writes.percentile(50).as_secs_f64() / etcd)
    }

    /// What was promised and not held.
    pub fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        for row in self.rows() {
            let Some((median, p99)) = row.most else { continue };
            for (name, percent, most) in [("median", 50, median), ("p99", 99, p99)] {
                let time = row.figure.percentile(percent);
                if time >= Duration::from_millis(most) {
                    missed.push(format!("{}: {name} {time:.1?}, not under {most} ms", row.says));
                }
            }
        }
        if let Some(share) = self.share_of_etcd().filter(|share| *share >= 0.5) {
            missed.push(format!("{share:.2} of etcd's outage, not under 0.5"));
        }
        missed
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<48} {:>6} {:>9} {:>9} {:>9}", "ms", "rounds", "median", "p99", "max")?;
        for row in self.rows() {
            let at = |percent| milliseconds(row.figure.percentile(percent));
            let (says, rounds) = (row.says, row.figure.times.len());
            let (median, p99, most) = (at(50), at(99), at(100));
            writeln!(f, "{says:<48} {rounds:>6} {median:>9.1} {p99:>9.1} {most:>9.1}")?;
        }
        match self.share_of_etcd() {
            Some(share) => writeln!(f, "share of etcd's median: {share:.2}")?,
            None => writeln!(f, "etcd NOT MEASURED: it is not installed, or was left out")?,
        }
        for (error, count) in &self.errors {
            writeln!(f, "  {count:>6}  {error}")?;
        }
        for row in self.rows() {
            let at = |percent| milliseconds(row.figure.percentile(percent));
            let (key, rounds) = (row.key, row.figure.times.len());
            let (median, p99, most) = (at(50), at(99), at(100));
            writeln!(
                f,
                "figure={key} rounds={rounds} median_ms={median:.1} p99_ms={p99:.1} max_ms={most:.1}"
            )?;
        }
        for what in self.missed() {
            writeln!(f, "MISSED: {what}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(milliseconds: impl Iterator<Item = u64>) -> Figure {
        Figure { times: milliseconds.map(Duration::from_millis).collect() }
    }

    fn figures(crash: Figure, etcd: Option<Figure>) -> Figures {
        Figures {
            first_writes: crash,
            crash_gaps: Figure::default(),
            step_downs: figure([10].into_iter()),
            terminations: figure([10].into_iter()),
            etcd,
            errors: BTreeMap::new(),
        }
    }

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let figure = figure((1..=50).rev());
        assert_eq!(figure.percentile(50), Duration::from_millis(25));
        assert_eq!(figure.percentile(99), Duration::from_millis(50));
        assert_eq!(figure.percentile(100), Duration::from_millis(50));
        assert_eq!(Figure::default().percentile(50), Duration::ZERO);
    }

    #[test]
    fn what_is_missed_is_told() {
        let held = figures(figure([300, 400].into_iter()), Some(figure([1500].into_iter())));
        assert_eq!(held.missed(), [""; 0]);
        let slow = figures(figure([700, 2500].into_iter()), Some(figure([1200].into_iter())));
        assert_eq!(slow.missed().len(), 3, "{:?}", slow.missed());
    }
}
