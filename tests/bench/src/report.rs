//! What the reader gets: a table, and one line of JSON for every figure.
//!
//! Owns both forms. The JSON lines start with `{` and stand on standard output beside the table, so
//! that `grep '^{'` keeps them.

use crate::arguments::Options;
use crate::figures::{Figures, Window, Yardstick};
use crate::goals::{Judged, judge};
use crate::measures::{Fact, Measure};
use crate::run::Measured;
use crate::workloads::Workload;
use quire_tests::Result;
use serde_json::json;
use std::io::{StdoutLock, Write};

pub(crate) fn begin(options: &Options) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let processors = std::thread::available_parallelism()?.get();
    let seconds = options.window.as_secs_f64();
    writeln!(
        out,
        "{} rounds of {seconds} s windows, {} documents, {processors} processors shared with the \
         load; medians, and medians of each round's ratios; a single connection to a single process \
         has server and load on one processor",
        options.rounds, options.records
    )?;
    let run = json!({
        "figure": "run",
        "rounds": options.rounds,
        "window_seconds": seconds,
        "records": options.records,
        "cache_gib": options.cache_gib,
        "processors": processors,
        "quired": options.quired.display().to_string(),
    });
    writeln!(out, "{run}")?;
    Ok(())
}

pub(crate) fn end() -> Result<()> {
    Ok(std::io::stdout().lock().flush()?)
}

pub(crate) fn workload(workload: &Workload, measured: &Measured) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{}: {}", workload.name, workload.summary)?;
    writeln!(
        out,
        "{:>5}  {:<20} {:>10} {:>9} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8}  quired to it: ops/s, CPU",
        "conns",
        "of",
        "ops/s",
        "p50 us",
        "p99 us",
        "p99.9 us",
        "CPU us",
        "load us",
        "RSS MiB",
        "written",
    )?;
    for (connections, figures) in &measured.by_connections {
        row(&mut out, *connections, "quired", &figures.subject, None)?;
        for yardstick in &figures.yardsticks {
            row(&mut out, *connections, yardstick.name, &yardstick.window, Some(yardstick))?;
        }
        if figures.is_disturbed() {
            writeln!(
                out,
                "       DISTURBED: others used the machine in {} of {} rounds",
                figures.rounds - figures.quiet_rounds,
                figures.rounds
            )?;
        }
    }
    for (name, why) in &measured.absent {
        writeln!(out, "       {name:<20} {why}")?;
    }
    let judged = judge(workload.goals, &measured.by_connections);
    for judged in &judged {
        goal(&mut out, judged)?;
    }
    for (connections, figures) in &measured.by_connections {
        json_lines(&mut out, workload.name, *connections, figures)?;
    }
    for judged in &judged {
        json_of_goal(&mut out, workload.name, judged)?;
    }
    Ok(())
}

/// What is no load: facts by themselves, some with a goal.
pub(crate) fn measure(measure: &dyn Measure, facts: &[Fact]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{}: {}", measure.name(), measure.summary())?;
    for Fact { what, value, unit, reach } in facts {
        let verdict = reach.map_or(String::new(), |reach| {
            format!("goal {} {}: {}", reach.sign(), reach.bound(), verdict(reach.holds(*value)))
        });
        writeln!(out, "       {what:<56} {value:>12.2} {unit:<16} {verdict}")?;
    }
    for Fact { what, value, unit, reach } in facts {
        let line = json!({
            "workload": measure.name(),
            "figure": what,
            "value": value,
            "unit": unit,
            "goal": reach.map(|reach| reach.bound()),
            "reached": reach.map(|reach| reach.holds(*value)),
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn verdict(is_reached: bool) -> &'static str {
    if is_reached { "reached" } else { "MISSED" }
}

fn row(
    out: &mut StdoutLock<'_>,
    connections: u16,
    name: &str,
    window: &Window,
    yardstick: Option<&Yardstick>,
) -> Result<()> {
    let process = |figure: Option<f64>| figure.map_or("-".to_owned(), |f| format!("{f:.1}"));
    let ratios = yardstick.map_or(String::new(), |yardstick| {
        let cpu = yardstick.cpu_ratio.map_or(String::new(), |ratio| format!(", {ratio:.2}"));
        format!("{:.3}{cpu}", yardstick.throughput_ratio)
    });
    writeln!(
        out,
        "{connections:>5}  {name:<20} {:>10.0} {:>9.1} {:>9.1} {:>9.1} {:>8} {:>8} {:>8} {:>8}  \
         {ratios}",
        window.per_second,
        window.p50_us,
        window.p99_us,
        window.p999_us,
        process(window.process.map(|p| p.cpu_us)),
        process(window.process.map(|p| p.generator_cpu_us)),
        process(window.process.map(|p| p.rss_mib)),
        process(window.process.and_then(|p| p.written_per_byte)),
    )?;
    Ok(())
}

fn goal(out: &mut StdoutLock<'_>, judged: &Judged<'_>) -> Result<()> {
    let goal = judged.goal;
    let seen = match (judged.seen, judged.is_reached()) {
        (Some(seen), Some(is_reached)) => format!("{seen:.2}, {}", verdict(is_reached)),
        _ => "not measured".to_owned(),
    };
    let (connections, of, name) = (goal.connections, goal.of, goal.compared.name());
    let (sign, reach) = (goal.compared.sign(), goal.reach);
    writeln!(out, "       goal at {connections} of {of}: {name} {sign} {reach}: {seen}")?;
    Ok(())
}

fn json_of_goal(out: &mut StdoutLock<'_>, workload: &str, judged: &Judged<'_>) -> Result<()> {
    let line = json!({
        "workload": workload,
        "connections": judged.goal.connections,
        "of": judged.goal.of,
        "figure": "goal",
        "compared": judged.goal.compared.name(),
        "value": judged.seen,
        "goal": judged.goal.reach,
        "reached": judged.is_reached(),
    });
    writeln!(out, "{line}")?;
    Ok(())
}

/// The figures of a window by name.
fn named(window: &Window) -> Vec<(&'static str, f64)> {
    let mut figures = vec![
        ("operations_per_second", window.per_second),
        ("p50_us", window.p50_us),
        ("p99_us", window.p99_us),
        ("p999_us", window.p999_us),
    ];
    if let Some(process) = window.process {
        figures.push(("cpu_us_per_operation", process.cpu_us));
        figures.push(("generator_cpu_us_per_operation", process.generator_cpu_us));
        figures.push(("rss_mib", process.rss_mib));
        figures.extend(process.written_per_byte.map(|ratio| ("bytes_written_per_byte", ratio)));
    }
    figures
}

fn json_lines(
    out: &mut StdoutLock<'_>,
    workload: &str,
    connections: u16,
    figures: &Figures,
) -> Result<()> {
    let mut line = |of: &str, figure: &str, value: f64| -> Result<()> {
        let line = json!({
            "workload": workload,
            "connections": connections,
            "of": of,
            "figure": figure,
            "value": value,
            "rounds": figures.rounds,
            "quiet_rounds": figures.quiet_rounds,
        });
        writeln!(out, "{line}")?;
        Ok(())
    };
    for (figure, value) in named(&figures.subject) {
        line("quired", figure, value)?;
    }
    for yardstick in &figures.yardsticks {
        for (figure, value) in named(&yardstick.window) {
            line(yardstick.name, figure, value)?;
        }
        line(yardstick.name, "ratio_of_operations_per_second", yardstick.throughput_ratio)?;
        if let Some(ratio) = yardstick.cpu_ratio {
            line(yardstick.name, "ratio_of_cpu_us_per_operation", ratio)?;
        }
    }
    Ok(())
}
