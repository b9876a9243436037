//! How large the server's binary is without its debug information.

use super::{Fact, Measure, Reach};
use crate::arguments::Options;
use crate::scratch::Scratch;
use quire_tests::{Failure, Result};
use std::fs;
use std::process::Command;

pub(super) struct Binary;

impl Measure for Binary {
    fn name(&self) -> &'static str {
        "binary-size"
    }

    fn summary(&self) -> &'static str {
        "the stripped binary"
    }

    fn take(&self, options: &Options) -> Result<Vec<Fact>> {
        let directory = Scratch::new(&options.directory, "binary")?;
        let stripped = directory.path().join("quired");
        let status = Command::new("strip").arg("-o").arg(&stripped).arg(&options.quired).status();
        if !status.map_err(Failure::during("starting strip"))?.success() {
            return Err(Failure::new("strip failed"));
        }
        let bytes = fs::metadata(&stripped)?.len() as f64;
        Ok(vec![Fact::new("stripped", bytes / 1e6, "MB").reaching(Reach::AtMost(25.0))])
    }
}
