//! What this server says about itself.
//!
//! Owns the facts of the process that never change while it runs.

use crate::persona::Persona;
use quire_bson::{Bson, Document, ObjectId, doc};
use std::time::{Instant, SystemTime};

/// Limits every client reads from `hello`.
pub const DOCUMENT_BYTES_MAX: i32 = 16 * 1024 * 1024;
pub const MESSAGE_BYTES_MAX: i32 = 48_000_000;
pub const WRITE_BATCH_MAX: i32 = 100_000;

/// Facts of this process.
#[derive(Clone, Debug)]
pub struct Facts {
    pub persona: Persona,
    pub host: String,
    pub port: u16,
    pub process: ObjectId,
    pub process_id: u32,
    pub started: Instant,
    pub started_at: SystemTime,
    pub argv: Vec<String>,
    /// The settings as `getCmdLineOpts` shows them.
    pub parsed: Document,
    pub storage_engine: &'static str,
    pub git_revision: &'static str,
    /// Compressors that are offered in `hello`, in order of preference.
    pub compressors: Vec<&'static str>,
}

impl Facts {
    /// `host:port`, the name this server goes by.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The reply of `buildInfo`.
    pub fn build_info(&self, runs_scripts: bool) -> Document {
        let version: Vec<Bson> =
            self.persona.version_array().into_iter().map(Bson::Int32).collect();
        doc! {
            "version": self.persona.version(),
            "gitVersion": self.git_revision,
            "modules": [],
            "allocator": "system",
            "javascriptEngine": if runs_scripts { "quickjs" } else { "none" },
            "sysInfo": "deprecated",
            "versionArray": version,
            "openssl": { "running": "disabled", "compiled": "disabled" },
            "buildEnvironment": {
                "distmod": "",
                "distarch": std::env::consts::ARCH,
                "cc": "rustc",
                "ccflags": "",
                "cxx": "",
                "cxxflags": "",
                "linkflags": "",
                "target_arch": std::env::consts::ARCH,
                "target_os": std::env::consts::OS,
                "cppdefines": "",
            },
            "bits": 64,
            "debug": false,
            "maxBsonObjectSize": DOCUMENT_BYTES_MAX,
            "storageEngines": ["ephemeralForTest", "inMemory", "wiredTiger"],
            "quire": { "version": env!("CARGO_PKG_VERSION") },
        }
    }
}
