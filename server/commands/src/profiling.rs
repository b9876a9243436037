//! When an operation counts as slow, and which databases are profiled.
//!
//! Owns the settings only; what is written about an operation is the affair of `slow` and
//! `recording`.

use parking_lot::RwLock;
use quire_bson::{DocBuf, RawDoc};
use quire_errors::Result;
use quire_query::Constants;
use quire_query::filter::Filter;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// Which operations of a database are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    #[default]
    Off = 0,
    Slow = 1,
    All = 2,
}

impl Level {
    /// `None` for numbers that only ask.
    pub fn of_number(level: i64) -> Option<Level> {
        match level {
            0 => Some(Level::Off),
            1 => Some(Level::Slow),
            2 => Some(Level::All),
            _ => None,
        }
    }
}

/// A condition over the record of an operation.
#[derive(Debug)]
pub struct ProfileFilter {
    filter: Filter,
    source: DocBuf,
}

impl ProfileFilter {
    pub fn parse(source: RawDoc<'_>, constants: &Arc<Constants>) -> Result<ProfileFilter> {
        Ok(ProfileFilter { filter: Filter::parse(source, constants)?, source: source.into() })
    }

    pub fn source(&self) -> RawDoc<'_> {
        self.source.as_raw()
    }

    /// A record that the condition cannot be evaluated for does not meet it.
    pub fn matches(&self, record: RawDoc<'_>) -> bool {
        self.filter.matches(record).unwrap_or(false)
    }
}

/// The settings of one database.
#[derive(Clone, Debug, Default)]
pub struct DatabaseSettings {
    pub level: Level,
    pub filter: Option<Arc<ProfileFilter>>,
}

/// Settings of the profiler and of slow-operation lines.
#[derive(Debug)]
pub struct Profiling {
    slow_millis: AtomicI64,
    sample_rate_bits: AtomicU64,
    /// False as long as no database was ever set, so that commands need not look.
    any: AtomicBool,
    /// For databases that were not set.
    default: DatabaseSettings,
    databases: RwLock<HashMap<String, DatabaseSettings>>,
}

impl Profiling {
    pub fn new(slow_millis: u64) -> Profiling {
        Profiling::starting(i64::try_from(slow_millis).unwrap_or(i64::MAX), Level::Off, 1.0)
    }

    /// With the level that every database has until it gets one of its own.
    pub fn starting(slow_millis: i64, level: Level, sample_rate: f64) -> Profiling {
        Profiling {
            slow_millis: AtomicI64::new(slow_millis),
            sample_rate_bits: AtomicU64::new(sample_rate.to_bits()),
            any: AtomicBool::new(level != Level::Off),
            default: DatabaseSettings { level, filter: None },
            databases: RwLock::default(),
        }
    }

    /// How long an operation may take before it is reported.
    pub fn slow_after(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.slow_millis()).unwrap_or(0))
    }

    pub fn slow_millis(&self) -> i64 {
        self.slow_millis.load(Ordering::Relaxed)
    }

    pub fn set_slow_millis(&self, millis: i64) {
        self.slow_millis.store(millis, Ordering::Relaxed);
    }

    /// The part of slow operations that is reported.
    pub fn sample_rate(&self) -> f64 {
        f64::from_bits(self.sample_rate_bits.load(Ordering::Relaxed))
    }

    pub fn set_sample_rate(&self, rate: f64) {
        self.sample_rate_bits.store(rate.to_bits(), Ordering::Relaxed);
    }

    /// What holds for a database.
    pub fn settings(&self, database: &str) -> DatabaseSettings {
        if !self.any.load(Ordering::Relaxed) {
            return DatabaseSettings::default();
        }
        self.databases.read().get(database).unwrap_or(&self.default).clone()
    }

    /// Changes what is given.
    pub fn set(
        &self,
        database: &str,
        level: Option<Level>,
        filter: Option<Option<Arc<ProfileFilter>>>,
    ) {
        if level.is_none() && filter.is_none() {
            return;
        }
        let mut databases = self.databases.write();
        let settings = databases.entry(database.to_owned()).or_insert_with(|| self.default.clone());
        settings.level = level.unwrap_or(settings.level);
        if let Some(filter) = filter {
            settings.filter = filter;
        }
        self.any.store(true, Ordering::Relaxed);
    }
}
