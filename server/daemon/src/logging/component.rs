//! The log's components and how talkative each of them is.
//!
//! Owns the tree of components: one without a verbosity of its own takes its parent's.

use std::sync::atomic::{AtomicI8, Ordering};

use tracing::{Level, Metadata};

/// Name in log lines, path in settings and commands, and the parent's name.
pub(super) const COMPONENTS: &[(&str, &str, Option<&str>)] = &[
    ("-", "", None),
    ("ACCESS", "accessControl", None),
    ("ASSERT", "assert", None),
    ("COMMAND", "command", None),
    ("CONTROL", "control", None),
    ("EXECUTOR", "executor", None),
    ("FTDC", "ftdc", None),
    ("GEO", "geo", None),
    ("INDEX", "index", None),
    ("NETWORK", "network", None),
    ("ASIO", "network.asio", Some("NETWORK")),
    ("BRIDGE", "network.bridge", Some("NETWORK")),
    ("CONNPOOL", "network.connectionPool", Some("NETWORK")),
    ("QUERY", "query", None),
    ("QUERYREJ", "query.rejected", Some("QUERY")),
    ("QUERYSTATS", "queryStats", None),
    ("REPL", "replication", None),
    ("ELECTION", "replication.election", Some("REPL")),
    ("REPL_HB", "replication.heartbeats", Some("REPL")),
    ("INITSYNC", "replication.initialSync", Some("REPL")),
    ("ROLLBACK", "replication.rollback", Some("REPL")),
    ("SHARDING", "sharding", None),
    ("STORAGE", "storage", None),
    ("JOURNAL", "storage.journal", Some("STORAGE")),
    ("RECOVERY", "storage.recovery", Some("STORAGE")),
    ("WT", "storage.wt", Some("STORAGE")),
    ("TEST", "test", None),
    ("TXN", "transaction", None),
    ("WRITE", "write", None),
];

/// A row of [`COMPONENTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Component(usize);

impl Component {
    /// Events of libraries, and lines about nothing in particular.
    pub(crate) const NONE: Self = Self(0);

    /// The component that an event's target names.
    pub(super) fn of_target(target: &str) -> Option<Self> {
        COMPONENTS.iter().position(|(name, _, _)| *name == target).map(Self)
    }

    /// The component with this path, as in `systemLog.component.<path>.verbosity`.
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        COMPONENTS.iter().position(|(_, own, _)| *own == path && !own.is_empty()).map(Self)
    }

    /// Every component that can have a verbosity of its own, with its path.
    #[cfg(test)]
    pub(crate) fn all() -> impl Iterator<Item = (Self, &'static str)> {
        COMPONENTS.iter().enumerate().skip(1).map(|(row, (_, path, _))| (Self(row), *path))
    }

    pub(super) fn name(self) -> &'static str {
        COMPONENTS.get(self.0).map_or("-", |(name, _, _)| name)
    }

    fn parent(self) -> Option<Self> {
        COMPONENTS.get(self.0).and_then(|(_, _, parent)| *parent).and_then(Self::of_target)
    }
}

/// No verbosity of its own.
const INHERITED: i8 = -1;

/// The verbosities of all components, changed while others read.
pub(super) struct Verbosities {
    default: AtomicI8,
    own: Vec<AtomicI8>,
}

impl Verbosities {
    pub(super) fn new(default: u8) -> Self {
        let own = COMPONENTS.iter().map(|_| AtomicI8::new(INHERITED)).collect();
        Self { default: AtomicI8::new(to_level(default)), own }
    }

    pub(super) fn set_default(&self, level: u8) {
        self.default.store(to_level(level), Ordering::Relaxed);
    }

    pub(super) fn default_level(&self) -> u8 {
        u8::try_from(self.default.load(Ordering::Relaxed)).unwrap_or(0)
    }

    pub(super) fn set(&self, component: Component, level: Option<u8>) {
        if let Some(own) = self.own.get(component.0) {
            own.store(level.map_or(INHERITED, to_level), Ordering::Relaxed);
        }
    }

    pub(super) fn own(&self, component: Component) -> Option<u8> {
        u8::try_from(self.own.get(component.0)?.load(Ordering::Relaxed)).ok()
    }

    /// The component's own verbosity, else its parent's, else the default.
    pub(super) fn effective(&self, component: Component) -> u8 {
        self.own(component)
            .or_else(|| component.parent().and_then(|parent| self.own(parent)))
            .unwrap_or_else(|| self.default_level())
    }

    /// Whether a line of this event would be written.
    pub(super) fn allow(&self, metadata: &Metadata<'_>) -> bool {
        let component = Component::of_target(metadata.target());
        match *metadata.level() {
            Level::ERROR | Level::WARN | Level::INFO => true,
            // Libraries debug themselves by the thousand lines; we write those of our own only.
            Level::DEBUG => component.is_some_and(|component| self.effective(component) >= 1),
            Level::TRACE => component.is_some_and(|component| self.effective(component) >= 2),
        }
    }
}

fn to_level(level: u8) -> i8 {
    i8::try_from(level.min(5)).unwrap_or(5)
}
