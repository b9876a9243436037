//! What a node takes of memory: with nothing to do, and with more documents than its cache holds.

use super::{Fact, Measure, Reach};
use crate::arguments::Options;
use crate::client::Client;
use crate::dataset::Dataset;
use crate::generator::{self, Plan};
use crate::process::usage;
use crate::servers::quired::{Launch, Quired};
use crate::stream::Store;
use crate::target::{Language, Processes, Target};
use crate::workloads;
use crate::zipf::Zipf;
use quire_tests::{Failure, Result};
use std::sync::Arc;
use std::time::Duration;

const MIB: f64 = (1 << 20) as f64;

/// The memory setting of the node under load, in GiB.
const SETTING_GIB: f64 = 0.25;

/// More than the setting holds.
const RECORDS: u64 = 400_000;
const CONNECTIONS: u16 = 64;

pub(super) struct IdleNode;

impl Measure for IdleNode {
    fn name(&self) -> &'static str {
        "idle-node"
    }

    fn summary(&self) -> &'static str {
        "memory of a node that has just started, with default settings"
    }

    fn take(&self, options: &Options) -> Result<Vec<Fact>> {
        let quired = Quired::start(&Launch::new(&options.quired), &options.directory, "idle")?;
        std::thread::sleep(Duration::from_secs(2));
        let rss = usage(quired.process_id())?.rss_bytes as f64;
        Ok(vec![Fact::new("resident", rss / 1e6, "MB").reaching(Reach::AtMost(30.0))])
    }
}

pub(super) struct NodeUnderLoad;

impl Measure for NodeUnderLoad {
    fn name(&self) -> &'static str {
        "node-under-load"
    }

    fn summary(&self) -> &'static str {
        "memory of a node with a cache of 0.25 GiB and 400,000 documents of 1 KiB, after reads and \
         updates of 64 connections"
    }

    fn take(&self, options: &Options) -> Result<Vec<Fact>> {
        let launch = Launch::new(&options.quired);
        let launch = launch.with(&["--wiredTigerCacheSizeGB", &SETTING_GIB.to_string()]);
        let quired = Quired::start(&launch, &options.directory, "loaded")?;
        Client::connect(quired.address)?.load(Dataset::Numbered, RECORDS)?;
        let workload = workloads::by_name("ycsb-a");
        let plan = Plan {
            target: Target {
                address: quired.address,
                processes: Processes::These(vec![quired.process_id()]),
                language: Language::OpMsg,
                store: Store::new(RECORDS, Arc::new(Zipf::new(RECORDS))),
                is_pinnable: false,
            },
            workload: workload.ok_or_else(|| Failure::new("there is no such mix"))?,
            connections: CONNECTIONS,
            window: 1,
            warm_up: Duration::ZERO,
            measured: options.window * options.rounds,
            processor: None,
        };
        let most = generator::drive(&plan, || Ok(usage(quired.process_id())?.rss_bytes))?;
        let rss = most.before.max(most.after) as f64;
        let setting = SETTING_GIB * 1024.0 * MIB;
        Ok(vec![
            Fact::new("resident", rss / MIB, "MiB"),
            Fact::new("of its setting", rss / setting, "x").reaching(Reach::AtMost(1.25)),
        ])
    }
}
