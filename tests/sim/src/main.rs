//! Runs seeds, one after the other or one again.
//!
//! Owns the command line: `quire-sim [--seconds N] [--from N] [--count N]` or `quire-sim --seed N`.
//! Ends with an error at the first seed that breaks a rule, having said which.

use quire_sim::{Figures, run};
use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[derive(Clone, Copy)]
struct Arguments {
    seconds: u64,
    seed: Option<u64>,
    from: Option<u64>,
    /// So many seeds, however long they take.
    count: Option<u64>,
}

fn parse() -> Result<Arguments, String> {
    let mut arguments = Arguments { seconds: 60, seed: None, from: None, count: None };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let value = given.next().and_then(|value| value.parse().ok());
        let value = value.ok_or_else(|| format!("{name} needs a number"))?;
        match name.as_str() {
            "--seconds" => arguments.seconds = value,
            "--seed" => arguments.seed = Some(value),
            "--from" => arguments.from = Some(value),
            "--count" => arguments.count = Some(value),
            _ => {
                return Err(format!("unknown: {name}; known: --seconds, --seed, --from, --count"));
            }
        }
    }
    Ok(arguments)
}

fn main() -> ExitCode {
    let done = parse().and_then(|arguments| match arguments.seed {
        Some(seed) => replay(seed),
        None => explore(arguments),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            // Nobody may be reading.
            let _ = writeln!(std::io::stderr().lock(), "{what}");
            ExitCode::FAILURE
        }
    }
}

/// One seed, with a line for everything that happens.
fn replay(seed: u64) -> Result<(), String> {
    let outcome = run(seed, None, true);
    say(&format!("seed {seed}: trace {:016x}, {:?}", outcome.trace, outcome.figures));
    outcome.wrong.map_or(Ok(()), |wrong| Err(format!("seed {seed}: {wrong}")))
}

/// Seeds that nobody has tried, unless it is said where to begin, until time is up.
fn explore(Arguments { seconds, from, count, .. }: Arguments) -> Result<(), String> {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let first = from.unwrap_or(clock.as_secs().wrapping_mul(1_000_000));
    // Members panic by plan, and what is wrong with a seed is told by its outcome. A replay shows all.
    std::panic::set_hook(Box::new(|_| {}));
    let begun = Instant::now();
    let mut figures = Figures::default();
    let mut seed = first;
    let has_more = |done: u64| match count {
        Some(count) => done < count,
        None => begun.elapsed() < Duration::from_secs(seconds),
    };
    while has_more(seed.wrapping_sub(first)) {
        let outcome = run(seed, None, false);
        figures.add(&outcome.figures);
        if let Some(wrong) = outcome.wrong {
            return Err(format!("seed {seed}: {wrong}\nagain: make sim SEED={seed}"));
        }
        seed = seed.wrapping_add(1);
    }
    let seeds = seed.wrapping_sub(first);
    let spent = begun.elapsed().as_secs_f64();
    say(&format!(
        "seeds {first}..{seed}: {seeds} in {spent:.0} s, {:.0} seeds and {:.0} events a second",
        seeds as f64 / spent,
        figures.events as f64 / spent
    ));
    say(&format!("{figures:?}"));
    Ok(())
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
