//! The `tracing` layer: decides which events become lines, and hands the lines over.

use std::sync::Arc;
use std::time::SystemTime;

use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::component::{Component, Verbosities};
use super::line::Parts;
use super::queue::Queue;
use super::recent::{RecentLines, RecentLog};

pub(super) struct LineLayer {
    queue: Arc<Queue>,
    verbosities: Arc<Verbosities>,
    recent: Arc<RecentLines>,
}

impl LineLayer {
    pub(super) fn new(
        queue: Arc<Queue>,
        verbosities: Arc<Verbosities>,
        recent: Arc<RecentLines>,
    ) -> Self {
        Self { queue, verbosities, recent }
    }
}

impl<S: Subscriber> Layer<S> for LineLayer {
    /// What `tracing` may remember for each place that logs: verbosity changes while we run, so
    /// debug lines of our components are asked for every time.
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.is_span() {
            Interest::never()
        } else if *metadata.level() <= Level::INFO {
            Interest::always()
        } else if Component::of_target(metadata.target()).is_some() {
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.is_event() && self.verbosities.allow(metadata)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let component = Component::of_target(metadata.target()).unwrap_or(Component::NONE);
        let parts = Parts::of(event);
        if *metadata.level() > Level::INFO
            && let Some(level) = parts.level()
            && u64::from(self.verbosities.effective(component)) < level
        {
            return;
        }
        let line: Arc<str> = parts.line(*metadata.level(), component, SystemTime::now()).into();
        self.recent.push(RecentLog::Global, &line);
        if parts.is_startup_warning() {
            self.recent.push(RecentLog::StartupWarnings, &line);
        }
        self.queue.push(line);
    }
}
