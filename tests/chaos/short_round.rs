//! A short round of chaos, as everyday tests run it: every kind of fault once, on the binary that ships.

use quire_chaos::{Chaos, block_on};
use quire_tests::binary;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Long enough for every kind of fault; the whole takes about half as much again.
const TIME: Duration = Duration::from_secs(40);

/// What a round must have done to have shown anything, on a machine that is busy with other tests.
const OPERATIONS: u64 = 500;

#[test]
fn a_set_under_faults_loses_nothing_doubles_nothing_and_reads_nothing_stale() {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs());
    let seed = std::env::var("CHAOS_SEED").ok().and_then(|seed| seed.parse().ok());
    let chaos = Chaos {
        quired: binary(),
        directory: std::env::temp_dir(),
        time: TIME,
        seed: seed.unwrap_or(clock),
    };
    let report = block_on(chaos.run()).unwrap_or_else(|failure| panic!("no verdict: {failure}"));
    assert!(report.findings.is_empty(), "{report}");
    assert_eq!(report.shortfall(1, OPERATIONS), None, "{report}");
}
