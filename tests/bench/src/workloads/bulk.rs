//! A thousand documents of 1 KiB per request, on disk before it is answered.

use super::{Beside, Counted, Workload, throughput};
use crate::action::{Action, BATCH_DOCUMENTS, Ids};
use crate::documents::DOCUMENT_BYTES;
use crate::in_process::Work;

pub(super) static ONE_NODE: Workload = Workload {
    name: "insert-many",
    summary: "insertMany of 1000 documents of 1 KiB, figures for each; w: 1, j: true, \
              synchronous_commit = on",
    connections: &[1],
    members: 1,
    dataset: None,
    actions: |_| Box::new(|| Action::Insert { ids: Ids::Objects, count: BATCH_DOCUMENTS }),
    counted: Counted::Documents(BATCH_DOCUMENTS as u64),
    durable_bytes: BATCH_DOCUMENTS as usize * DOCUMENT_BYTES,
    beside: &[
        Beside::Wire,
        Beside::Postgres,
        Beside::InProcess(Work::Commit(BATCH_DOCUMENTS)),
        Beside::Disk,
    ],
    goals: &[throughput(1, "in-process", 0.5), throughput(1, "postgresql", 3.0)],
};
