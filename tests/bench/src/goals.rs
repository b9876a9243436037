//! What a workload must reach, as ratios to yardsticks of the same run.
//!
//! Owns the comparison. A goal is about one number of connections; a run without it says nothing
//! about the goal.

use crate::figures::Figures;

/// A ratio to reach.
pub(crate) struct Goal {
    pub(crate) connections: u16,
    /// The yardstick's name.
    pub(crate) of: &'static str,
    pub(crate) compared: Compared,
    pub(crate) reach: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    /// Operations a second: the more the better.
    Throughput,
    /// The same, with the yardstick's best figure at any number of connections.
    BestThroughput,
    /// Processor time of the server for each operation: the less the better.
    Cpu,
    /// Microseconds that the median lies above the yardstick's: the less the better.
    Median,
}

impl Compared {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Compared::Throughput => "throughput",
            Compared::BestThroughput => "throughput, of its best",
            Compared::Cpu => "CPU per operation",
            Compared::Median => "p50 above it, us",
        }
    }

    pub(crate) fn sign(self) -> &'static str {
        match self {
            Compared::Throughput | Compared::BestThroughput => ">=",
            Compared::Cpu | Compared::Median => "<=",
        }
    }
}

/// A goal beside what was seen.
pub(crate) struct Judged<'a> {
    pub(crate) goal: &'a Goal,
    /// None when the run had not what the goal is about.
    pub(crate) seen: Option<f64>,
}

impl Judged<'_> {
    pub(crate) fn is_reached(&self) -> Option<bool> {
        let (seen, reach) = (self.seen?, self.goal.reach);
        Some(if self.goal.compared.sign() == ">=" { seen >= reach } else { seen <= reach })
    }
}

pub(crate) fn judge<'a>(goals: &'a [Goal], measured: &[(u16, Figures)]) -> Vec<Judged<'a>> {
    goals.iter().map(|goal| Judged { goal, seen: seen(goal, measured) }).collect()
}

fn seen(goal: &Goal, measured: &[(u16, Figures)]) -> Option<f64> {
    let (_, figures) = measured.iter().find(|(connections, _)| *connections == goal.connections)?;
    let of = |figures: &Figures| {
        figures.yardsticks.iter().find(|yardstick| yardstick.name == goal.of).cloned()
    };
    let yardstick = of(figures)?;
    match goal.compared {
        Compared::Throughput => Some(yardstick.throughput_ratio),
        Compared::Cpu => yardstick.cpu_ratio,
        Compared::Median => Some(figures.subject.p50_us - yardstick.window.p50_us),
        Compared::BestThroughput => {
            let each = measured.iter().filter_map(|(_, figures)| of(figures));
            let best = each.map(|yardstick| yardstick.window.per_second).fold(0.0, f64::max);
            Some(figures.subject.per_second / best)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::{Round, Window};

    fn figures(subject: f64, yardstick: f64) -> Figures {
        let window = |per_second| Window { per_second, p50_us: 1e6 / per_second, ..Window::NONE };
        let yardsticks = vec![("peer", window(yardstick))];
        Figures::of(&[Round { subject: window(subject), yardsticks, disturbances: Vec::new() }])
    }

    #[test]
    fn the_best_of_a_yardstick_may_be_at_another_number_of_connections() {
        let measured = [(8, figures(50.0, 40.0)), (64, figures(60.0, 20.0))];
        let goal = |compared, reach| Goal { connections: 64, of: "peer", compared, reach };
        let goals = [goal(Compared::Throughput, 2.0), goal(Compared::BestThroughput, 2.0)];
        let judged = judge(&goals, &measured);
        assert_eq!(judged.iter().map(|j| j.seen).collect::<Vec<_>>(), [Some(3.0), Some(1.5)]);
        assert_eq!(judged[0].is_reached(), Some(true));
        assert_eq!(judged[1].is_reached(), Some(false));
    }

    #[test]
    fn a_median_is_compared_by_its_distance() {
        let goal = Goal { connections: 1, of: "peer", compared: Compared::Median, reach: 20.0 };
        let goals = [goal];
        let judged = judge(&goals, &[(1, figures(10_000.0, 12_500.0))]);
        assert_eq!(judged[0].is_reached(), Some(true));
        assert!((judged[0].seen.unwrap() - 20.0).abs() < 1e-6);
    }

    #[test]
    fn what_was_not_measured_is_neither_reached_nor_missed() {
        let goal =
            |connections, of| Goal { connections, of, compared: Compared::Throughput, reach: 1.0 };
        let goals = [goal(8, "peer"), goal(1, "other")];
        let judged = judge(&goals, &[(1, figures(1.0, 1.0))]);
        assert!(judged.iter().all(|judged| judged.is_reached().is_none()));
    }
}
