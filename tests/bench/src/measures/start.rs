//! How long a start takes until the first ping is answered.

use super::{Fact, Measure, Reach};
use crate::arguments::Options;
use crate::client::Client;
use crate::dataset::Dataset;
use crate::servers::quired::{Launch, Quired};
use quire_tests::Result;
use std::time::Duration;

const STARTS: usize = 5;

/// How many times fewer documents the other store has.
const SMALLER: u64 = 10;

pub(super) struct Start;

impl Measure for Start {
    fn name(&self) -> &'static str {
        "start"
    }

    fn summary(&self) -> &'static str {
        "from the process's start to its first answered ping, after a clean end and after kill -9, \
         with all documents (254 bytes) and with a tenth of them"
    }

    fn take(&self, options: &Options) -> Result<Vec<Fact>> {
        let (clean, killed) = starts(options, options.records)?;
        let (clean_small, killed_small) = starts(options, options.records / SMALLER)?;
        let ratio = clean / clean_small;
        Ok(vec![
            Fact::new("after a clean end", clean, "ms").reaching(Reach::AtMost(150.0)),
            Fact::new("of that with a tenth", ratio, "x").reaching(Reach::AtMost(1.2)),
            Fact::new("after kill -9, log replay included", killed, "ms")
                .reaching(Reach::AtMost(1000.0)),
            Fact::new("after kill -9 with a tenth", killed_small, "ms"),
        ])
    }
}

/// Medians in milliseconds.
fn starts(options: &Options, records: u64) -> Result<(f64, f64)> {
    let launch = Launch::new(&options.quired);
    let mut quired = Quired::start(&launch, &options.directory, "starts")?;
    Client::connect(quired.address)?.load(Dataset::Business, records)?;
    // What the load has left in the log is there at the first of these.
    quired.kill();
    let mut killed = vec![quired.restart()?];
    for _ in 1..STARTS {
        quired.kill();
        killed.push(quired.restart()?);
    }
    let mut clean = Vec::new();
    for _ in 0..STARTS {
        quired.stop()?;
        clean.push(quired.restart()?);
    }
    Ok((median_millis(clean), median_millis(killed)))
}

fn median_millis(mut durations: Vec<Duration>) -> f64 {
    durations.sort();
    durations.get(durations.len() / 2).map_or(f64::NAN, |middle| middle.as_secs_f64() * 1e3)
}
