//! The six core workloads of YCSB, over documents of 1 KiB with ten texts.
//!
//! Owns their mixes. A read-modify-write (F) is two requests, and each counts as one, on both sides.

use super::{Beside, Counted, Workload, best};
use crate::action::{Action, Actions, Ids};
use crate::dataset::Dataset;
use crate::documents::DOCUMENT_BYTES;
use crate::goals::Goal;
use crate::random::Random;
use crate::stream::Stream;

const CONNECTIONS: &[u16] = &[8, 64];
const RANGE_MAX: u64 = 100;

const fn mix(
    name: &'static str,
    summary: &'static str,
    actions: fn(Stream) -> Box<dyn Actions>,
    durable_bytes: usize,
    goals: &'static [Goal],
) -> Workload {
    Workload {
        name,
        summary,
        connections: CONNECTIONS,
        members: 1,
        dataset: Some(Dataset::Numbered),
        actions,
        counted: Counted::Request,
        durable_bytes,
        beside: &[Beside::Postgres],
        goals,
    }
}

pub(super) static A: Workload = mix(
    "ycsb-a",
    "50 % reads, 50 % updates of one text, zipfian; w: 1, j: true, synchronous_commit = on",
    |stream| popular(stream, 50, set_text),
    DOCUMENT_BYTES / 2,
    &[best(64, "postgresql", 4.0)],
);

pub(super) static B: Workload = mix(
    "ycsb-b",
    "95 % reads, 5 % updates of one text, zipfian; w: 1, j: true, synchronous_commit = on",
    |stream| popular(stream, 95, set_text),
    DOCUMENT_BYTES / 20,
    &[best(64, "postgresql", 3.0)],
);

pub(super) static C: Workload = mix(
    "ycsb-c",
    "reads, zipfian; reads what is committed",
    |stream| popular(stream, 100, set_text),
    0,
    &[best(64, "postgresql", 3.0)],
);

pub(super) static D: Workload = mix(
    "ycsb-d",
    "95 % reads of what is new, 5 % inserts; w: 1, j: true, synchronous_commit = on",
    |stream| {
        let mut random = stream.random();
        Box::new(move || match random.below(100) < 95 {
            true => Action::Find(stream.store.recent(&mut random)),
            false => Action::Insert { ids: Ids::Numbers, count: 1 },
        })
    },
    DOCUMENT_BYTES / 20,
    &[best(64, "postgresql", 3.0)],
);

pub(super) static E: Workload = mix(
    "ycsb-e",
    "95 % ranges of up to 100 documents, zipfian, 5 % inserts; w: 1, j: true, \
     synchronous_commit = on",
    |stream| {
        let mut random = stream.random();
        Box::new(move || match random.below(100) < 95 {
            true => {
                let from = stream.store.popular(&mut random);
                Action::Range { from, count: 1 + random.below(RANGE_MAX) as u16 }
            }
            false => Action::Insert { ids: Ids::Numbers, count: 1 },
        })
    },
    DOCUMENT_BYTES / 20,
    &[best(64, "postgresql", 3.5)],
);

pub(super) static F: Workload = mix(
    "ycsb-f",
    "50 % reads, 50 % reads with an update of the same document behind, zipfian; w: 1, j: true, \
     synchronous_commit = on",
    |stream| {
        let mut random = stream.random();
        let mut to_change: Option<i64> = None;
        Box::new(move || {
            if let Some(id) = to_change.take() {
                return set_text(id, &mut random);
            }
            let id = stream.store.popular(&mut random);
            to_change = (random.below(2) == 0).then_some(id);
            Action::Find(id)
        })
    },
    DOCUMENT_BYTES / 3,
    &[best(64, "postgresql", 3.0)],
);

/// So many reads of a hundred, and otherwise something else.
fn popular(
    stream: Stream,
    reads: u64,
    otherwise: fn(i64, &mut Random) -> Action,
) -> Box<dyn Actions> {
    let mut random = stream.random();
    Box::new(move || {
        let id = stream.store.popular(&mut random);
        if random.below(100) < reads { Action::Find(id) } else { otherwise(id, &mut random) }
    })
}

fn set_text(id: i64, random: &mut Random) -> Action {
    Action::SetText { id, field: random.below(9) as u8 }
}
