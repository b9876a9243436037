//! One document of 1 KiB per request, on disk before it is answered.

use super::{Beside, Counted, Workload, throughput};
use crate::action::{Action, Ids};
use crate::documents::DOCUMENT_BYTES;
use crate::in_process::Work;

pub(super) static ONE_NODE: Workload = Workload {
    name: "insert",
    summary: "insertOne of 1 KiB; w: 1, j: true, synchronous_commit = on",
    connections: &[1, 8, 64],
    members: 1,
    dataset: None,
    actions: |_| Box::new(|| Action::Insert { ids: Ids::Objects, count: 1 }),
    counted: Counted::Request,
    durable_bytes: DOCUMENT_BYTES,
    beside: &[Beside::Wire, Beside::Postgres, Beside::InProcess(Work::Commit(1)), Beside::Disk],
    goals: &[
        throughput(1, "fdatasync-overwrite", 0.65),
        throughput(1, "postgresql", 1.0),
        throughput(64, "postgresql", 4.0),
        throughput(64, "wire", 0.5),
    ],
};
