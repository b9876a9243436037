//! The benchmark's command line.
//!
//! Owns the flags and their defaults: what one workload takes with them stays under a minute.

use crate::workloads::{self, Workload};
use quire_tests::{Failure, Result};
use std::path::PathBuf;
use std::time::Duration;

/// The most connections: a stream's number is 16 bits, and the ports of one machine are no more.
const CONNECTIONS_MAX: u16 = 20_000;

pub(crate) enum Invocation {
    Help,
    /// To be the canned server of a workload: the benchmark starts itself so.
    Canned(&'static dyn Workload),
    Run(Options),
}

pub(crate) struct Options {
    pub(crate) workloads: Vec<&'static dyn Workload>,
    pub(crate) connections: Vec<u16>,
    pub(crate) rounds: u32,
    /// How long one window is measured.
    pub(crate) window: Duration,
    /// Where the server's data and the disk's yardsticks lie.
    pub(crate) directory: PathBuf,
    pub(crate) quired: PathBuf,
}

pub(crate) fn help() -> String {
    let mut text = String::from(
        "quire-bench: measures quired beside what this machine's wire and disk allow

  --quired PATH        the server's binary; or QUIRE_BIN
  --workload NAME      one of those below, may be repeated; otherwise all
  --connections LIST   numbers of connections (1,8,64)
  --rounds N           rounds, each with every yardstick (5)
  --seconds S          length of a window (1.2); 60 shows what a server sustains
  --directory PATH     where data is written; must be a real disk (the temporary directory)

workloads:
",
    );
    for workload in workloads::ALL {
        text.push_str(&format!("  {:<12} {}\n", workload.name(), workload.summary()));
    }
    text
}

pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Invocation> {
    let mut options = Options {
        workloads: Vec::new(),
        connections: vec![1, 8, 64],
        rounds: 5,
        window: Duration::from_millis(1200),
        directory: std::env::temp_dir(),
        quired: std::env::var_os("QUIRE_BIN").map(PathBuf::from).unwrap_or_default(),
    };
    let mut arguments = arguments;
    while let Some(flag) = arguments.next() {
        if flag == "--help" || flag == "-h" {
            return Ok(Invocation::Help);
        }
        let value = arguments.next().ok_or_else(|| Failure::new(format!("{flag}: no value")))?;
        let refused = || Failure::new(format!("{flag}: {value} is not possible; see --help"));
        match flag.as_str() {
            "--canned" => {
                return workloads::by_name(&value).map(Invocation::Canned).ok_or_else(refused);
            }
            "--workload" => {
                options.workloads.push(workloads::by_name(&value).ok_or_else(refused)?);
            }
            "--connections" => options.connections = numbers(&value).ok_or_else(refused)?,
            "--rounds" => {
                let rounds = value.parse().ok().filter(|rounds| (1..=1000).contains(rounds));
                options.rounds = rounds.ok_or_else(refused)?;
            }
            "--seconds" => {
                let seconds = value.parse().ok().filter(|s: &f64| (0.1..=3600.0).contains(s));
                options.window = Duration::from_secs_f64(seconds.ok_or_else(refused)?);
            }
            "--directory" => options.directory = PathBuf::from(value),
            "--quired" => options.quired = PathBuf::from(value),
            _ => return Err(Failure::new(format!("{flag}: no such flag; see --help"))),
        }
    }
    if options.workloads.is_empty() {
        options.workloads = workloads::ALL.to_vec();
    }
    if options.quired.as_os_str().is_empty() {
        return Err(Failure::new("no server to measure: give --quired PATH or set QUIRE_BIN"));
    }
    Ok(Invocation::Run(options))
}

fn numbers(list: &str) -> Option<Vec<u16>> {
    list.split(',')
        .map(|number| number.parse().ok().filter(|n| (1..=CONNECTIONS_MAX).contains(n)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Invocation> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn what_is_given_is_taken_and_the_rest_has_defaults() {
        let line = "--quired q --workload insert --connections 2,4 --seconds 0.5";
        let Ok(Invocation::Run(options)) = parsed(line) else { panic!() };
        assert_eq!(options.connections, [2, 4]);
        assert_eq!(options.window, Duration::from_millis(500));
        assert_eq!(options.rounds, 5);
        assert_eq!(options.workloads.iter().map(|w| w.name()).collect::<Vec<_>>(), ["insert"]);
    }

    #[test]
    fn without_a_workload_all_are_run() {
        let Ok(Invocation::Run(options)) = parsed("--quired q") else { panic!() };
        assert_eq!(options.workloads.len(), workloads::ALL.len());
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
            "--quired",
            "--strange 1",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
