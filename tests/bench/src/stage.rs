//! What runs while a run goes on: the subject in its forms, and the yardsticks.
//!
//! Owns when each is started, filled and ended. What only reads, or changes what is there, shares one
//! server; what makes a store grow gets an empty one every round, so that compaction of an earlier
//! round is not paid in a later one.

use crate::arguments::Options;
use crate::client::Client;
use crate::dataset::Dataset;
use crate::histogram::Histogram;
use crate::in_process::{InProcess, Work};
use crate::servers::canned::CannedServer;
use crate::servers::etcd::{self, Etcd};
use crate::servers::postgres::{self, Postgres};
use crate::servers::quired::{Launch, Quired};
use crate::servers::replica_set::Members;
use crate::servers::settle;
use crate::stream::Store;
use crate::target::{Language, Processes, Target};
use crate::workloads::{Beside, Workload};
use crate::zipf::Zipf;
use quire_tests::Result;
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct Stage<'a> {
    options: &'a Options,
    zipf: Arc<Zipf>,
    /// The subject, which is the first, and what differs from it.
    launches: Vec<(&'static str, Launch)>,
    /// For workloads with documents before them, one of each launch.
    filled: Vec<Subject>,
    /// For those that begin with none.
    growing: Vec<Subject>,
    sets: Vec<Subject>,
    /// Gives the answers of the workload that runs.
    wire: Option<CannedServer>,
    postgres: Option<Peer<Postgres>>,
    etcd: Option<Peer<Etcd>>,
    in_process: InProcess<'a>,
}

struct Subject {
    server: Server,
    store: Arc<Store>,
    loaded: Vec<Dataset>,
}

enum Server {
    One(Quired),
    Set(Members),
}

struct Peer<P> {
    peer: P,
    store: Arc<Store>,
    loaded: Vec<Dataset>,
}

/// Which of the subject's forms a workload needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Filled,
    Growing,
    Set,
}

impl Form {
    fn of(workload: &Workload) -> Form {
        match (workload.members, workload.dataset) {
            (1, Some(_)) => Form::Filled,
            (1, None) => Form::Growing,
            _ => Form::Set,
        }
    }
}

