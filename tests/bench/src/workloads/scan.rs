//! A filter that no index helps.

use super::{Beside, Counted, Workload, throughput};
use crate::action::{Action, Analysis};
use crate::dataset::Dataset;
use crate::in_process::Work;

static ANALYSIS: Analysis = Analysis {
    dataset: Dataset::Business,
    command: "find",
    fill: |builder| {
        builder.append_with("filter", |filter| {
            filter.append_str("status", "closed");
            filter.append_with("age", |age| {
                age.append_i32("$gt", 85);
            });
            filter.append_with("qty", |qty| {
                qty.append_i32("$lt", 50);
            });
        });
        builder.append_i32("batchSize", 100_000);
    },
    sql: "select d from business where d->>'status' = 'closed' and (d->>'age')::int > 85 \
          and (d->>'qty')::int < 50",
    documents_min: 1,
};

pub(super) static FILTER: Workload = Workload {
    name: "scan-filter",
    summary: "find by three fields without an index, 254 bytes, figures for each document looked at; \
              reads what is committed",
    connections: &[1],
    members: 1,
    dataset: Some(Dataset::Business),
    actions: |_| Box::new(|| Action::Analysis(&ANALYSIS)),
    counted: Counted::Collection,
    durable_bytes: 0,
    beside: &[Beside::Postgres, Beside::InProcess(Work::Scan)],
    goals: &[throughput(1, "in-process", 0.75), throughput(1, "postgresql", 1.0)],
};
