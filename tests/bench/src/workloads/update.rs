//! `$inc` of a field by `_id`, on disk before it is answered: of any document, or always of one.

use super::{Beside, Counted, Workload, throughput};
use crate::action::Action;
use crate::dataset::Dataset;
use crate::documents::DOCUMENT_BYTES;

pub(super) static INCREMENT: Workload = Workload {
    name: "update-inc",
    summary: "updateOne by _id with $inc, uniformly, 1 KiB; w: 1, j: true, synchronous_commit = on",
    connections: &[1, 64],
    members: 1,
    dataset: Some(Dataset::Numbered),
    actions: |stream| {
        let mut random = stream.random();
        Box::new(move || Action::Increment(stream.store.uniform(&mut random)))
    },
    counted: Counted::Request,
    durable_bytes: DOCUMENT_BYTES,
    beside: &[Beside::Wire, Beside::Postgres, Beside::Disk],
    goals: &[throughput(64, "postgresql", 2.5), throughput(1, "postgresql", 1.0)],
};

pub(super) static HOT: Workload = Workload {
    name: "update-hot",
    summary: "updateOne with $inc, always of the same document; w: 1, j: true, \
              synchronous_commit = on",
    connections: &[64],
    members: 1,
    dataset: Some(Dataset::Numbered),
    actions: |_| Box::new(|| Action::Increment(1)),
    counted: Counted::Request,
    durable_bytes: DOCUMENT_BYTES,
    beside: &[Beside::Postgres, Beside::Own(&INCREMENT)],
    goals: &[throughput(64, "update-inc", 0.5)],
};
