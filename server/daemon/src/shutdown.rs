//! Going down in order.
//!
//! Owns the one flag that says so, who set it, and the signals that set it.

use parking_lot::Mutex;
use quire_commands::ShutdownRequest;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// How long running commands may take to end when a signal asks for the second time.
const HURRY: Duration = Duration::from_secs(1);

/// Whether and how the process is going down.
pub(crate) struct Shutdown {
    request: Mutex<Option<ShutdownRequest>>,
    begun: watch::Sender<bool>,
    doors_closed: watch::Sender<bool>,
}

impl Shutdown {
    pub(crate) fn new() -> Shutdown {
        Shutdown {
            request: Mutex::new(None),
            begun: watch::Sender::new(false),
            doors_closed: watch::Sender::new(false),
        }
    }

    /// Begins to go down. A later request cannot lengthen the patience of an earlier one.
    pub(crate) fn begin(&self, request: ShutdownRequest) {
        let mut current = self.request.lock();
        match &mut *current {
            Some(earlier) => earlier.timeout = earlier.timeout.min(request.timeout),
            None => *current = Some(request),
        }
        self.begun.send_replace(true);
    }

    pub(crate) fn has_begun(&self) -> bool {
        *self.begun.borrow()
    }

    /// How long running commands may still take.
    pub(crate) fn patience(&self) -> Duration {
        self.request.lock().map_or(Duration::ZERO, |request| request.timeout)
    }

    /// Completes when the process begins to go down.
    pub(crate) async fn begun(&self) {
        let mut begun = self.begun.subscribe();
        // The sender lives as long as self, so this ends only by the value.
        let _ = begun.wait_for(|begun| *begun).await;
    }

    /// No client is let in from now on.
    pub(crate) fn close_doors(&self) {
        self.doors_closed.send_replace(true);
    }

    /// Completes when no client is let in any more.
    pub(crate) async fn doors_closed(&self) {
        let mut closed = self.doors_closed.subscribe();
        // As above.
        let _ = closed.wait_for(|closed| *closed).await;
    }

    /// Begins to go down when a signal asks for it; `patience` tells how long the first one waits for
    /// running commands.
    pub(crate) async fn watch(
        &self,
        mut signals: Signals,
        patience: impl Fn() -> Duration + Send + Sync,
    ) {
        let mut asked_before = false;
        loop {
            let name = signals.next().await;
            tracing::info!(
                target: "CONTROL",
                id = 23377,
                ctx = "SignalHandler",
                signal = name,
                "Received signal"
            );
            let timeout = if asked_before { HURRY } else { patience() };
            self.begin(ShutdownRequest { force: false, timeout });
            asked_before = true;
        }
    }
}

/// The signals that ask the process to end. From the moment this exists they wait to be heard
/// instead of ending the process at once.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(crate) fn listen() -> std::io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Completes with the name of the next one.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
