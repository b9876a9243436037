//! The benchmark's command line.
//!
//! Owns the flags and their defaults: one workload takes less than a minute with them, all of them
//! less than ten.

use crate::measures::{self, Measure};
use crate::workloads::{self, Workload};
use quire_tests::{Failure, Result};
use std::path::PathBuf;
use std::time::Duration;

/// The most connections: a stream's number is 16 bits, and the ports of one machine are no more.
const CONNECTIONS_MAX: u16 = 20_000;

pub(crate) enum Invocation {
    Help,
    /// To be the canned server of a workload: the benchmark starts itself so.
    Canned(&'static Workload),
    Run(Options),
}

pub(crate) struct Options {
    pub(crate) workloads: Vec<&'static Workload>,
    pub(crate) measures: Vec<&'static dyn Measure>,
    /// Instead of each workload's own, unless empty.
    pub(crate) connections: Vec<u16>,
    pub(crate) rounds: u32,
    /// How long one window is measured.
    pub(crate) window: Duration,
    /// Documents of each loaded collection.
    pub(crate) records: u64,
    /// Memory for blocks, of the server and of everything beside it.
    pub(crate) cache_gib: u8,
    /// Where the server's data and the disk's yardsticks lie.
    pub(crate) directory: PathBuf,
    pub(crate) quired: PathBuf,
    /// Another build of the server, in turns with the first.
    pub(crate) other: Option<PathBuf>,
    pub(crate) with_fail_points: bool,
    pub(crate) through_driver: bool,
}

pub(crate) fn help() -> String {
    let mut text = String::from(
        "quire-bench: measures quired beside what this machine's wire and disk allow, and its peers

  --quired PATH        the server's binary; or QUIRE_BIN
  --workload NAME      one of those below, may be repeated; otherwise all
  --connections LIST   numbers of connections, instead of those of each workload
  --rounds N           rounds, each with every yardstick (5 for named workloads, 3 for all)
  --seconds S          length of a window (1.2 or 0.6); 60 shows what a server sustains
  --records N          documents of each loaded collection (200000)
  --cache-gib N        memory for blocks, of all that have such a setting (2)
  --directory PATH     where data is written; must be a real disk (the temporary directory)
  --other PATH         another build of the server, measured in turns with the first
  --fail-points        also a server that has them, all of them off
  --driver             also the same commands through the stock Rust driver

workloads:
",
    );
    for workload in workloads::ALL {
        text.push_str(&format!("  {:<20} {}\n", workload.name, workload.summary));
    }
    text.push_str("\nand what is no load:\n");
    for measure in measures::ALL {
        text.push_str(&format!("  {:<20} {}\n", measure.name(), measure.summary()));
    }
    text
}

/// What was said, where that is not the same as a default.
#[derive(Default)]
struct Said {
    rounds: Option<u32>,
    seconds: Option<f64>,
}

pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Invocation> {
    let mut options = Options {
        workloads: Vec::new(),
        measures: Vec::new(),
        connections: Vec::new(),
        rounds: 0,
        window: Duration::ZERO,
        records: 200_000,
        cache_gib: 2,
        directory: std::env::temp_dir(),
        quired: std::env::var_os("QUIRE_BIN").map(PathBuf::from).unwrap_or_default(),
        other: None,
        with_fail_points: false,
        through_driver: false,
    };
    let mut said = Said::default();
    let mut arguments = arguments;
    while let Some(flag) = arguments.next() {
        match flag.as_str() {
            "--help" | "-h" => return Ok(Invocation::Help),
            "--fail-points" => options.with_fail_points = true,
            "--driver" => options.through_driver = true,
            _ => {
                let value =
                    arguments.next().ok_or_else(|| Failure::new(format!("{flag}: no value")))?;
                let refused =
                    || Failure::new(format!("{flag}: {value} is not possible; see --help"));
                if flag == "--canned" {
                    return workloads::by_name(&value).map(Invocation::Canned).ok_or_else(refused);
                }
                set(&mut options, &mut said, &flag, &value).ok_or_else(refused)?;
            }
        }
    }
    let all = options.workloads.is_empty() && options.measures.is_empty();
    if all {
        options.workloads = workloads::ALL.to_vec();
        options.measures = measures::ALL.to_vec();
    }
    options.rounds = said.rounds.unwrap_or(if all { 3 } else { 5 });
    let seconds = said.seconds.unwrap_or(if all { 0.6 } else { 1.2 });
    options.window = Duration::from_secs_f64(seconds);
    if options.quired.as_os_str().is_empty() {
        return Err(Failure::new("no server to measure: give --quired PATH or set QUIRE_BIN"));
    }
    Ok(Invocation::Run(options))
}

/// Takes one flag; nothing for what is no flag, or no value of it.
fn set(options: &mut Options, said: &mut Said, flag: &str, value: &str) -> Option<()> {
    fn within<T: PartialOrd + std::str::FromStr>(value: &str, least: T, most: T) -> Option<T> {
        value.parse().ok().filter(|number| *number >= least && *number <= most)
    }
    match flag {
        "--workload" => match (workloads::by_name(value), measures::by_name(value)) {
            (Some(workload), _) => options.workloads.push(workload),
            (None, Some(measure)) => options.measures.push(measure),
            (None, None) => return None,
        },
        "--connections" => {
            let numbers = value.split(',').map(|number| within(number, 1, CONNECTIONS_MAX));
            options.connections = numbers.collect::<Option<_>>()?;
        }
        "--rounds" => said.rounds = Some(within(value, 1, 1000)?),
        "--seconds" => said.seconds = Some(within(value, 0.1, 3600.0)?),
        "--records" => options.records = within(value, 10_000, 1_000_000_000)?,
        "--cache-gib" => options.cache_gib = within(value, 1, 255)?,
        "--directory" => options.directory = PathBuf::from(value),
        "--quired" => options.quired = PathBuf::from(value),
        "--other" => options.other = Some(PathBuf::from(value)),
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Invocation> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn what_is_given_is_taken_and_the_rest_has_defaults() {
        let line = "--quired q --workload insert --connections 2,4 --seconds 0.5 --driver";
        let Ok(Invocation::Run(options)) = parsed(line) else { panic!() };
        assert_eq!(options.connections, [2, 4]);
        assert_eq!(options.window, Duration::from_millis(500));
        assert_eq!((options.rounds, options.through_driver), (5, true));
        assert_eq!(options.workloads.iter().map(|w| w.name).collect::<Vec<_>>(), ["insert"]);
        assert!(options.measures.is_empty());
    }

    #[test]
    fn without_a_workload_all_are_run_with_shorter_windows() {
        let Ok(Invocation::Run(options)) = parsed("--quired q") else { panic!() };
        assert_eq!(options.workloads.len(), workloads::ALL.len());
        assert_eq!(options.measures.len(), measures::ALL.len());
        assert_eq!((options.rounds, options.window), (3, Duration::from_millis(600)));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "--workload nothing",
            "--connections 0",
            "--connections 1,x",
            "--rounds 0",
            "--seconds -1",
            "--seconds NaN",
            "--records 10",
            "--quired",
            "--strange 1",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
