//! Finds: one document by its `_id`, a hundred in the order of their `_id`s, a hundred by an index.

use super::{Beside, Counted, Workload, best, throughput};
use crate::action::{Action, GROUP_DOCUMENTS};
use crate::dataset::{Dataset, groups};
use crate::goals::{Compared, Goal};
use crate::in_process::Work;

pub(super) static BY_ID: Workload = Workload {
    name: "find-by-id",
    summary: "findOne by _id, uniformly, 1 KiB; reads what is committed",
    connections: &[1, 8, 64],
    members: 1,
    dataset: Some(Dataset::Numbered),
    actions: |stream| {
        let mut random = stream.random();
        Box::new(move || Action::Find(stream.store.uniform(&mut random)))
    },
    counted: Counted::Request,
    durable_bytes: 0,
    beside: &[Beside::Wire, Beside::Postgres, Beside::InProcess(Work::Get)],
    goals: &[
        throughput(64, "wire", 0.60),
        Goal { connections: 64, of: "wire", compared: Compared::Cpu, reach: 2.2 },
        best(64, "postgresql", 2.2),
        Goal { connections: 1, of: "wire", compared: Compared::Median, reach: 20.0 },
    ],
};

pub(super) static RANGE: Workload = Workload {
    name: "find-range",
    summary: "100 documents of 1 KiB in the order of _id, in one batch; reads what is committed",
    connections: &[1, 8],
    members: 1,
    dataset: Some(Dataset::Numbered),
    actions: |stream| {
        let mut random = stream.random();
        let count = GROUP_DOCUMENTS as u16;
        Box::new(move || Action::Range { from: stream.store.uniform(&mut random), count })
    },
    counted: Counted::Request,
    durable_bytes: 0,
    beside: &[Beside::Wire, Beside::Postgres, Beside::InProcess(Work::Range)],
    goals: &[throughput(8, "in-process", 0.5), throughput(8, "postgresql", 3.0)],
};

pub(super) static BY_INDEX: Workload = Workload {
    name: "find-by-index",
    summary: "100 documents of 1 KiB by a secondary index, in one batch; reads what is committed",
    connections: &[1, 8],
    members: 1,
    dataset: Some(Dataset::Indexed),
    actions: |stream| {
        let mut random = stream.random();
        let groups = groups(stream.store.records);
        Box::new(move || Action::Group(random.below(groups).cast_signed()))
    },
    counted: Counted::Request,
    durable_bytes: 0,
    beside: &[Beside::Wire, Beside::Postgres, Beside::InProcess(Work::MultiGet)],
    goals: &[throughput(8, "in-process", 0.5), throughput(8, "postgresql", 1.5)],
};
