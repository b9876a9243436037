//! What ten times the documents cost, all of them in the cache.

use super::{Fact, Measure, Reach};
use crate::arguments::Options;
use crate::client::Client;
use crate::dataset::Dataset;
use crate::generator::{self, Plan};
use crate::servers::quired::{Launch, Quired};
use crate::servers::settle;
use crate::stream::Store;
use crate::target::{Language, Processes, Target};
use crate::workloads;
use crate::zipf::Zipf;
use quire_tests::{Failure, Result};
use std::sync::Arc;
use std::time::Duration;

/// How many times fewer documents the other server has.
const SMALLER: u64 = 10;

/// Everything is there twice: the scan has a collection of its own.
const DATASETS: [Dataset; 2] = [Dataset::SmallNumbered, Dataset::Business];

/// What is asked for, with how many connections, and how much of its speed must be left.
const ASKED: [(&str, u16, f64); 4] = [
    ("find-by-id", 8, 0.75),
    ("update-inc", 8, 0.75),
    ("find-range", 8, 0.9),
    ("scan-filter", 1, 0.91),
];

pub(super) struct Growth;

impl Measure for Growth {
    fn name(&self) -> &'static str {
        "growth"
    }

    fn summary(&self) -> &'static str {
        "speed (by median latencies) with all documents (254 bytes), of that with a tenth of them; \
         for the scan that of documents looked at"
    }

    fn take(&self, options: &Options) -> Result<Vec<Fact>> {
        let small = Grown::load(options, options.records / SMALLER)?;
        let large = Grown::load(options, options.records)?;
        let mut facts = Vec::new();
        for (name, connections, reach) in ASKED {
            let mut ratios = Vec::new();
            for round in 0..options.rounds {
                let before = small.documents_per_second(options, name, connections, round)?;
                let after = large.documents_per_second(options, name, connections, round)?;
                ratios.push(after / before);
            }
            ratios.sort_by(f64::total_cmp);
            let median = ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN);
            facts.push(Fact::new(name, median, "x").reaching(Reach::AtLeast(reach)));
        }
        Ok(facts)
    }
}

/// A server that has been loaded.
struct Grown {
    /// Ends with this.
    _quired: Quired,
    target: Target,
    records: u64,
}

impl Grown {
    fn load(options: &Options, records: u64) -> Result<Grown> {
        let cache = options.cache_gib.to_string();
        let launch = Launch::new(&options.quired).with(&["--wiredTigerCacheSizeGB", &cache]);
        let quired = Quired::start(&launch, &options.directory, &format!("grown-{records}"))?;
        let mut client = Client::connect(quired.address)?;
        for dataset in DATASETS {
            client.load(dataset, records)?;
        }
        let processes = Processes::These(vec![quired.process_id()]);
        settle(&processes)?;
        let target = Target {
            address: quired.address,
            processes,
            language: Language::OpMsg,
            store: Store::new(records, Arc::new(Zipf::new(records))),
            is_pinnable: false,
        };
        let grown = Grown { _quired: quired, target, records };
        // Whatever is read first comes from disk.
        for (name, connections, _) in ASKED {
            grown.documents_per_second(options, name, connections, options.rounds)?;
        }
        Ok(grown)
    }

    fn documents_per_second(
        &self,
        options: &Options,
        name: &str,
        connections: u16,
        window: u32,
    ) -> Result<f64> {
        let workload = workloads::by_name(name);
        let workload = workload.ok_or_else(|| Failure::new(format!("there is no {name}")))?;
        let plan = Plan {
            target: self.target.clone(),
            workload,
            connections,
            window,
            warm_up: Duration::from_millis(300),
            measured: options.window,
            processor: None,
        };
        let driven = generator::drive(&plan, || Ok(()))?;
        // Of scans that take a second few end within a window: their number would say little.
        let each = driven.latencies.quantile(0.5).as_secs_f64();
        let documents = workload.documents_per_operation(self.records);
        Ok(f64::from(connections) * documents as f64 / each)
    }
}
