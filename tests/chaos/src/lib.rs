//! Three real processes as a replica set, used by stock clients while things happen to them.
//!
//! Owns two programmes: chaos, which looks for writes that are lost, doubled or seen out of order, and
//! failover, which measures how long nobody can write. Both start the binary that ships and reach it
//! as applications do, through the stock driver.
//!
//! ```text
//! workers --driver--> proxy --> node        chaos: proxies hold bytes where a way is cut
//!                       ^  |
//!                       |  +--> ...         members know each other by the proxies' addresses
//!                     nodes
//! ```

mod chaos;
mod cluster;
mod failover;
mod member;
mod nemesis;
mod node;
mod proxy;
mod scratch;
mod workload;

pub use chaos::{Chaos, Report};
pub use failover::{Failover, Figures};
pub use quire_tests::{Failure, Result};

/// Runs a programme to its end on a runtime of its own.
pub fn block_on<T>(programme: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = programme => outcome,
            // Whoever interrupts a run does not want its processes to go on.
            _ = tokio::signal::ctrl_c() => Err(Failure::new("interrupted")),
        }
    });
    // Proxies and monitors never end by themselves.
    runtime.shutdown_background();
    outcome
}
