//! What a document takes on disk, once the store has come to rest.

use super::{Fact, Measure, Reach};
use crate::arguments::Options;
use crate::client::Client;
use crate::dataset::Dataset;
use crate::servers::postgres::{self, Postgres};
use crate::servers::quired::{Launch, Quired};
use crate::servers::settle;
use crate::target::Processes;
use quire_bson::doc;
use quire_tests::Result;
use std::fs;
use std::path::Path;

pub(super) struct DiskPerDocument;

impl Measure for DiskPerDocument {
    fn name(&self) -> &'static str {
        "disk-per-document"
    }

    fn summary(&self) -> &'static str {
        "bytes on disk for each document, the log aside, when no compaction is left to do; 1 KiB of \
         random letters, and 254 bytes of a business"
    }

    fn take(&self, options: &Options) -> Result<Vec<Fact>> {
        let mut facts = Vec::new();
        let mut postgres = match postgres::is_installed() {
            true => Some(Postgres::start(&options.directory, options.cache_gib)?),
            false => None,
        };
        for dataset in [Dataset::Numbered, Dataset::Business] {
            let bytes = dataset.document_bytes();
            let of_quired = stored(options, dataset)?;
            let of_raw = of_quired / bytes as f64;
            facts.push(Fact::new(format!("{bytes} bytes: quired"), of_quired, "bytes"));
            let fact = Fact::new(format!("{bytes} bytes: quired, of the raw BSON"), of_raw, "x");
            facts.push(match dataset {
                Dataset::Numbered => fact.reaching(Reach::AtMost(1.06)),
                _ => fact,
            });
            if let Some(postgres) = &mut postgres {
                let table = dataset.name();
                postgres.load(dataset, options.records)?;
                let size = format!("select pg_total_relation_size('{table}')");
                let of_postgres = postgres.number(&size)? as f64 / options.records as f64;
                let what = format!("{bytes} bytes: PostgreSQL, with its primary key");
                facts.push(Fact::new(what, of_postgres, "bytes"));
                let ratio = of_quired / of_postgres;
                let what = format!("{bytes} bytes: quired, of PostgreSQL");
                let fact = Fact::new(what, ratio, "x");
                facts.push(match dataset {
                    Dataset::Business => fact.reaching(Reach::AtMost(0.3)),
                    _ => fact,
                });
            }
        }
        Ok(facts)
    }
}

fn stored(options: &Options, dataset: Dataset) -> Result<f64> {
    let launch = Launch::new(&options.quired);
    let mut quired = Quired::start(&launch, &options.directory, "stored")?;
    let mut client = Client::connect(quired.address)?;
    client.load(dataset, options.records)?;
    client.command("admin", doc! { "fsync": 1 })?;
    settle(&Processes::These(vec![quired.process_id()]))?;
    // What the memory tables hold goes to disk with an orderly end.
    quired.stop()?;
    Ok(bytes_below(&quired.data().join("data"))? as f64 / options.records as f64)
}

fn bytes_below(directory: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { bytes_below(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}
