//! What the reader gets: a table, and one line of JSON for every figure.
//!
//! Owns both forms. The JSON lines start with `{` and stand on standard output beside the table, so
//! that `grep '^{'` keeps them.

use crate::arguments::Options;
use crate::figures::{Figures, Window, Yardstick};
use crate::workloads::Workload;
use quire_tests::Result;
use serde_json::{Value, json};
use std::io::{StdoutLock, Write};

pub(crate) fn begin(options: &Options) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let processors = std::thread::available_parallelism()?.get();
    let seconds = options.window.as_secs_f64();
    writeln!(
        out,
        "{} rounds of {seconds} s windows, {processors} processors shared with the load; \
         medians, and medians of each round's ratios; \
         a single connection has server and load on one processor",
        options.rounds
    )?;
    writeln!(out, "postgresql: not measured, this version has no such yardstick")?;
    let run = json!({
        "figure": "run",
        "rounds": options.rounds,
        "window_seconds": seconds,
        "processors": processors,
        "quired": options.quired.display().to_string(),
    });
    writeln!(out, "{run}")?;
    Ok(())
}

pub(crate) fn end() -> Result<()> {
    Ok(std::io::stdout().lock().flush()?)
}

pub(crate) fn workload(workload: &dyn Workload, measured: &[(u16, Figures)]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{}: {}", workload.name(), workload.summary())?;
    writeln!(
        out,
        "{:>5}  {:<20} {:>10} {:>9} {:>9} {:>9} {:>8} {:>8} {:>8}  quired to it: ops/s, CPU",
        "conns", "of", "ops/s", "p50 us", "p99 us", "p99.9 us", "CPU us", "load us", "RSS MiB",
    )?;
    for (connections, figures) in measured {
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
    for (connections, figures) in measured {
        json_lines(&mut out, workload.name(), *connections, figures)?;
    }
    Ok(())
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
        "{connections:>5}  {name:<20} {:>10.0} {:>9.1} {:>9.1} {:>9.1} {:>8} {:>8} {:>8}  {ratios}",
        window.per_second,
        window.p50_us,
        window.p99_us,
        window.p999_us,
        process(window.process.map(|p| p.cpu_us)),
        process(window.process.map(|p| p.generator_cpu_us)),
        process(window.process.map(|p| p.rss_mib)),
    )?;
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
        let line: Value = json!({
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
