//! One node: its disk, and the member that runs on it while it is up.

use crate::checks::Checks;
use crate::disk::Disk;
use crate::options::{Micros, TICK};
use crate::planner::Planner;
use crate::planted::Planted;
use crate::watched::{WatchedLog, WatchedState};
use parking_lot::Mutex;
use quire_consensus::{Candidacy, Member, Start};
use quire_documents::Documents;
use quire_log::{LogStore, StateMachine};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

pub struct Node {
    pub place: usize,
    /// Another one after every wipe.
    pub id: u64,
    pub disk: Disk,
    pub running: Option<Running>,
    /// How often it was started.
    pub starts: u64,
    /// It does nothing before.
    pub busy_until: Micros,
    /// How far its clock is off.
    pub clock_seconds: i64,
    pub tick: Micros,
    pub candidacy: Candidacy,
    /// How late it shows what is committed.
    pub delay_seconds: u32,
}

pub struct Running {
    pub member: Member,
    pub documents: Arc<Documents>,
    pub log: Arc<WatchedLog>,
    pub planner: Planner,
}

/// With what a node is started.
pub struct StartWith<'a> {
    pub checks: &'a Arc<Mutex<Checks>>,
    pub planted: Option<Planted>,
    pub seed: u64,
    pub retained: u64,
    pub chunk_bytes: usize,
}

impl Node {
    pub fn new(place: usize) -> Node {
        Node {
            place,
            id: place as u64 + 1,
            disk: Disk::empty(),
            running: None,
            starts: 0,
            busy_until: 0,
            clock_seconds: 0,
            tick: TICK,
            candidacy: Candidacy::default(),
            delay_seconds: 0,
        }
    }

    /// Everything on its disk is gone, and who it was with it.
    pub fn wipe(&mut self) {
        self.running = None;
        self.disk = Disk::empty();
        self.id += 100;
        self.starts = 0;
    }

    pub fn crash(&mut self, power: Option<u64>) {
        self.running = None;
        self.disk = self.disk.after_crash(power);
    }

    pub fn start(&mut self, with: &StartWith<'_>) -> Result<(), String> {
        let log: Arc<dyn LogStore> = Arc::new(self.disk.open_log(with.planted)?);
        with.checks.lock().started(self.id, log.as_ref(), self.starts == 0);
        let log = with.planted.map_or(log.clone(), |rule| rule.log(log));
        let documents = Arc::new(self.disk.open_data()?);
        let below: Arc<dyn StateMachine> = documents.clone();
        let below = with.planted.map_or(below.clone(), |rule| rule.state(below, self.place));
        let log = Arc::new(WatchedLog {
            node: self.id,
            inner: log,
            checks: with.checks.clone(),
            syncs: AtomicU64::new(0),
            failing_read: AtomicU64::new(0),
            has_failed: AtomicBool::new(false),
        });
        let state = Arc::new(WatchedState {
            node: self.id,
            documents: documents.clone(),
            below,
            checks: with.checks.clone(),
            chunk_bytes: with.chunk_bytes,
        });
        let options = quire_consensus::Options {
            node: self.id,
            seed: with.seed,
            retention: quire_consensus::Retention::Entries(with.retained),
            ..quire_consensus::Options::default()
        };
        let member = Member::open(log.clone(), state, options, Start::InSet);
        let mut member = member.map_err(|error| format!("{} cannot start: {error}", self.id))?;
        member.set_candidacy(self.candidacy);
        member.set_delay(self.delay_seconds);
        self.starts += 1;
        self.running = Some(Running { member, documents, log, planner: Planner::default() });
        Ok(())
    }

    /// What its clock shows.
    pub fn seconds(&self, now: Micros) -> u32 {
        let seconds = 1_000_000 + i64::try_from(now / 1_000_000).unwrap_or_default();
        u32::try_from(seconds.saturating_add(self.clock_seconds).max(1)).unwrap_or(u32::MAX)
    }
}
