//! The command: runs a programme and says what came of it.
//!
//! Owns the exit code: 0 nothing was found and all promises were held, 1 something was found, 2 the
//! harness itself failed, 3 the run was too small to show anything.

mod arguments;

use arguments::Invocation;
use quire_chaos::{Result, block_on};
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

const FOUND: u8 = 1;
const HARNESS: u8 = 2;
const TOO_SMALL: u8 = 3;

/// What a run of full length must have seen.
const FULL_LENGTH: Duration = Duration::from_secs(600);
const TIMES_EACH: u32 = 3;
const OPERATIONS: u64 = 10_000;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(failure) => {
            // Standard error may be closed; the exit code still tells.
            let _ = writeln!(std::io::stderr().lock(), "quire-chaos: {failure}");
            ExitCode::from(HARNESS)
        }
    }
}

fn run() -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    match arguments::parse(std::env::args().skip(1))? {
        Invocation::Help => {
            write!(out, "{}", arguments::HELP)?;
            Ok(ExitCode::SUCCESS)
        }
        Invocation::Failover(failover) => {
            let figures = block_on(failover.run())?;
            write!(out, "{figures}")?;
            Ok(if figures.missed().is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
        }
        Invocation::Chaos(chaos) => {
            let report = block_on(chaos.run())?;
            writeln!(out, "{report}")?;
            if !report.findings.is_empty() {
                return Ok(ExitCode::from(FOUND));
            }
            let (times, operations) =
                if chaos.time >= FULL_LENGTH { (TIMES_EACH, OPERATIONS) } else { (1, 100) };
            match report.shortfall(times, operations) {
                Some(shortfall) => {
                    writeln!(out, "TOO SMALL to show anything: {shortfall}")?;
                    Ok(ExitCode::from(TOO_SMALL))
                }
                None => Ok(ExitCode::SUCCESS),
            }
        }
    }
}
