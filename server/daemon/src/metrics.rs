//! What the admin port shows: readiness, and metrics in Prometheus's text format.

use crate::admin::AdminSource;
use crate::logging::Logging;
use crate::shutdown::Shutdown;
use quire_commands::{LATENCY_BOUNDS_MICROS, Latency, Server};
use std::fmt::{Display, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The server as the admin port sees it.
pub(crate) struct Metrics {
    pub(crate) server: Arc<Server>,
    pub(crate) shutdown: Arc<Shutdown>,
    pub(crate) logging: Arc<Logging>,
}

impl AdminSource for Metrics {
    fn ready(&self) -> Result<(), String> {
        if self.shutdown.has_begun() { Err("shutting down".to_owned()) } else { Ok(()) }
    }

    fn metrics(&self, out: &mut String) {
        let mut page = Page { out };
        self.operations(&mut page);
        self.connections(&mut page);
        self.storage(&mut page);
        self.log(&mut page);
    }
}

/// The page under construction.
struct Page<'a> {
    out: &'a mut String,
}

impl Page<'_> {
    fn describe(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.describe(name, "gauge", help);
        let _ = writeln!(self.out, "{name} {value}");
    }

    fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.describe(name, "counter", help);
        let _ = writeln!(self.out, "{name} {value}");
    }

    fn labelled(&mut self, name: &str, label: &str, value: &str, number: u64) {
        let _ = writeln!(self.out, "{name}{{{label}=\"{value}\"}} {number}");
    }

    fn histogram(&mut self, name: &str, class: &str, latency: &Latency) {
        let mut below = 0;
        for (bound, bucket) in LATENCY_BOUNDS_MICROS.iter().zip(&latency.buckets) {
            below += bucket.load(Ordering::Relaxed);
            let seconds = *bound as f64 / 1e6;
            let _ =
                writeln!(self.out, "{name}_bucket{{class=\"{class}\",le=\"{seconds}\"}} {below}");
        }
        let count = latency.operations.load(Ordering::Relaxed);
        let sum = latency.micros.load(Ordering::Relaxed) as f64 / 1e6;
        let _ = writeln!(self.out, "{name}_bucket{{class=\"{class}\",le=\"+Inf\"}} {count}");
        let _ = writeln!(self.out, "{name}_sum{{class=\"{class}\"}} {sum}");
        let _ = writeln!(self.out, "{name}_count{{class=\"{class}\"}} {count}");
    }
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

impl Metrics {
    fn operations(&self, page: &mut Page<'_>) {
        let counters = &self.server.counters;
        let name = "quire_operations_total";
        page.describe(name, "counter", "Operations by class.");
        for (class, counter) in [
            ("insert", &counters.insert),
            ("query", &counters.query),
            ("update", &counters.update),
            ("delete", &counters.delete),
            ("getmore", &counters.getmore),
            ("command", &counters.command),
        ] {
            page.labelled(name, "class", class, read(counter));
        }
        let name = "quire_operation_seconds";
        page.describe(name, "histogram", "How long operations took.");
        page.histogram(name, "reads", &counters.reads);
        page.histogram(name, "writes", &counters.writes);
        page.histogram(name, "commands", &counters.commands);
        let name = "quire_commands_total";
        page.describe(name, "counter", "Calls by command.");
        let by_command = counters.by_command.lock().clone();
        for (command, (calls, _)) in &by_command {
            page.labelled(name, "command", command, *calls);
        }
        let name = "quire_commands_failed_total";
        page.describe(name, "counter", "Failed calls by command.");
        for (command, (_, failed)) in &by_command {
            page.labelled(name, "command", command, *failed);
        }
        let cursors = self.server.cursors.counts();
        page.gauge("quire_cursors_open", "Open cursors.", cursors.open);
        page.counter("quire_cursors_timed_out_total", "Forgotten cursors.", cursors.timed_out);
    }

    fn connections(&self, page: &mut Page<'_>) {
        let counts = self.server.host.connections();
        page.gauge("quire_connections_current", "Open connections.", counts.current);
        page.gauge("quire_connections_active", "Connections at work.", counts.active);
        page.counter("quire_connections_created_total", "Accepted.", counts.total_created);
        page.counter("quire_connections_rejected_total", "Refused.", counts.rejected);
        let network = self.server.host.network();
        page.counter("quire_network_received_bytes_total", "Bytes read.", network.bytes_in);
        page.counter("quire_network_sent_bytes_total", "Bytes written.", network.bytes_out);
        page.counter("quire_network_requests_total", "Requests.", network.requests);
        let memory = self.server.host.memory();
        page.counter(
            "quire_log_lines_dropped_total",
            "Lines of the server's log that a slow disk lost.",
            self.logging.dropped(),
        );
        page.gauge("quire_memory_resident_bytes", "Resident memory.", memory.resident);
    }

    fn storage(&self, page: &mut Page<'_>) {
        let stats = self.server.documents.engine_stats();
        page.gauge("quire_storage_disk_bytes", "Bytes of live files.", stats.disk_bytes);
        page.gauge("quire_storage_memtable_bytes", "Bytes not yet flushed.", stats.memtable_bytes);
        page.gauge("quire_storage_cache_bytes", "Bytes of cached blocks.", stats.cache_bytes);
        page.gauge(
            "quire_storage_pending_compaction_bytes",
            "Bytes that wait to be compacted.",
            stats.pending_compaction_bytes,
        );
        page.gauge(
            "quire_storage_write_stalled",
            "1 while the store slows writes down.",
            u8::from(stats.write_stalled),
        );
        if let Some(disk) = self.server.host.disk() {
            page.gauge("quire_disk_free_bytes", "Free bytes under the data.", disk.free);
        }
    }

    fn log(&self, page: &mut Page<'_>) {
        let stats = self.server.sequencer.replica().stats();
        page.gauge("quire_log_term", "The term.", stats.term);
        page.gauge("quire_log_first_index", "The oldest kept entry.", stats.log.first);
        page.gauge("quire_log_last_index", "The newest entry.", stats.log.last);
        page.gauge(
            "quire_log_applied_index",
            "The newest applied entry.",
            self.server.sequencer.replica().applied().index,
        );
        page.gauge("quire_log_queued", "Proposals that wait.", stats.queued);
        page.counter("quire_log_syncs_total", "Synced writes.", stats.log.syncs);
        page.counter("quire_log_appended_bytes_total", "Bytes.", stats.log.appended_bytes);
        page.counter("quire_log_groups_total", "Commits.", stats.groups);
        page.counter("quire_log_entries_total", "Committed entries.", stats.committed_entries);
    }
}
