//! Who is speaking: the `ctx` of a line, such as `conn12` or `listener`.
//!
//! A task carries its name wherever the runtime moves it; anything else has its thread's name.

use std::future::Future;
use std::sync::Arc;

tokio::task_local! {
    static CONTEXT: Arc<str>;
}

/// Runs a task whose log lines bear this name.
pub(crate) fn in_context<F: Future>(
    name: Arc<str>,
    task: F,
) -> impl Future<Output = F::Output> + use<F> {
    CONTEXT.scope(name, task)
}

/// Calls `write` with the name of whoever is running.
pub(super) fn with_current<T>(write: impl FnOnce(&str) -> T) -> T {
    match CONTEXT.try_with(Arc::clone) {
        Ok(name) => write(&name),
        Err(_) => write(std::thread::current().name().unwrap_or("-")),
    }
}
