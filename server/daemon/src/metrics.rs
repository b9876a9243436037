//! What the admin port shows: readiness, the status page, and metrics in Prometheus's text format.

use crate::admin::AdminSource;
use crate::logging::Logging;
use crate::shutdown::Shutdown;
use crate::status_page::StatusPage;
use quire_commands::{LATENCY_BOUNDS_MICROS, Latency, Server};
use quire_replset::MemberState;
use quire_replset::set::{Figures, MemberFigures};
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
        if self.shutdown.has_begun() {
            return Err("shutting down".to_owned());
        }
        let Some(set) = &self.server.replica_set else { return Ok(()) };
        match set.standing().state {
            MemberState::Primary | MemberState::Secondary => Ok(()),
            other => Err(format!("neither primary nor secondary, but {}", other.name())),
        }
    }

    fn page(&self) -> String {
        let figures = self.server.replica_set.as_ref().map(|set| set.figures());
        let own = figures.iter().flat_map(|set| &set.members).find(|member| member.is_self);
        let facts = &self.server.facts;
        let trouble = self.ready().err();
        let page = StatusPage {
            // The name that the others know it by, where there are others.
            address: &own.map_or_else(|| facts.address(), |own| own.host.to_string()),
            version: &format!("{} (Quire {})", facts.persona.version(), env!("CARGO_PKG_VERSION")),
            uptime: facts.started.elapsed(),
            connections: self.server.host.connections().current,
            operations: self.server.operations.count(),
            trouble: trouble.as_deref(),
            set: figures.as_ref(),
        };
        page.to_string()
    }

    fn metrics(&self, out: &mut String) {
        let mut page = Page { out };
        self.operations(&mut page);
        self.connections(&mut page);
        self.storage(&mut page);
        self.log(&mut page);
        if let Some(set) = &self.server.replica_set {
            replica_set(&mut page, &set.figures());
        }
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
        let ingress = &self.server.ingress;
        page.counter(
            "quire_connections_rate_refused_total",
            "Connections refused because too many came at once.",
            ingress.connections_refused(),
        );
        let name = "quire_requests_refused_total";
        page.describe(name, "counter", "Requests refused before any work, by the limit.");
        page.labelled(name, "limit", "rate", ingress.requests_refused());
        page.labelled(name, "limit", "in_flight", ingress.requests_crowded_out());
        let network = self.server.host.network();
        page.counter(
            "quire_network_received_bytes_total",
            "Bytes read.",
            network.physical_bytes_in,
        );
        page.counter(
            "quire_network_sent_bytes_total",
            "Bytes written.",
            network.physical_bytes_out,
        );
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
        page.gauge(
            "quire_storage_cache_bytes",
            "Bytes of cached blocks, and of what is not yet flushed.",
            stats.cache_bytes,
        );
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

fn replica_set(page: &mut Page<'_>, set: &Figures) {
    let name = "quire_replica_set_state";
    page.gauge(name, "The member's state, by MongoDB's numbers.", set.state.number());
    let is_primary = u8::from(set.state == MemberState::Primary);
    page.gauge("quire_replica_set_is_primary", "1 on a primary.", is_primary);
    let is_writable = u8::from(set.is_writable);
    page.gauge("quire_replica_set_is_writable", "1 while it takes writes.", is_writable);
    page.gauge("quire_replica_set_term", "The term it knows of.", set.term);
    page.gauge("quire_log_committed_index", "The newest committed entry.", set.committed);
    let name = "quire_replica_set_member_up";
    page.describe(name, "gauge", "1 while a member is heard of.");
    for member in &set.members {
        page.labelled(name, "member", &member.host.to_string(), u64::from(member.is_up));
    }
    let name = "quire_replica_set_member_durable_index";
    let help = "The newest entry on a member's disk, as the primary knows.";
    positions(page, set, name, help, |member| member.durable);
    let name = "quire_replica_set_member_applied_index";
    let help = "The newest entry a member has applied, as the primary knows.";
    positions(page, set, name, help, |member| member.applied);
}

/// What a member cannot know of another is left out, rather than shown as nothing.
fn positions(
    page: &mut Page<'_>,
    set: &Figures,
    name: &str,
    help: &str,
    position: impl Fn(&MemberFigures) -> Option<u64>,
) {
    page.describe(name, "gauge", help);
    for member in &set.members {
        if let Some(position) = position(member) {
            page.labelled(name, "member", &member.host.to_string(), position);
        }
    }
}
