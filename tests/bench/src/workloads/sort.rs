//! The first hundred documents of an order, without and with an index.

use super::{Beside, Counted, Workload, throughput};
use crate::action::{Action, Analysis};
use crate::dataset::Dataset;

static BY_PRICE: Analysis = Analysis {
    dataset: Dataset::Business,
    command: "find",
    fill: |builder| {
        builder.append_with("sort", |sort| {
            sort.append_i32("price", -1);
        });
        builder.append_i32("limit", 100).append_bool("singleBatch", true);
    },
    sql: "select d from business order by (d->>'price')::float8 desc limit 100",
    documents_min: 100,
};

static BY_DATE: Analysis = Analysis {
    dataset: Dataset::BusinessByDate,
    command: "find",
    fill: |builder| {
        builder.append_with("sort", |sort| {
            sort.append_i32("created", -1);
        });
        builder.append_i32("limit", 100).append_bool("singleBatch", true);
    },
    sql: "select d from business_by_date order by ((d->>'created')::bigint) desc limit 100",
    documents_min: 100,
};

pub(super) static WITHOUT_INDEX: Workload = Workload {
    name: "sort-limit",
    summary: "the first 100 by a field without an index, 254 bytes, figures for each document looked \
              at; reads what is committed",
    connections: &[1],
    members: 1,
    dataset: Some(Dataset::Business),
    actions: |_| Box::new(|| Action::Analysis(&BY_PRICE)),
    counted: Counted::Collection,
    durable_bytes: 0,
    beside: &[Beside::Postgres],
    goals: &[throughput(1, "postgresql", 1.5)],
};

pub(super) static WITH_INDEX: Workload = Workload {
    name: "sort-limit-index",
    summary: "the first 100 by an indexed field, 254 bytes; reads what is committed",
    connections: &[1],
    members: 1,
    dataset: Some(Dataset::BusinessByDate),
    actions: |_| Box::new(|| Action::Analysis(&BY_DATE)),
    counted: Counted::Request,
    durable_bytes: 0,
    beside: &[Beside::Postgres],
    goals: &[throughput(1, "postgresql", 1.0)],
};
