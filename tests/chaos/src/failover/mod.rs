//! How long nobody can write: after a crash of the primary, a planned step-down, and its end on request.
//!
//! Owns the course of the rounds. Three nodes with default settings, no proxies, one stock driver with
//! retries off; etcd, when it is installed, is measured in the same run on the same machine.

mod etcd;
mod figures;
mod http;
mod writer;

pub use figures::Figures;

use crate::cluster::{Cluster, Network};
use crate::scratch::Scratch;
use figures::Figure;
use mongodb::bson::doc;
use quire_tests::{Failure, Result};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use writer::Writer;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Failover {
    pub quired: PathBuf,
    /// Where data and logs are written; on a real disk.
    pub directory: PathBuf,
    pub rounds: u32,
    pub with_etcd: bool,
}

/// How long writing goes on undisturbed before each round.
const CALM: Duration = Duration::from_millis(500);

/// How long an outage may be before the run gives up.
const PATIENCE: Duration = Duration::from_secs(60);

impl Failover {
    /// Measures; what was missed is in the figures.
    pub async fn run(&self) -> Result<Figures> {
        let mut scratch = Scratch::new(&self.directory, "quire-failover")?;
        let measured = self.measure(&scratch).await;
        if measured.as_ref().is_ok_and(|figures| figures.missed().is_empty()) {
            scratch.nothing_was_found();
        } else {
            tell(&format!("data and logs are kept in {}", scratch.path().display()));
        }
        measured
    }

    async fn measure(&self, scratch: &Scratch) -> Result<Figures> {
        let mut cluster = Cluster::start(&self.quired, scratch.path(), Network::Direct).await?;
        let writer = Writer::start(cluster.public_ports())?;
        let (mut first_writes, mut crash_gaps) = (Figure::default(), Figure::default());
        let (mut step_downs, mut terminations) = (Figure::default(), Figure::default());
        for round in 1..=self.rounds {
            let (first, gap) = crash(&mut cluster, &writer).await?;
            first_writes.add(first);
            crash_gaps.add(gap);
            say("crash", round, gap);
        }
        for round in 1..=self.rounds {
            let gap = step_down(&cluster, &writer).await?;
            step_downs.add(gap);
            say("step-down", round, gap);
        }
        for round in 1..=self.rounds {
            let gap = terminate(&mut cluster, &writer).await?;
            terminations.add(gap);
            say("SIGTERM", round, gap);
        }
        let errors = writer.stop().await?;
        drop(cluster);
        let etcd = if self.with_etcd {
            etcd::measure(scratch.path(), self.rounds, &mut |round, gap| say("etcd", round, gap))
                .await?
        } else {
            None
        };
        Ok(Figures { first_writes, crash_gaps, step_downs, terminations, etcd, errors })
    }
}

fn say(what: &str, round: u32, outage: Duration) {
    tell(&format!("{what} {round}: {outage:.1?}"));
}

fn tell(line: &str) {
    // Whoever does not listen any more does not have to.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Kills the primary. Returns the time from the kill to the end of the first write that was begun
/// behind it and acknowledged, and the time between two acknowledged writes.
async fn crash(cluster: &mut Cluster, writer: &Writer) -> Result<(Duration, Duration)> {
    let primary = cluster.wait_until_whole().await?;
    tokio::time::sleep(CALM).await;
    let killed = Instant::now();
    cluster.kill(primary)?;
    let first = writer.first_after(killed, PATIENCE).await?;
    let gap = writer.gap_around(killed, PATIENCE).await?;
    cluster.start_node(primary).await?;
    Ok((first, gap))
}

async fn step_down(cluster: &Cluster, writer: &Writer) -> Result<Duration> {
    let primary = cluster.wait_until_whole().await?;
    tokio::time::sleep(CALM).await;
    let asked = Instant::now();
    // As short as can be: one that stepped down does not stand for so long, and is needed again.
    let command = doc! { "replSetStepDown": 1, "secondaryCatchUpPeriodSecs": 1 };
    cluster.members[primary].run("admin", command).await?;
    let gap = writer.gap_around(asked, PATIENCE).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(gap)
}

async fn terminate(cluster: &mut Cluster, writer: &Writer) -> Result<Duration> {
    let primary = cluster.wait_until_whole().await?;
    tokio::time::sleep(CALM).await;
    let asked = Instant::now();
    cluster.nodes[primary].ask_to_end()?;
    let gap = writer.gap_around(asked, PATIENCE).await?;
    let status = cluster.nodes[primary].wait_for_end().await?;
    if !status.success() {
        return Err(Failure::new(format!("SIGTERM ended it with {status}")));
    }
    cluster.start_node(primary).await?;
    Ok(gap)
}
