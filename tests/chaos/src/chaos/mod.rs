//! Clients and a nemesis side by side, and the verdict on what came of it.
//!
//! Owns the course of a run: the set comes up, workers start, faults come and are healed, workers stop,
//! everything is healed, and only then is anything looked at.

mod report;
mod verdict;

pub use report::Report;

use crate::cluster::{Cluster, Network};
use crate::nemesis::{self, Deck, Fault, Kind};
use crate::scratch::Scratch;
use crate::workload::{self, Counts, Entry, Ledger, Shared, Tally, Worker};
use quire_tests::Random;
use quire_tests::{Failure, Result};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// What to run.
#[derive(Clone, Debug)]
pub struct Chaos {
    pub quired: PathBuf,
    /// Where data and logs are written; on a real disk.
    pub directory: PathBuf,
    pub time: Duration,
    pub seed: u64,
}

/// How long writes may stay away when everything is healed.
const RECOVERY: Duration = Duration::from_secs(30);

/// What the workers bring home.
#[derive(Default)]
struct Harvest {
    ledger: Ledger,
    tally: Tally,
    history: Vec<Entry>,
    counts: Counts,
}

impl Chaos {
    /// Runs it. What is wrong with the server is in the report.
    pub async fn run(&self) -> Result<Report> {
        say(&format!("seed {}, {:?}", self.seed, self.time));
        let mut scratch = Scratch::new(&self.directory, "quire-chaos")?;
        let mut random = Random::new(self.seed);
        let cluster = Cluster::start(&self.quired, scratch.path(), Network::Proxied).await;
        let mut cluster = cluster.map_err(Failure::during(kept(&scratch)))?;
        cluster.make_index("ledger", "n").await.map_err(Failure::during(kept(&scratch)))?;
        let shared = Shared::new();
        let workers = Workers::start(&cluster, &shared, &mut random)?;
        let mut report = Report::new(self.seed);
        let disturbed = self.disturb(&mut cluster, &shared, &mut random, &mut report).await;
        shared.stop();
        let harvest = workers.end().await;
        let judged = match (disturbed, harvest) {
            (Ok(()), Ok(harvest)) => {
                report.longest_outage = shared.longest_outage();
                verdict::judge(&mut cluster, harvest, &shared, &mut report).await
            }
            (Err(failure), _) | (_, Err(failure)) => Err(failure),
        };
        judged.map_err(Failure::during(kept(&scratch)))?;
        if report.findings.is_empty() {
            scratch.nothing_was_found();
        } else {
            report.kept_at = Some(scratch.path().to_owned());
        }
        Ok(report)
    }

    /// Inflicts fault after fault until the time is over and every kind was seen.
    async fn disturb(
        &self,
        cluster: &mut Cluster,
        shared: &Shared,
        random: &mut Random,
        report: &mut Report,
    ) -> Result<()> {
        let begun = Instant::now();
        let mut deck = Deck::new(random.branch());
        let mut drawn = Vec::new();
        // Short runs have to see everything, long ones can wait and see.
        let hold_most = (self.time / 30).clamp(Duration::from_secs(2), Duration::from_secs(8));
        tokio::time::sleep(Duration::from_secs(1)).await;
        while begun.elapsed() < self.time || !report.every_kind_was_seen() {
            let (kind, fault) = drawn.pop().unwrap_or_else(|| deck.draw());
            self.one(cluster, random, report, kind, fault).await?;
            tokio::time::sleep(random.between(Duration::from_millis(700), hold_most)).await;
            if kind != Kind::LoseDisk && random.chance(25) {
                let (other, second) = deck.draw();
                if go_together(kind, other) {
                    self.one(cluster, random, report, other, second).await?;
                    tokio::time::sleep(random.between(Duration::from_millis(500), hold_most)).await;
                } else {
                    drawn.push((other, second));
                }
            }
            report.findings.extend(cluster.deaths()?);
            cluster.heal().await?;
            let healed = begun.elapsed().as_secs_f64();
            let recovery = await_writes(shared, report).await;
            say(&format!("{healed:>6.1} s  healed, and written to after {recovery:.1?}"));
            if kind == Kind::LoseDisk
                && let Err(failure) = cluster.wait_until_whole().await
            {
                // A second disk may only go when the first one is full again.
                report
                    .findings
                    .push(format!("a member without its disk did not return: {failure}"));
            }
            let calm = Duration::from_secs(2);
            tokio::time::sleep(random.between(Duration::from_millis(200), calm)).await;
            if !report.findings.is_empty() {
                // What comes behind the first finding only hides it.
                return Ok(());
            }
        }
        Ok(())
    }

