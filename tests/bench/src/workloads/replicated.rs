//! Inserts on three nodes of one machine, on the disks of two before they are answered.

use super::{Beside, Counted, Workload, bulk, throughput};
use crate::action::{Action, BATCH_DOCUMENTS, Ids};
use crate::documents::DOCUMENT_BYTES;

pub(super) static ONE: Workload = Workload {
    name: "insert-majority",
    summary: "insertOne of 1 KiB on three nodes; w: majority, j: true",
    connections: &[1, 64, 256],
    members: 3,
    dataset: None,
    actions: |_| Box::new(|| Action::Insert { ids: Ids::Objects, count: 1 }),
    counted: Counted::Request,
    durable_bytes: DOCUMENT_BYTES,
    beside: &[Beside::Etcd],
    goals: &[throughput(1, "etcd", 2.0), throughput(64, "etcd", 5.0), throughput(256, "etcd", 6.0)],
};

pub(super) static MANY: Workload = Workload {
    name: "insert-many-majority",
    summary: "insertMany of 1000 documents of 1 KiB on three nodes, figures for each; \
              w: majority, j: true",
    connections: &[1],
    members: 3,
    dataset: None,
    actions: |_| Box::new(|| Action::Insert { ids: Ids::Objects, count: BATCH_DOCUMENTS }),
    counted: Counted::Documents(BATCH_DOCUMENTS as u64),
    durable_bytes: BATCH_DOCUMENTS as usize * DOCUMENT_BYTES,
    beside: &[Beside::Own(&bulk::ONE_NODE)],
    goals: &[throughput(1, "insert-many", 0.33)],
};
