//! From windows to figures: medians over rounds, and medians of the ratios within each round.
//!
//! Owns the arithmetic. A ratio is taken inside a round, between two windows that followed each other,
//! and only then is the median taken: the machine changes more between rounds than within one.

use crate::histogram::Histogram;
use crate::process::Disturbance;
use std::time::Duration;

/// A round in which others took more than this of the machine says little.
const BACKGROUND_MAX: f64 = 0.12;
const STEAL_MAX: f64 = 0.02;

/// What one window gave, of the server or of a yardstick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Window {
    /// Documents a second where a request carries many.
    pub(crate) per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) p999_us: f64,
    /// None for what is no process of its own.
    pub(crate) process: Option<ProcessFigures>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ProcessFigures {
    pub(crate) cpu_us: f64,
    pub(crate) generator_cpu_us: f64,
    pub(crate) rss_mib: f64,
    /// Bytes that the machine's disks wrote for each byte of a document that a request wrote; none for
    /// reads.
    pub(crate) written_per_byte: Option<f64>,
}

impl Window {
    #[cfg(test)]
    pub(crate) const NONE: Window =
        Window { per_second: 0.0, p50_us: 0.0, p99_us: 0.0, p999_us: 0.0, process: None };

    pub(crate) fn new(latencies: &Histogram, took: Duration, documents: u64) -> Window {
        let micros = |share| latencies.quantile(share).as_secs_f64() * 1e6;
        Window {
            per_second: (latencies.total() * documents) as f64 / took.as_secs_f64(),
            p50_us: micros(0.5),
            p99_us: micros(0.99),
            p999_us: micros(0.999),
            process: None,
        }
    }
}

/// The windows of one round at one number of connections.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    pub(crate) subject: Window,
    /// Each yardstick by its name, in the same order in every round.
    pub(crate) yardsticks: Vec<(&'static str, Window)>,
    pub(crate) disturbances: Vec<Disturbance>,
}

impl Round {
    fn is_quiet(&self) -> bool {
        self.disturbances
            .iter()
            .all(|seen| seen.background <= BACKGROUND_MAX && seen.steal <= STEAL_MAX)
    }
}

/// The figures of one workload at one number of connections.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    pub(crate) rounds: usize,
    /// How many rounds the figures rest on when the others were disturbed.
    pub(crate) quiet_rounds: usize,
    pub(crate) subject: Window,
    pub(crate) yardsticks: Vec<Yardstick>,
}

#[derive(Clone, Debug)]
pub(crate) struct Yardstick {
    pub(crate) name: &'static str,
    pub(crate) window: Window,
    /// The subject's throughput as a share of this one's.
    pub(crate) throughput_ratio: f64,
    /// The subject's processor time per operation as a multiple of this one's.
    pub(crate) cpu_ratio: Option<f64>,
}

impl Figures {
    /// Disturbed rounds are left out, unless fewer than half were quiet: then all count, and
    /// [`Figures::is_disturbed`] says so.
    pub(crate) fn of(rounds: &[Round]) -> Figures {
        let quiet: Vec<&Round> = rounds.iter().filter(|round| round.is_quiet()).collect();
        let quiet_rounds = quiet.len();
        let used = if quiet_rounds * 2 > rounds.len() { quiet } else { rounds.iter().collect() };
        let subjects: Vec<Window> = used.iter().map(|round| round.subject).collect();
        let names = used.first().map(|round| round.yardsticks.as_slice()).unwrap_or_default();
        let yardsticks = names
            .iter()
            .enumerate()
            .map(|(index, (name, _))| {
                let windows: Vec<Window> = used
                    .iter()
                    .filter_map(|round| round.yardsticks.get(index).map(|(_, window)| *window))
                    .collect();
                yardstick(name, &subjects, &windows)
            })
            .collect();
        Figures {
            rounds: rounds.len(),
            quiet_rounds,
            subject: median_window(&subjects),
            yardsticks,
        }
    }