    async fn one(
        &self,
        cluster: &mut Cluster,
        random: &mut Random,
        report: &mut Report,
        kind: Kind,
        fault: Fault,
    ) -> Result<()> {
        let what = nemesis::inflict(fault, cluster, random).await?;
        say(&format!("{:>8}  {what}", format!("{kind:?}")));
        *report.inflicted.entry(kind).or_default() += 1;
        Ok(())
    }
}

/// Whether a second fault can come on top of the first. One that is paused cannot end when asked,
/// pausing more members only makes a run wait, and a set survives the loss of one disk at a time.
fn go_together(first: Kind, second: Kind) -> bool {
    let can_be_second = !matches!(second, Kind::Pause | Kind::Terminate | Kind::LoseDisk);
    first != second && can_be_second
}

/// Waits until writes are acknowledged again.
async fn await_writes(shared: &Shared, report: &mut Report) -> Duration {
    let (healed, begun) = (shared.now(), Instant::now());
    while shared.last_acknowledged() <= healed {
        if begun.elapsed() > RECOVERY {
            let what = format!("no write was acknowledged within {RECOVERY:?} after healing");
            report.findings.push(what);
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    report.recoveries.push(begun.elapsed());
    begun.elapsed()
}

fn kept(scratch: &Scratch) -> String {
    format!("data and logs are in {}", scratch.path().display())
}

/// One line about the course of the run.
fn say(line: &str) {
    // Whoever does not listen any more does not have to.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

struct Workers {
    ledgers: Vec<JoinHandle<(Ledger, Counts)>>,
    tallies: Vec<JoinHandle<(Tally, Counts)>>,
    registers: Vec<JoinHandle<(Vec<Entry>, Counts)>>,
}

impl Workers {
    fn start(cluster: &Cluster, shared: &Shared, random: &mut Random) -> Result<Workers> {
        let mut of_the_set = Vec::new();
        for _ in 0..2 {
            of_the_set.push(workload::client_of_the_set(cluster.public_ports())?);
        }
        let mut of_one_node = Vec::new();
        for port in cluster.public_ports() {
            of_one_node.push(workload::client_of_one_node(*port)?);
        }
        let mut number = 0;
        let mut worker = |clients: &[mongodb::Client]| {
            number += 1;
            let (shared, counts) = (shared.clone(), Counts::default());
            Worker { number, shared, random: random.branch(), counts, clients: clients.to_vec() }
        };
        let mut workers = Workers { ledgers: vec![], tallies: vec![], registers: vec![] };
        for _ in 0..2 {
            let mut own = worker(&of_the_set);
            workers
                .ledgers
                .push(tokio::spawn(async move { (Ledger::keep(&mut own).await, own.counts) }));
            let mut own = worker(&of_the_set);
            workers
                .tallies
                .push(tokio::spawn(async move { (Tally::keep(&mut own).await, own.counts) }));
            // Those that believe in one node are the first to hear from a primary that is none.
            for clients in [&of_the_set, &of_one_node, &of_one_node] {
                let mut own = worker(clients);
                workers.registers.push(tokio::spawn(async move {
                    (workload::register_of(&mut own).await, own.counts)
                }));
            }
        }
        Ok(workers)
    }

    async fn end(self) -> Result<Harvest> {
        let mut harvest = Harvest::default();
        let lost = |error| Failure::during("a worker")(error);
        for ledger in self.ledgers {
            let (ledger, counts) = ledger.await.map_err(lost)?;
            harvest.ledger.join(ledger);
            harvest.counts.add(&counts);
        }
        for tally in self.tallies {
            let (tally, counts) = tally.await.map_err(lost)?;
            harvest.tally.join(tally);
            harvest.counts.add(&counts);
        }
        for register in self.registers {
            let (history, counts) = register.await.map_err(lost)?;
            harvest.history.extend(history);
            harvest.counts.add(&counts);
        }
        Ok(harvest)
    }
}
