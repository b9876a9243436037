//! What connections cost that say nothing, and what they take from those that do.

use super::{Fact, Measure, Reach};
use crate::arguments::Options;
use crate::client::Client;
use crate::dataset::Dataset;
use crate::generator::{self, Plan};
use crate::process::usage;
use crate::servers::quired::{Launch, Quired};
use crate::servers::settle;
use crate::stream::Store;
use crate::target::{Language, Processes, Target};
use crate::workloads;
use crate::zipf::Zipf;
use quire_bson::doc;
use quire_tests::{Failure, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::Arc;
use std::time::Duration;

const IDLE: u32 = 10_000;

/// For the windows before and after.
const RECORDS: u64 = 10_000;
const CONNECTIONS: u16 = 8;

/// After it an idle connection has given back what it can.
const CALM: Duration = Duration::from_secs(3);

pub(super) struct IdleConnections;

impl Measure for IdleConnections {
    fn name(&self) -> &'static str {
        "idle-connections"
    }

    fn summary(&self) -> &'static str {
        "10,000 connections that have pinged once, and finds by 8 others without and with them"
    }

    fn take(&self, options: &Options) -> Result<Vec<Fact>> {
        allow_descriptors(u64::from(IDLE) + 1000)?;
        let quired = Quired::start(&Launch::new(&options.quired), &options.directory, "idle")?;
        Client::connect(quired.address)?.load(Dataset::Numbered, RECORDS)?;
        let processes = Processes::These(vec![quired.process_id()]);
        settle(&processes)?;
        let target = Target {
            address: quired.address,
            processes,
            language: Language::OpMsg,
            store: Store::new(RECORDS, Arc::new(Zipf::new(RECORDS))),
            is_pinnable: false,
        };
        // The first window's warmth would otherwise count for the second.
        finds(options, &target, 1)?;
        let mut without = finds(options, &target, 2)?;
        std::thread::sleep(CALM);
        let before = usage(quired.process_id())?.rss_bytes;
        let mut connections = open(&quired)?;
        std::thread::sleep(CALM);
        let after = usage(quired.process_id())?.rss_bytes;
        let mut with = finds(options, &target, 3)?;
        // In turns, so that one slow moment does not decide.
        for round in 0..options.rounds.saturating_sub(1) {
            with += finds(options, &target, 4 + 2 * round)?;
            connections.clear();
            std::thread::sleep(CALM);
            without += finds(options, &target, 5 + 2 * round)?;
            connections = open(&quired)?;
        }
        let each = after.saturating_sub(before) as f64 / 1024.0 / f64::from(IDLE);
        Ok(vec![
            Fact::new("memory of each", each, "KiB").reaching(Reach::AtMost(4.0)),
            Fact::new("finds a second with them, of those without", with / without, "x")
                .reaching(Reach::AtLeast(0.95)),
        ])
    }
}

fn open(quired: &Quired) -> Result<Vec<Client>> {
    let one = |_| {
        let mut client = Client::connect(quired.address)?;
        client.command("admin", doc! { "ping": 1 })?;
        Ok(client)
    };
    (0..IDLE).map(one).collect()
}

fn finds(options: &Options, target: &Target, window: u32) -> Result<f64> {
    let workload = workloads::by_name("find-by-id");
    let plan = Plan {
        target: target.clone(),
        workload: workload.ok_or_else(|| Failure::new("there are no finds"))?,
        connections: CONNECTIONS,
        window,
        warm_up: Duration::from_millis(300),
        measured: options.window,
        processor: None,
    };
    let driven = generator::drive(&plan, || Ok(()))?;
    Ok(driven.latencies.total() as f64 / driven.took.as_secs_f64())
}

fn allow_descriptors(wanted: u64) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if limit.maximum.is_some_and(|most| most < wanted) {
        return Err(Failure::new(format!("{wanted} descriptors are needed (ulimit -Hn)")));
    }
    if limit.current.is_some_and(|now| now < wanted) {
        let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
        setrlimit(Resource::Nofile, raised).map_err(std::io::Error::from)?;
    }
    Ok(())
}
