//! Does one thing a number of times and ends, for counting the processor's instructions from outside.
//!
//! Owns the list of things. Everything runs in memory and in one process, so that a count says what
//! our own code does: no socket, no disk, no RocksDB. `counted.rs` takes the difference of two runs,
//! which leaves out what a start costs.

mod apply;
mod host;
mod node;
mod requests;

use std::process::ExitCode;

/// A thing to do so many times.
type Case = fn(u32) -> Result<(), String>;

const CASES: &[(&str, Case)] = &[
    ("find", requests::find),
    ("insert", requests::insert),
    ("update", requests::update),
    ("scan-10000", requests::scan),
    ("apply-1000", apply::apply),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [name, times] => run(name, times),
        _ => Err("quire-counts NAME TIMES".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            use std::io::Write;
            // Standard error may be closed; the exit code still tells.
            let _ = writeln!(std::io::stderr().lock(), "{message}");
            ExitCode::FAILURE
        }
    }
}

fn run(name: &str, times: &str) -> Result<(), String> {
    let (_, case) = CASES
        .iter()
        .find(|(own, _)| *own == name)
        .ok_or_else(|| format!("{name}: there is no such case"))?;
    let times = times.parse().map_err(|_| format!("{times}: not a number"))?;
    case(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_does_what_it_says() {
        for (name, _) in CASES {
            assert_eq!(run(name, "2"), Ok(()), "{name}");
        }
    }
}
