//! The rounds of a run: subject and yardsticks in turns, at every number of connections.
//!
//! Owns the order of things, and what a window's figures are made of.

use crate::arguments::Options;
use crate::disk::{self, Manner};
use crate::figures::{Figures, ProcessFigures, Round, Window};
use crate::generator::{self, Driven, Plan};
use crate::placement::Pinned;
use crate::process::{self, Disturbance, MachineTicks, Usage};
use crate::report;
use crate::servers::settle;
use crate::stage::Stage;
use crate::target::{Language, Target, Use};
use crate::workloads::{Beside, Workload};
use quire_tests::{Failure, Result};
use std::time::Duration;

/// What a window takes before it counts.
const WARM_UP: Duration = Duration::from_millis(300);

/// What was measured of a workload.
pub(crate) struct Measured {
    pub(crate) by_connections: Vec<(u16, Figures)>,
    /// Yardsticks that are not here, and why.
    pub(crate) absent: Vec<(&'static str, &'static str)>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    report::begin(options)?;
    let mut run = Run { options, stage: Stage::new(options), windows: 0 };
    for workload in &options.workloads {
        let measured = run
            .measure(workload)
            .map_err(|failure| Failure::new(format!("{}: {failure}", workload.name)))?;
        report::workload(workload, &measured)?;
    }
    // What stands idle would still be in the way.
    drop(run);
    for measure in &options.measures {
        let facts = measure
            .take(options)
            .map_err(|failure| Failure::new(format!("{}: {failure}", measure.name())))?;
        report::measure(*measure, &facts)?;
    }
    report::end()
}

struct Run<'a> {
    options: &'a Options,
    stage: Stage<'a>,
    /// How many windows there were: no two send the same requests.
    windows: u32,
}

/// Someone to be measured at every number of connections.
struct Runner {
    name: &'static str,
    target: Target,
    workload: &'static Workload,
}

/// What a window's beginning and end are compared by.
struct Sample {
    server: Use,
    own: Usage,
    written_bytes: u64,
    machine: MachineTicks,
}

