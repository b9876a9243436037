//! The rounds of a run: subject and yardsticks in turns, at every number of connections.
//!
//! Owns the order of things. A workload that grows its store gets an empty server every round, so that
//! compaction of an earlier round is not paid in a later one.

use crate::arguments::Options;
use crate::canned::CannedServer;
use crate::client::Client;
use crate::disk::{self, Manner};
use crate::figures::{Figures, ProcessFigures, Round, Window};
use crate::generator::{self, Plan};
use crate::placement::Pinned;
use crate::process::{self, Disturbance, MachineTicks, Usage};
use crate::quired::Quired;
use crate::report;
use crate::workloads::Workload;
use quire_tests::{Failure, Result};
use std::net::SocketAddr;
use std::time::Duration;

/// What a window takes before it counts.
const WARM_UP: Duration = Duration::from_millis(300);

pub(crate) fn run(options: &Options) -> Result<()> {
    report::begin(options)?;
    for workload in &options.workloads {
        let measured = measure(options, *workload)
            .map_err(|failure| Failure::new(format!("{}: {failure}", workload.name())))?;
        report::workload(*workload, &measured)?;
    }
    report::end()
}

/// The figures of one workload at each number of connections.
fn measure(options: &Options, workload: &'static dyn Workload) -> Result<Vec<(u16, Figures)>> {
    let canned = CannedServer::start(workload)?;
    let mut rounds: Vec<Vec<Round>> = options.connections.iter().map(|_| Vec::new()).collect();
    let mut run = Run { options, workload, windows: 0 };
    let mut servers: Option<Servers> = None;
    for _ in 0..options.rounds {
        if workload.grows() {
            // The old one must be gone before the new one takes its place.
            drop(servers.take());
        }
        let started = match servers.take() {
            Some(running) => running,
            None => run.start()?,
        };
        let disk = run.disk()?;
        for (connections, rounds) in options.connections.iter().zip(&mut rounds) {
            rounds.push(run.round(&started, &canned, *connections, &disk)?);
        }
        servers = Some(started);
    }
    let figures = rounds.iter().map(|rounds| Figures::of(rounds));
    Ok(options.connections.iter().copied().zip(figures).collect())
}

/// The subject and what is measured beside it.
struct Servers {
    subject: Quired,
    variants: Vec<(&'static str, Quired)>,
}

struct Run<'a> {
    options: &'a Options,
    workload: &'static dyn Workload,
    /// How many windows there were: no two send the same requests.
    windows: u32,
}

/// What a window's beginning and end are compared by.
struct Sample {
    server: Usage,
    own: Usage,
    machine: MachineTicks,
}

impl Run<'_> {
    fn start(&self) -> Result<Servers> {
        let subject = self.start_with("store", &[])?;
        let variants = self.workload.variants().iter();
        let variants = variants.map(|(name, words)| Ok((*name, self.start_with(name, words)?)));
        Ok(Servers { subject, variants: variants.collect::<Result<_>>()? })
    }

    fn start_with(&self, name: &str, words: &[&str]) -> Result<Quired> {
        let quired = Quired::start(&self.options.quired, &self.options.directory, name, words)?;
        self.workload.prepare(&mut Client::connect(quired.address)?)?;
        Ok(quired)
    }

    /// The disk's two yardsticks, for writes. One thread is what they have, so they serve every number
    /// of connections of a round.
    fn disk(&self) -> Result<Vec<(&'static str, Window)>> {
        let bytes = self.workload.durable_bytes();
        if bytes == 0 {
            return Ok(Vec::new());
        }
        let measure = |manner| -> Result<Window> {
            let duration = self.options.window / 2;
            let (latencies, took) =
                disk::measure(&self.options.directory, manner, bytes, duration)?;
            Ok(Window::new(&latencies, took, self.workload.documents_per_operation()))
        };
        Ok(vec![
            ("fdatasync-append", measure(Manner::Append)?),
            ("fdatasync-overwrite", measure(Manner::Overwrite)?),
        ])
    }

    fn round(
        &mut self,
        servers: &Servers,
        canned: &CannedServer,
        connections: u16,
        disk: &[(&'static str, Window)],
    ) -> Result<Round> {
        self.windows += 1;
        let (wire, wire_disturbed) =
            self.window(canned.address, canned.process_id(), connections)?;
        let Servers { subject, variants } = servers;
        let (measured, disturbed) =
            self.window(subject.address, subject.process_id(), connections)?;
        let mut disturbances = vec![wire_disturbed, disturbed];
        let mut yardsticks = vec![("wire", wire)];
        for (name, variant) in variants {
            let (window, disturbed) =
                self.window(variant.address, variant.process_id(), connections)?;
            yardsticks.push((*name, window));
            disturbances.push(disturbed);
        }
        yardsticks.extend(disk.iter().copied());
        Ok(Round { subject: measured, yardsticks, disturbances })
    }

    fn window(
        &self,
        address: SocketAddr,
        process_id: u32,
        connections: u16,
    ) -> Result<(Window, Disturbance)> {
        let measured = self.options.window;
        let pinned = (connections == 1).then(|| Pinned::new(process_id)).transpose()?;
        let plan = Plan {
            address,
            workload: self.workload,
            connections,
            window: self.windows,
            warm_up: WARM_UP,
            measured,
            processor: pinned.as_ref().map(Pinned::processor),
        };
        let sample = || {
            let server = process::usage(process_id)?;
            let own = process::usage(std::process::id())?;
            Ok(Sample { server, own, machine: MachineTicks::now()? })
        };
        let (latencies, before, after) = generator::drive(plan, sample)?;
        if latencies.total() == 0 {
            return Err(Failure::new("not one request was answered within the window"));
        }
        let documents = self.workload.documents_per_operation();
        let mut window = Window::new(&latencies, measured, documents);
        let server_cpu = after.server.cpu.saturating_sub(before.server.cpu);
        let own_cpu = after.own.cpu.saturating_sub(before.own.cpu);
        let per_document =
            |cpu: Duration| cpu.as_secs_f64() * 1e6 / (latencies.total() * documents) as f64;
        window.process = Some(ProcessFigures {
            cpu_us: per_document(server_cpu),
            generator_cpu_us: per_document(own_cpu),
            rss_mib: after.server.rss_bytes as f64 / f64::from(1 << 20),
        });
        let disturbance = after.machine.disturbance_since(before.machine, server_cpu + own_cpu);
        Ok((window, disturbance))
    }
}
