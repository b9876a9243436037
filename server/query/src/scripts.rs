//! Scripts: functions that a query brings along in a language of its own.
//!
//! Owns the traits through which a filter or an expression has them compiled and called, and whether
//! it may. Never knows an engine: whoever runs the query brings one, or none.

use quire_bson::{Bson, RawDoc};
use quire_errors::Result;
use std::fmt;
use std::sync::Arc;

/// Asked while a script runs; fails when the operation it runs for has to stop.
pub type Check = Arc<dyn Fn() -> Result<()> + Send + Sync>;

/// What makes scripts run on a node.
pub trait Engine: fmt::Debug + Send + Sync {
    /// The scripts of one operation. Costs next to nothing until one of them is compiled.
    fn begin(&self, check: Check) -> Arc<dyn Scripts>;
}

/// The scripts of one operation, or of the operations of one cursor. They share their variables.
pub trait Scripts: fmt::Debug + Send + Sync {
    /// Compiles a function, an expression, or the body of a function.
    fn compile(self: Arc<Self>, source: &str) -> Result<Arc<dyn Script>>;

    /// Whether anything was ever compiled.
    fn are_used(&self) -> bool;

    /// Gives back all memory, and forgets the operation. The functions stay: they are compiled again
    /// when they are called again.
    fn rest(&self);

    /// Goes on for another operation.
    fn resume(&self, check: Check);
}

/// A function.
pub trait Script: fmt::Debug + Send + Sync {
    /// Whether what it says of a document, as `this` and as `obj`, counts as true.
    fn holds(&self, document: RawDoc<'_>) -> Result<bool>;

    /// Its value for some arguments.
    fn call(&self, arguments: &[Bson]) -> Result<Bson>;
}

/// Whether a query may bring scripts.
#[derive(Clone, Debug, Default)]
pub enum Scripting {
    /// The server does not run any.
    #[default]
    Off,
    /// Not here: what is parsed belongs to a collection, and outlives the command.
    InCatalog,
    On(Arc<dyn Scripts>),
}

/// How to switch scripts on, told to who meets them switched off.
pub(crate) const HOW_TO_ENABLE: &str =
    "start the server with security.javascriptEnabled: true or --setParameter enableTestCommands=1";
