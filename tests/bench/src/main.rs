//! Measures the server beside what the machine allows.
//!
//! Owns the command line of the benchmark. Every figure of the server is taken in turns with its
//! yardsticks, in one run on one machine, because a ratio of two such figures says something and a
//! figure alone does not: it is the machine's, and the hour's.
//!
//! ```text
//! generator (threads here) --OP_MSG--> quired          the subject: one process, or a set of three
//!                          --OP_MSG--> another quired  another build, or other words at its start
//!                          --OP_MSG--> canned server   the wire's ceiling, a process of its own
//!                          --SQL-----> PostgreSQL      where it is installed
//!                          --gRPC----> etcd            three nodes, where it is installed
//! one thread here          ----------> the engine and the log, called without a server
//!                          ----------> fdatasync in the same directory: the disk's ceiling
//! ```

mod action;
mod arguments;
mod business;
mod client;
mod dataset;
mod disk;
mod documents;
mod figures;
mod generator;
mod goals;
mod histogram;
mod in_process;
mod measures;
mod op_msg;
mod placement;
mod process;
mod random;
mod report;
mod run;
mod scratch;
mod servers;
mod sql;
mod stage;
mod stream;
mod target;
mod workloads;
mod zipf;

use arguments::Invocation;
use servers::canned;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let outcome =
        arguments::parse(std::env::args().skip(1)).and_then(|invocation| match invocation {
            Invocation::Help => Ok(writeln!(std::io::stdout().lock(), "{}", arguments::help())?),
            Invocation::Canned(workload) => canned::serve(workload),
            Invocation::Run(options) => run::run(&options),
        });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Standard error may be closed; the exit code still tells.
            let _ = writeln!(std::io::stderr().lock(), "quire-bench: {failure}");
            ExitCode::FAILURE
        }
    }
}
