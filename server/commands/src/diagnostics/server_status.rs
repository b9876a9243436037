//! `serverStatus`: the figures that monitoring reads.
//!
//! Owns which sections there are and which are asked for; the figures come from where they are kept.
//! A section is added by its function and one line of [`SECTIONS`]. What this server has no figure
//! for is absent: zeros that nobody counted would be believed.

mod figures;
mod metrics;
mod replication;

use crate::arguments::number;
use crate::generic::is_generic;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::{DocBuilder, RawValue};
use quire_errors::Result;

pub const COMMAND: Command =
    Command::new("serverStatus", "gives the figures that monitoring reads", Run::Now(run));

/// One section of the reply.
struct Section {
    name: &'static str,
    append: fn(&mut DocBuilder, &Context<'_>),
}

/// In the order in which they are shown.
const SECTIONS: &[Section] = &[
    Section { name: "asserts", append: figures::asserts },
    Section { name: "catalogStats", append: figures::catalog },
    Section { name: "connections", append: figures::connections },
    Section { name: "extra_info", append: figures::extra_info },
    Section { name: "featureCompatibilityVersion", append: figures::feature_version },
    Section { name: "globalLock", append: figures::global_lock },
    Section { name: "locks", append: |_, _| () },
    Section { name: "logicalSessionRecordCache", append: figures::sessions },
    Section { name: "network", append: figures::network },
    Section { name: "opLatencies", append: metrics::latencies },
    Section { name: "opcounters", append: metrics::operations },
    Section { name: metrics::REPLICATED, append: metrics::replicated_operations },
    Section { name: replication::OPLOG, append: replication::truncation },
    Section { name: "queues", append: figures::queues },
    Section { name: replication::NAME, append: replication::member },
    Section { name: "storageEngine", append: figures::storage_engine },
    Section { name: replication::RETRIES, append: replication::retries },
    Section { name: "mem", append: figures::memory },
    Section { name: "metrics", append: metrics::metrics },
];

fn run(context: &Context<'_>) -> Result<Reply> {
    Ok(Reply::with(|b| append_wanted(b, context)))
}

/// All sections that the command's fields do not switch off.
pub(super) fn append_wanted(b: &mut DocBuilder, context: &Context<'_>) {
    append_process(b, context);
    for section in SECTIONS.iter().filter(|section| is_shown(context, section.name)) {
        b.append_with(section.name, |b| (section.append)(b, context));
    }
}

/// What a standalone has nothing to tell about is not even asked for; nor is what a member does not
/// count, and of which only a standalone knows that it is nothing.
fn is_shown(context: &Context<'_>, name: &str) -> bool {
    let is_member = context.server.replica_set.is_some();
    let is_there = match name {
        replication::NAME | replication::OPLOG | replication::RETRIES => is_member,
        metrics::REPLICATED => !is_member,
        _ => true,
    };
    is_there && is_wanted(context, name)
}

/// Sections are shown unless they are switched off, or all of them by `none`.
fn is_wanted(context: &Context<'_>, name: &str) -> bool {
    let asked = |name: &str| {
        let value = context.body().iter().skip(1).find(|element| element.key() == name)?;
        (!is_generic(name)).then(|| is_true(value.value()))
    };
    asked(name).unwrap_or_else(|| !asked("none").unwrap_or(false))
}

fn is_true(value: RawValue<'_>) -> bool {
    match value {
        RawValue::Null | RawValue::Undefined => false,
        other => other.as_bool().or_else(|| number(other).map(|n| n != 0.0)).unwrap_or(true),
    }
}

fn append_process(b: &mut DocBuilder, context: &Context<'_>) {
    let facts = &context.server.facts;
    let uptime = facts.started.elapsed();
    b.append_str("host", &facts.address());
    b.append_str("version", &facts.persona.version());
    b.append_str("process", "mongod");
    b.append_array("service", |_| ());
    b.append_i64("pid", i64::from(facts.process_id));
    b.append_f64("uptime", uptime.as_secs() as f64);
    b.append_i64("uptimeMillis", i64::try_from(uptime.as_millis()).unwrap_or(i64::MAX));
    b.append_i64("uptimeEstimate", i64::try_from(uptime.as_secs()).unwrap_or(i64::MAX));
    b.append("localTime", RawValue::DateTime(context.server.now_millis()));
}

/// A counter as it is shown.
fn shown(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