    pub(crate) fn is_disturbed(&self) -> bool {
        self.quiet_rounds * 2 <= self.rounds
    }
}

fn yardstick(name: &'static str, subjects: &[Window], windows: &[Window]) -> Yardstick {
    let pairs = || subjects.iter().zip(windows);
    let cpu: Vec<f64> = pairs()
        .filter_map(|(subject, window)| Some(subject.process?.cpu_us / window.process?.cpu_us))
        .collect();
    Yardstick {
        name,
        window: median_window(windows),
        throughput_ratio: median(pairs().map(|(s, w)| s.per_second / w.per_second).collect()),
        cpu_ratio: (!cpu.is_empty()).then(|| median(cpu)),
    }
}

fn median_window(windows: &[Window]) -> Window {
    let of = |figure: fn(&Window) -> f64| median(windows.iter().map(figure).collect());
    let processes: Vec<ProcessFigures> = windows.iter().filter_map(|w| w.process).collect();
    let of_process =
        |figure: fn(&ProcessFigures) -> f64| median(processes.iter().map(figure).collect());
    Window {
        per_second: of(|w| w.per_second),
        p50_us: of(|w| w.p50_us),
        p99_us: of(|w| w.p99_us),
        p999_us: of(|w| w.p999_us),
        process: (!processes.is_empty()).then(|| ProcessFigures {
            cpu_us: of_process(|p| p.cpu_us),
            generator_cpu_us: of_process(|p| p.generator_cpu_us),
            rss_mib: of_process(|p| p.rss_mib),
            written_per_byte: {
                let written: Vec<f64> =
                    processes.iter().filter_map(|p| p.written_per_byte).collect();
                (!written.is_empty()).then(|| median(written))
            },
        }),
    }
}

/// The middle value, or the mean of the two middle ones.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    if values.len() % 2 == 1 { at(middle) } else { (at(middle.wrapping_sub(1)) + at(middle)) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(per_second: f64) -> Window {
        Window { per_second, p50_us: 1.0, p99_us: 2.0, p999_us: 3.0, ..Window::NONE }
    }

    fn round(subject: f64, yardstick: f64, background: f64) -> Round {
        Round {
            subject: window(subject),
            yardsticks: vec![("wire", window(yardstick))],
            disturbances: vec![Disturbance { background, steal: 0.0 }],
        }
    }

    #[test]
    fn the_ratio_is_the_median_of_ratios_and_not_the_ratio_of_medians() {
        let rounds = [round(10.0, 10.0, 0.0), round(30.0, 60.0, 0.0), round(20.0, 100.0, 0.0)];
        let figures = Figures::of(&rounds);
        assert_eq!(figures.subject.per_second, 20.0);
        assert_eq!(figures.yardsticks[0].window.per_second, 60.0);
        assert_eq!(figures.yardsticks[0].throughput_ratio, 0.5);
    }

    #[test]
    fn disturbed_rounds_are_left_out_while_most_are_quiet() {
        let rounds = [round(10.0, 10.0, 0.0), round(1.0, 10.0, 0.5), round(10.0, 10.0, 0.1)];
        let figures = Figures::of(&rounds);
        assert_eq!((figures.quiet_rounds, figures.subject.per_second), (2, 10.0));
        assert!(!figures.is_disturbed());
    }

    #[test]
    fn when_most_rounds_are_disturbed_all_count_and_it_is_said() {
        let rounds = [round(10.0, 10.0, 0.0), round(1.0, 10.0, 0.5), round(2.0, 10.0, 0.5)];
        let figures = Figures::of(&rounds);
        assert_eq!((figures.quiet_rounds, figures.subject.per_second), (1, 2.0));
        assert!(figures.is_disturbed());
    }

    #[test]
    fn a_median_of_an_even_count_lies_between_the_middle_two() {
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), 2.5);
        assert!(median(Vec::new()).is_nan());
    }
}
