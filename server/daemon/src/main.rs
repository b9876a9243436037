//! `quired`: the daemon.
//!
//! Owns the process: its settings, log, threads, sockets and end. Everything else is in the crates
//! below, which name neither the runtime nor the operating system; this crate wires them together.

mod admin;
mod background;
mod connection;
mod data_directory;
mod exit;
mod fork;
mod host;
mod listener;
mod logging;
mod machine;
mod metrics;
mod serve;
mod shutdown;
mod stores;

use exit::Failure;
use quire_config::{Launch, Source};
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run() -> Result<(), Failure> {
    match quire_config::load(Source::of_this_process())? {
        Launch::Print(text) => {
            exit::print(&text);
            Ok(())
        }
        Launch::Run(settings) if settings.process.fork && !fork::is_child() => fork::launch(),
        Launch::Run(settings) => serve::serve(*settings),
    }
}
