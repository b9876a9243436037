//! `$group` into few and into many groups.
//!
//! The many are summed up again, so that their number is not measured as bytes on the wire; the sum
//! makes PostgreSQL compute every group too.

use super::{Beside, Counted, Workload, throughput};
use crate::action::{Action, Analysis};
use crate::dataset::Dataset;
use crate::in_process::Work;
use quire_bson::DocBuilder;

static FEW: Analysis = Analysis {
    dataset: Dataset::Business,
    command: "aggregate",
    fill: |builder| {
        builder.append_array("pipeline", |stages| {
            stages.push_with(|stage| group(stage, "$status"));
        });
        builder.append_with("cursor", |_| ());
    },
    sql: "select d->>'status', count(*), sum((d->>'qty')::int) from business group by 1",
    documents_min: 4,
};

static MANY: Analysis = Analysis {
    dataset: Dataset::Business,
    command: "aggregate",
    fill: |builder| {
        builder.append_array("pipeline", |stages| {
            stages.push_with(|stage| group(stage, "$user"));
            stages.push_with(|stage| {
                stage.append_with("$group", |group| {
                    group.append("_id", quire_bson::RawValue::Null);
                    group.append_with("documents", |sum| {
                        sum.append_str("$sum", "$documents");
                    });
                    group.append_with("qty", |sum| {
                        sum.append_str("$sum", "$qty");
                    });
                });
            });
        });
        builder.append_bool("allowDiskUse", true);
        builder.append_with("cursor", |_| ());
    },
    sql: "select sum(documents), sum(qty) from (select d->>'user', count(*) as documents, \
          sum((d->>'qty')::int) as qty from business group by 1) as groups",
    documents_min: 1,
};

fn group(stage: &mut DocBuilder, by: &str) {
    stage.append_with("$group", |group| {
        group.append_str("_id", by);
        group.append_with("documents", |sum| {
            sum.append_i32("$sum", 1);
        });
        group.append_with("qty", |sum| {
            sum.append_str("$sum", "$qty");
        });
    });
}

pub(super) static FEW_GROUPS: Workload = Workload {
    name: "group-few",
    summary: "$group into 4 groups, 254 bytes, figures for each document looked at; \
              reads what is committed",
    connections: &[1],
    members: 1,
    dataset: Some(Dataset::Business),
    actions: |_| Box::new(|| Action::Analysis(&FEW)),
    counted: Counted::Collection,
    durable_bytes: 0,
    beside: &[Beside::Postgres, Beside::InProcess(Work::ScanAndGroup("status"))],
    goals: &[throughput(1, "postgresql", 2.5), throughput(1, "in-process", 0.7)],
};

pub(super) static MANY_GROUPS: Workload = Workload {
    name: "group-many",
    summary: "$group into a tenth as many groups as documents, 254 bytes, figures for each document \
              looked at; reads what is committed",
    connections: &[1],
    members: 1,
    dataset: Some(Dataset::Business),
    actions: |_| Box::new(|| Action::Analysis(&MANY)),
    counted: Counted::Collection,
    durable_bytes: 0,
    beside: &[Beside::Postgres, Beside::InProcess(Work::ScanAndGroup("user"))],
    goals: &[throughput(1, "postgresql", 1.2), throughput(1, "in-process", 0.7)],
};
