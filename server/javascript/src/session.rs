//! The scripts of one operation, and the functions among them.
//!
//! Owns when a machine is made and given back. What a query holds on to are sources with a number: a
//! cursor that rests keeps no machine, and the next batch makes one anew.

use crate::machine::Machine;
use parking_lot::Mutex;
use quire_bson::{Bson, RawDoc};
use quire_errors::Result;
use quire_query::scripts::{Check, Engine, Script, Scripts};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Makes scripts run on this node.
#[derive(Debug, Default)]
pub struct JavaScript;

impl Engine for JavaScript {
    fn begin(&self, check: Check) -> Arc<dyn Scripts> {
        Arc::new(Session {
            check: Arc::new(Mutex::new(Some(check))),
            machine: Mutex::new(None),
            compiled: AtomicUsize::new(0),
        })
    }
}

/// What a machine asks whether to go on; empty while no operation runs.
pub(crate) type Asked = Arc<Mutex<Option<Check>>>;

struct Session {
    check: Asked,
    machine: Mutex<Option<Machine>>,
    /// The number of the next function.
    compiled: AtomicUsize,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("compiled", &self.compiled).finish_non_exhaustive()
    }
}

impl Session {
    /// Works with the machine, which is made if there is none.
    fn with<T>(&self, work: impl FnOnce(&mut Machine) -> Result<T>) -> Result<T> {
        let mut machine = self.machine.lock();
        match &mut *machine {
            Some(machine) => work(machine),
            None => work(machine.insert(Machine::new(&self.check)?)),
        }
    }
}

impl Scripts for Session {
    fn compile(self: Arc<Self>, source: &str) -> Result<Arc<dyn Script>> {
        let number = self.compiled.fetch_add(1, Ordering::Relaxed);
        self.with(|machine| machine.compile(number, source))?;
        Ok(Arc::new(Function { session: self, number, source: source.into() }))
    }

    fn are_used(&self) -> bool {
        self.compiled.load(Ordering::Relaxed) > 0
    }

    fn rest(&self) {
        *self.machine.lock() = None;
        *self.check.lock() = None;
    }

    fn resume(&self, check: Check) {
        *self.check.lock() = Some(check);
    }
}

/// A function of a query.
struct Function {
    session: Arc<Session>,
    number: usize,
    source: Box<str>,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Function").field(&self.source).finish()
    }
}

impl Function {
    fn with<T>(&self, work: impl FnOnce(&mut Machine) -> Result<T>) -> Result<T> {
        self.session.with(|machine| {
            if !machine.has(self.number) {
                machine.compile(self.number, &self.source)?;
            }
            work(machine)
        })
    }
}

impl Script for Function {
    fn holds(&self, document: RawDoc<'_>) -> Result<bool> {
        self.with(|machine| machine.holds(self.number, document))
    }

    fn call(&self, arguments: &[Bson]) -> Result<Bson> {
        self.with(|machine| machine.call(self.number, arguments))
    }
}
