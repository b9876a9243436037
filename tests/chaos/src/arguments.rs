//! The command line.
//!
//! Owns the flags and their defaults.

use quire_chaos::{Chaos, Failover, Failure, Result};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) enum Invocation {
    Help,
    Chaos(Chaos),
    Failover(Failover),
}

pub(crate) const HELP: &str = "quire-chaos PROGRAMME: a replica set of three processes under faults

programmes:
  chaos              inflicts faults under load, then looks for lost, doubled and misread writes
  failover           measures how long nobody can write

  --quired PATH      the server's binary; or QUIRE_BIN
  --directory PATH   where data is written; must be a real disk (the temporary directory)
  --seconds S        chaos: how long (900)
  --seed N           chaos: which faults, and what clients do (from the clock)
  --rounds N         failover: how often each kind (50)
  --without-etcd     failover: do not measure etcd beside it
";

pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Invocation> {
    let programme = arguments.next().unwrap_or_default();
    let mut chaos = Chaos {
        quired: std::env::var_os("QUIRE_BIN").map(PathBuf::from).unwrap_or_default(),
        directory: std::env::temp_dir(),
        time: Duration::from_secs(900),
        seed: SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs()),
    };
    let mut rounds = 50;
    let mut with_etcd = true;
    while let Some(flag) = arguments.next() {
        match flag.as_str() {
            "--without-etcd" => {
                with_etcd = false;
                continue;
            }
            "--help" | "-h" => return Ok(Invocation::Help),
            _ => {}
        }
        let value = arguments.next().ok_or_else(|| Failure::new(format!("{flag}: no value")))?;
        let refused = || Failure::new(format!("{flag}: {value} is not possible; see --help"));
        match flag.as_str() {
            "--quired" => chaos.quired = PathBuf::from(value),
            "--directory" => chaos.directory = PathBuf::from(value),
            "--seconds" => {
                let seconds = value.parse().ok().filter(|seconds| (1..=86_400).contains(seconds));
                chaos.time = Duration::from_secs(seconds.ok_or_else(refused)?);
            }
            "--seed" => chaos.seed = value.parse().map_err(|_| refused())?,
            "--rounds" => {
                let number = value.parse().ok().filter(|rounds| (1..=10_000).contains(rounds));
                rounds = number.ok_or_else(refused)?;
            }
            _ => return Err(Failure::new(format!("{flag}: no such flag; see --help"))),
        }
    }
    let Chaos { quired, directory, .. } = chaos.clone();
    let invocation = match programme.as_str() {
        "chaos" => Invocation::Chaos(chaos),
        "failover" => Invocation::Failover(Failover { quired, directory, rounds, with_etcd }),
        "--help" | "-h" | "help" => return Ok(Invocation::Help),
        _ => return Err(Failure::new(format!("{programme}: no such programme; see --help"))),
    };
    Ok(invocation)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Invocation> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn what_is_given_is_taken() {
        let Ok(Invocation::Chaos(chaos)) = parsed("chaos --quired q --seconds 60 --seed 7") else {
            panic!()
        };
        assert_eq!((chaos.time, chaos.seed), (Duration::from_secs(60), 7));
        let Ok(Invocation::Failover(failover)) = parsed("failover --rounds 3 --without-etcd")
        else {
            panic!()
        };
        assert_eq!((failover.rounds, failover.with_etcd), (3, false));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in ["", "dance", "chaos --seconds 0", "chaos --seed", "failover --rounds x"] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
