//! `quired`: the daemon.
//!
//! Owns the process: its settings, log, threads, sockets and end. Everything else is in the crates
//! below, which name neither the runtime nor the operating system; this crate wires them together.

mod admin;
mod asking;
mod background;
mod connection;
mod connections;
mod data_directory;
mod discarded;
mod exit;
mod failing_disk;
mod failing_files;
mod fork;
mod host;
mod key_file;
mod listener;
mod logging;
mod machine;
mod metrics;
mod oplog_size;
mod peers;
mod random;
mod repair;
mod replication;
mod script_threads;
mod serve;
mod shutdown;
mod starting_log;
mod status_page;
mod stores;
mod traffic;

use exit::Failure;
use quire_config::{Launch, Source};
use std::process::ExitCode;

/// One allocator for our own code and for RocksDB's; `.cargo/config.toml` says how it is set.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The revision this was built from, where the build knows it.
const GIT_REVISION: &str = match option_env!("QUIRE_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run() -> Result<(), Failure> {
    match quire_config::load(Source::of_this_process())? {
        Launch::Help => {
            exit::print(&quire_config::help());
            Ok(())
        }
        Launch::Version => {
            exit::print(&quire_config::version(
                &quire_commands::Persona::default().version(),
                GIT_REVISION,
            ));
            Ok(())
        }
        // A check serves nobody, so there is nothing to go on with in the background.
        Launch::Run(settings) if settings.storage.repair => serve::serve(*settings),
        Launch::Run(settings) if settings.process.fork && !fork::is_child() => fork::launch(),
        Launch::Run(settings) => {
            if fork::is_child() {
                fork::detach();
            }
            serve::serve(*settings)
        }
    }
}