impl Run<'_> {
    /// The figures of one workload at each number of connections.
    fn measure(&mut self, workload: &'static Workload) -> Result<Measured> {
        let connections = match self.options.connections.as_slice() {
            [] => workload.connections.to_vec(),
            chosen => chosen.to_vec(),
        };
        let mut rounds: Vec<Vec<Round>> = connections.iter().map(|_| Vec::new()).collect();
        for round in 0..self.options.rounds {
            self.stage.begin_round(workload)?;
            let runners = self.runners(workload)?;
            let once = self.once_a_round(workload, u64::from(round))?;
            for (connections, rounds) in connections.iter().zip(&mut rounds) {
                rounds.push(self.round(workload, &runners, *connections, &once)?);
            }
        }
        self.stage.end_workload();
        let figures = rounds.iter().map(|rounds| Figures::of(rounds));
        let by_connections = connections.iter().copied().zip(figures).collect();
        Ok(Measured { by_connections, absent: self.stage.absent(workload) })
    }

    /// The subject, which is the first, and all that takes turns with it.
    fn runners(&mut self, workload: &'static Workload) -> Result<Vec<Runner>> {
        let mut runners: Vec<Runner> = Vec::new();
        for (name, target) in self.stage.contenders(workload)? {
            runners.push(Runner { name, target, workload });
        }
        if self.options.through_driver
            && let Some(subject) = runners.first()
        {
            let target = Target { language: Language::Driver, ..subject.target.clone() };
            runners.push(Runner { name: "through-driver", target, workload });
        }
        for beside in workload.beside {
            let (target, other) = match beside {
                Beside::Wire => (Some(self.stage.wire(workload)?), workload),
                Beside::Postgres => (self.stage.postgres(workload)?, workload),
                Beside::Etcd => (self.stage.etcd()?, workload),
                Beside::Own(other) => (self.stage.subject(other)?, *other),
                Beside::InProcess(_) | Beside::Disk => continue,
            };
            let name = beside.names().first().copied().unwrap_or_default();
            runners.extend(target.map(|target| Runner { name, target, workload: other }));
        }
        Ok(runners)
    }

    /// The yardsticks of one thread, which serve every number of connections.
    fn once_a_round(
        &mut self,
        workload: &Workload,
        seed: u64,
    ) -> Result<Vec<(&'static str, Window)>> {
        let mut windows = Vec::new();
        let documents = workload.documents_per_operation(self.options.records);
        let duration = self.options.window / 2;
        for beside in workload.beside {
            let mut add = |name: Option<&&'static str>, (latencies, took): (_, _)| {
                let window = Window::new(&latencies, took, documents);
                windows.extend(name.map(|name| (*name, window)));
            };
            match beside {
                Beside::InProcess(work) => {
                    let measured = self.stage.in_process(workload, *work, seed, duration)?;
                    add(beside.names().first(), measured);
                }
                Beside::Disk => {
                    let bytes = workload.durable_bytes;
                    for (name, manner) in
                        beside.names().iter().zip([Manner::Append, Manner::Overwrite])
                    {
                        let directory = &self.options.directory;
                        add(Some(name), disk::measure(directory, manner, bytes, duration)?);
                    }
                }
                Beside::Wire | Beside::Postgres | Beside::Etcd | Beside::Own(_) => {}
            }
        }
        Ok(windows)
    }

    fn round(
        &mut self,
        workload: &Workload,
        runners: &[Runner],
        connections: u16,
        once: &[(&'static str, Window)],
    ) -> Result<Round> {
        let mut windows = Vec::new();
        let mut disturbances = Vec::new();
        for runner in runners {
            if workload.durable_bytes > 0 {
                settle(&runner.target.processes)?;
            }
            self.windows += 1;
            let (window, disturbance) = self
                .window(runner, connections)
                .map_err(Failure::during(format!("{}, {connections}", runner.name)))?;
            windows.push((runner.name, window));
            disturbances.push(disturbance);
        }
        if windows.is_empty() {
            return Err(Failure::new("there is no subject"));
        }
        let (_, subject) = windows.remove(0);
        windows.extend_from_slice(once);
        Ok(Round { subject, yardsticks: windows, disturbances })
    }

    fn window(&self, runner: &Runner, connections: u16) -> Result<(Window, Disturbance)> {
        let Runner { target, workload, .. } = runner;
        let processes = &target.processes;
        let is_pinned = connections == 1 && target.is_pinnable;
        let pinned = is_pinned.then(|| Pinned::new(processes.ids()?)).transpose()?;
        let plan = Plan {
            target: target.clone(),
            workload,
            connections,
            window: self.windows,
            warm_up: WARM_UP,
            measured: self.options.window,
            processor: pinned.as_ref().map(Pinned::processor),
        };
        let sample = || {
            let (server, own) = (processes.usage()?, process::usage(std::process::id())?);
            let written_bytes = process::disk_written_bytes()?;
            Ok(Sample { server, own, written_bytes, machine: MachineTicks::now()? })
        };
        let driven = generator::drive(&plan, sample)?;
        let server_cpu = driven.after.server.cpu_since(&driven.before.server);
        let own_cpu = driven.after.own.cpu.saturating_sub(driven.before.own.cpu);
        let window = self.figures(workload, &driven, server_cpu, own_cpu)?;
        let Driven { before, after, .. } = driven;
        let disturbance = after.machine.disturbance_since(before.machine, server_cpu + own_cpu);
        Ok((window, disturbance))
    }

    fn figures(
        &self,
        workload: &Workload,
        driven: &Driven<Sample>,
        server_cpu: Duration,
        own_cpu: Duration,
    ) -> Result<Window> {
        let Driven { latencies, took, before, after } = driven;
        if latencies.total() == 0 {
            return Err(Failure::new("not one request was answered within the window"));
        }
        let documents = workload.documents_per_operation(self.options.records);
        let mut window = Window::new(latencies, *took, documents);
        // What is counted goes on to its end, behind the second look at the clocks.
        let longer = took.as_secs_f64() / self.options.window.as_secs_f64();
        let count = latencies.total() as f64;
        let per_document =
            |cpu: Duration| cpu.as_secs_f64() * longer * 1e6 / (count * documents as f64);
        let written = after.written_bytes.saturating_sub(before.written_bytes);
        let asked = count * workload.durable_bytes as f64;
        window.process = Some(ProcessFigures {
            cpu_us: per_document(server_cpu),
            generator_cpu_us: per_document(own_cpu),
            rss_mib: after.server.rss_bytes() as f64 / f64::from(1 << 20),
            written_per_byte: (asked > 0.0).then(|| written as f64 * longer / asked),
        });
        Ok(window)
    }
}
