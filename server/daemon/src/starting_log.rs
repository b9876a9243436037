//! The log at the start: opening it, and the lines that every start has.
//!
//! Owns those lines; harnesses and operators look for them, so their numbers are mongod's.

use crate::exit::Failure;
use crate::logging::{Component, Destination, FileOptions, Logging, Rotation};
use crate::machine;
use quire_commands::Persona;
use quire_config::exit::BAD_OPTIONS;
use quire_config::{LogDestination, LogRotation, Settings, StorageEngine, SystemLog, Warning};
use std::sync::Arc;

/// Starts the log as the settings ask for it.
pub(crate) fn open(log: &SystemLog) -> Result<Arc<Logging>, Failure> {
    let destination = match &log.destination {
        // The first process of --fork reads our standard output for one word only.
        LogDestination::Stdout => Destination::Stdout,
        LogDestination::File { path, append, rotation } => Destination::File(FileOptions {
            path: path.clone(),
            append: *append,
            rotation: match rotation {
                LogRotation::Rename => Rotation::Rename,
                LogRotation::Reopen => Rotation::Reopen,
            },
        }),
    };
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(BAD_OPTIONS, format!("Can't initialize the log: {error}"))
    };
    let logging = Logging::start(destination, log.verbosity).map_err(|e| failed(&e))?;
    logging.install().map_err(|e| failed(&e))?;
    for (path, level) in &log.components {
        if let Some(component) = Component::of_path(path) {
            logging.set_verbosity(component, Some(*level));
        }
    }
    log_panics();
    Ok(logging)
}

/// A panic ends one connection's task; its line must not be lost on a closed standard error.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let backtrace = std::backtrace::Backtrace::force_capture();
        tracing::error!(
            target: "CONTROL",
            id = 7_100_050,
            panic = panic.payload_as_str().unwrap_or("unknown"),
            place,
            backtrace = %backtrace,
            "A defect of the server: a task ended by a panic"
        );
    }));
}

/// Tells what starts, how, and what of it the operator should know.
pub(crate) fn tell(settings: &Settings, persona: Persona) {
    let ctx = "initandlisten";
    tracing::info!(
        target: "CONTROL",
        id = 4615611,
        ctx,
        pid = std::process::id(),
        port = settings.net.port,
        dbPath = %settings.storage.db_path.display(),
        architecture = "64-bit",
        host = machine::host_name(),
        "MongoDB starting"
    );
    let build_info = serde_json::json!({
        "version": persona.version(),
        "gitVersion": crate::GIT_REVISION,
        "modules": [],
        "allocator": "system",
        "environment": { "distarch": std::env::consts::ARCH, "target_arch": std::env::consts::ARCH },
        "quire": env!("CARGO_PKG_VERSION"),
    });
    tracing::info!(target: "CONTROL", id = 23403, ctx, json.buildInfo = %build_info, "Build Info");
    tracing::info!(
        target: "CONTROL",
        id = 21951,
        ctx,
        json.options = %settings.parsed,
        "Options set by command line"
    );
    for warning in &settings.warnings {
        log_warning(warning);
    }
    tracing::warn!(
        target: "CONTROL",
        id = 22120,
        ctx,
        tag = "startupWarnings",
        "Access control is not enabled for the database. Read and write access to data and \
         configuration is unrestricted"
    );
    if settings.storage.engine != StorageEngine::WiredTiger {
        tracing::warn!(
            target: "STORAGE",
            id = 7_100_031,
            ctx,
            tag = "startupWarnings",
            "All data is kept in memory and is gone when the server stops"
        );
    }
}

/// A shell shows its user what is in `startupWarnings`: protection that is missing belongs there,
/// tuning that changes nothing does not.
fn log_warning(warning: &Warning) {
    let (ctx, warning, protection) = ("initandlisten", &warning.text, warning.about_protection);
    if protection {
        tracing::warn!(
            target: "ACCESS",
            id = 7_100_035,
            ctx,
            tag = "startupWarnings",
            warning,
            "A protection that was asked for is not in force"
        );
    } else {
        tracing::warn!(
            target: "CONTROL",
            id = 7_100_030,
            ctx,
            warning,
            "A setting has no effect here"
        );
    }
}

/// Clients get in from now on.
pub(crate) fn tell_of_port(port: u16) {
    tracing::info!(
        target: "NETWORK",
        id = 23016,
        ctx = "listener",
        port,
        ssl = "off",
        "Waiting for connections"
    );
}
