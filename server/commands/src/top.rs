//! How busy each collection is.
//!
//! Owns the counters behind `top`. They are bounded: once too many namespaces were seen, those that
//! are new are not counted until others are forgotten.

use crate::counters::{LatencyClass, OperationClass};
use crate::registry::Command;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::time::Duration;

/// The namespaces that are counted at once.
const NAMESPACES_MAX: usize = 10_000;

/// Time spent and operations done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub micros: u64,
    pub count: u64,
}

impl Usage {
    fn add(&mut self, micros: u64) {
        self.micros = self.micros.saturating_add(micros);
        self.count = self.count.saturating_add(1);
    }
}

/// What was done with one collection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CollectionUsage {
    pub total: Usage,
    pub read: Usage,
    pub write: Usage,
    pub queries: Usage,
    pub get_more: Usage,
    pub insert: Usage,
    pub update: Usage,
    pub remove: Usage,
    pub commands: Usage,
}

/// The counters of all collections.
#[derive(Debug, Default)]
pub struct Top {
    collections: Mutex<BTreeMap<String, CollectionUsage>>,
}

impl Top {
    /// Counts one finished command on a collection.
    pub fn add(&self, namespace: &str, command: &Command, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let mut collections = self.collections.lock();
        if !collections.contains_key(namespace) {
            if collections.len() >= NAMESPACES_MAX {
                return;
            }
            collections.insert(namespace.to_owned(), CollectionUsage::default());
        }
        let Some(usage) = collections.get_mut(namespace) else { return };
        usage.total.add(micros);
        match command.latency {
            LatencyClass::Reads => usage.read.add(micros),
            LatencyClass::Writes => usage.write.add(micros),
            LatencyClass::Commands => {}
        }
        let class = match command.class {
            OperationClass::Insert => &mut usage.insert,
            OperationClass::Query => &mut usage.queries,
            OperationClass::Update => &mut usage.update,
            OperationClass::Delete => &mut usage.remove,
            OperationClass::GetMore => &mut usage.get_more,
            OperationClass::BulkWrite | OperationClass::Command => &mut usage.commands,
        };
        class.add(micros);
    }

    /// All counters, after those were forgotten whose collection `exists` no longer.
    pub fn list(&self, exists: impl Fn(&str) -> bool) -> Vec<(String, CollectionUsage)> {
        let mut collections = self.collections.lock();
        collections.retain(|namespace, _| exists(namespace));
        collections.iter().map(|(namespace, usage)| (namespace.clone(), *usage)).collect()
    }
}
