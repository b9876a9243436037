//! Server parameters: what `setParameter` and `getParameter` know.
//!
//! Owns the table and the current values. A parameter means something or is not in the table.

use parking_lot::RwLock;
use quire_bson::Bson;
use quire_errors::{CommandError, Result};
use std::collections::BTreeMap;

/// The current values by name.
#[derive(Debug, Default)]
pub struct Parameters {
    values: RwLock<BTreeMap<&'static str, Bson>>,
}

impl Parameters {
    /// The defaults, changed as the command line says.
    pub fn new(given: &BTreeMap<String, String>) -> Result<Parameters> {
        match given.keys().next() {
            None => Ok(Parameters::default()),
            Some(name) => Err(CommandError::bad_value(format!("Unknown --setParameter '{name}'"))),
        }
    }

    pub fn get(&self, name: &str) -> Option<Bson> {
        self.values.read().get(name).cloned()
    }
}
