//! JavaScript in queries: `$where`, `$function` and `$accumulator`.
//!
//! Owns the engine (QuickJS), which nothing else names: its limits, how it is interrupted, and how
//! values go in and come back. A context belongs to one operation, so that no two clients share a
//! variable; nothing is allocated before a query brings its first script. Never decides when a
//! script runs, and on which thread: it runs on the thread of who calls it, until it is done, and
//! fails at once when the operation has to stop.

mod failure;
mod from_js;
mod machine;
mod natives;
mod session;
mod to_js;

#[cfg(test)]
mod tests;

pub use session::JavaScript;