impl<'a> Stage<'a> {
    pub(crate) fn new(options: &'a Options) -> Stage<'a> {
        let cache = options.cache_gib.to_string();
        let words = ["--wiredTigerCacheSizeGB", cache.as_str()];
        let subject = Launch::new(&options.quired).with(&words);
        let mut launches = vec![("quired", subject.clone())];
        if options.with_fail_points {
            let words = ["--setParameter", "enableTestCommands=1"];
            launches.push(("with-fail-points", subject.with(&words)));
        }
        if let Some(other) = &options.other {
            launches.push(("other", Launch::new(other).with(&words)));
        }
        let cache_bytes = usize::from(options.cache_gib) << 30;
        Stage {
            options,
            zipf: Arc::new(Zipf::new(options.records)),
            launches,
            filled: Vec::new(),
            growing: Vec::new(),
            sets: Vec::new(),
            wire: None,
            postgres: None,
            etcd: None,
            in_process: InProcess::new(&options.directory, options.records, cache_bytes),
        }
    }

    /// Takes away what a round of this workload must not find.
    pub(crate) fn begin_round(&mut self, workload: &Workload) -> Result<()> {
        self.growing.clear();
        if let (true, Some(postgres)) = (workload.grows(), &mut self.postgres) {
            postgres.peer.empty()?;
        }
        Ok(())
    }

    /// Ends what the next workload would not use.
    pub(crate) fn end_workload(&mut self) {
        self.growing.clear();
        self.sets.clear();
        self.wire = None;
        self.etcd = None;
    }

    /// Yardsticks of a workload that are not on this machine.
    pub(crate) fn absent(&self, workload: &Workload) -> Vec<(&'static str, &'static str)> {
        let wants = |wanted: fn(&Beside) -> bool| workload.beside.iter().any(wanted);
        let mut absent = Vec::new();
        if wants(|beside| matches!(beside, Beside::Postgres)) && !postgres::is_installed() {
            absent.push(("postgresql", "not installed"));
        }
        if wants(|beside| matches!(beside, Beside::Etcd)) && !etcd::is_installed() {
            absent.push(("etcd", "not installed"));
        }
        absent
    }

    /// The subject and what differs from it, ready for a workload.
    pub(crate) fn contenders(
        &mut self,
        workload: &Workload,
    ) -> Result<Vec<(&'static str, Target)>> {
        self.ensure(workload)?;
        let names: Vec<&'static str> = self.launches.iter().map(|(name, _)| *name).collect();
        names
            .into_iter()
            .zip(self.form(Form::of(workload)))
            .map(|(name, s)| Ok((name, s.target()?)))
            .collect()
    }

    /// The subject alone.
    pub(crate) fn subject(&mut self, workload: &Workload) -> Result<Option<Target>> {
        self.ensure(workload)?;
        self.form(Form::of(workload)).first().map(Subject::target).transpose()
    }

    fn form(&mut self, form: Form) -> &mut Vec<Subject> {
        match form {
            Form::Filled => &mut self.filled,
            Form::Growing => &mut self.growing,
            Form::Set => &mut self.sets,
        }
    }

    fn ensure(&mut self, workload: &Workload) -> Result<()> {
        let form = Form::of(workload);
        if self.form(form).is_empty() {
            let mut subjects = Vec::new();
            for (name, launch) in &self.launches {
                subjects.push(self.start(form, name, launch, workload.members)?);
            }
            *self.form(form) = subjects;
        }
        let (dataset, records) = (workload.dataset, self.options.records);
        for subject in self.form(form) {
            subject.fill(dataset, records)?;
        }
        Ok(())
    }

    fn start(&self, form: Form, name: &str, launch: &Launch, members: usize) -> Result<Subject> {
        let parent = &self.options.directory;
        let server = match form {
            Form::Filled => Server::One(Quired::start(launch, parent, &format!("{name}-filled"))?),
            Form::Growing => Server::One(Quired::start(launch, parent, &format!("{name}-grows"))?),
            Form::Set => {
                Server::Set(Members::start(launch, parent, &format!("{name}-member"), members)?)
            }
        };
        Ok(Subject { server, store: self.store(), loaded: Vec::new() })
    }

    fn store(&self) -> Arc<Store> {
        Store::new(self.options.records, self.zipf.clone())
    }

    /// A server that always gives the answer to this workload's first request.
    pub(crate) fn wire(&mut self, workload: &Workload) -> Result<Target> {
        let running = match self.wire.take() {
            Some(running) => running,
            None => CannedServer::start(workload)?,
        };
        let target = Target {
            address: running.address,
            processes: Processes::These(vec![running.process_id()]),
            language: Language::OpMsg,
            store: self.store(),
            is_pinnable: true,
        };
        self.wire = Some(running);
        Ok(target)
    }

    pub(crate) fn postgres(&mut self, workload: &Workload) -> Result<Option<Target>> {
        if !postgres::is_installed() {
            return Ok(None);
        }
        let mut running = match self.postgres.take() {
            Some(running) => running,
            None => {
                let peer = Postgres::start(&self.options.directory, self.options.cache_gib)?;
                Peer { peer, store: self.store(), loaded: Vec::new() }
            }
        };
        if let Some(dataset) = workload.dataset
            && !running.loaded.contains(&dataset)
        {
            running.peer.load(dataset, self.options.records)?;
            running.loaded.push(dataset);
            settle(&Processes::Family(running.peer.process_id()))?;
        }
        let target = Target {
            address: running.peer.address,
            processes: Processes::Family(running.peer.process_id()),
            language: Language::Postgres,
            store: running.store.clone(),
            is_pinnable: true,
        };
        self.postgres = Some(running);
        Ok(Some(target))
    }

    pub(crate) fn etcd(&mut self) -> Result<Option<Target>> {
        if !etcd::is_installed() {
            return Ok(None);
        }
        let running = match self.etcd.take() {
            Some(running) => running,
            None => {
                let peer = Etcd::start(&self.options.directory)?;
                Peer { peer, store: self.store(), loaded: Vec::new() }
            }
        };
        let target = Target {
            address: running.peer.leader()?,
            processes: Processes::These(running.peer.process_ids()),
            language: Language::Etcd,
            store: running.store.clone(),
            is_pinnable: false,
        };
        self.etcd = Some(running);
        Ok(Some(target))
    }

    pub(crate) fn in_process(
        &mut self,
        workload: &Workload,
        work: Work,
        seed: u64,
        duration: Duration,
    ) -> Result<(Histogram, Duration)> {
        if let Some(dataset) = workload.dataset {
            self.in_process.prepare(dataset)?;
        }
        self.in_process.measure(work, workload.dataset, seed, duration)
    }
}

impl Subject {
    fn target(&self) -> Result<Target> {
        let (address, processes) = match &self.server {
            Server::One(quired) => (quired.address, vec![quired.process_id()]),
            Server::Set(members) => (members.primary()?, members.process_ids()),
        };
        Ok(Target {
            address,
            is_pinnable: processes.len() == 1,
            processes: Processes::These(processes),
            language: Language::OpMsg,
            store: self.store.clone(),
        })
    }

    fn fill(&mut self, dataset: Option<Dataset>, records: u64) -> Result<()> {
        let Some(dataset) = dataset else { return Ok(()) };
        if !self.loaded.contains(&dataset) {
            let target = self.target()?;
            Client::connect(target.address)?.load(dataset, records)?;
            settle(&target.processes)?;
            self.loaded.push(dataset);
        }
        Ok(())
    }
}
