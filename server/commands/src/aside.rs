//! Work that takes long, on a thread of its own beside those that serve connections.

use parking_lot::Mutex;
use quire_errors::{CommandError, Result};
use quire_execution::wait::Signal;
use std::sync::Arc;

/// Where a thread leaves its result.
struct Outcome<T> {
    value: Mutex<Option<T>>,
    ended: Signal,
}

/// Rings even if the work panics.
struct Ring<T>(Arc<Outcome<T>>);

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        self.0.ended.notify();
    }
}

/// Runs long work and waits for what it comes to. Who stops waiting leaves it to finish alone.
pub async fn on_a_thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let outcome = Arc::new(Outcome { value: Mutex::new(None), ended: Signal::default() });
    let ring = Ring(outcome.clone());
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || *ring.0.value.lock() = Some(work()))
        .map_err(|error| CommandError::internal(format!("no thread for {name}: {error}")))?;
    outcome.ended.changed_since(0).await;
    let value = outcome.value.lock().take();
    value.ok_or_else(|| CommandError::internal(format!("{name} ended without a result")))
}
