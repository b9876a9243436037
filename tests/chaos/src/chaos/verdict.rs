//! Looking at what is there when everything is healed.
//!
//! Owns the checks behind a run. They read every member directly, so that none hides behind another.

use super::{Harvest, Report};
use crate::cluster::Cluster;
use crate::member::Member;
use crate::workload::{DATABASE, Shared};
use mongodb::bson::{Document, doc};
use mongodb::options::{ReadPreference, SelectionCriteria};
use quire_check::{Limits, Operation, Register, RegisterAction, Verdict, by_key, check};
use quire_tests::{Failure, Result};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Findings of one sort that are worth reading.
const SHOWN_MAX: usize = 20;

/// How long equal members may need to say so: the last entries are applied everywhere, but the
/// primary's own no-op may come between two hashes.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn judge(
    cluster: &mut Cluster,
    harvest: Harvest,
    shared: &Shared,
    report: &mut Report,
) -> Result<()> {
    cluster.heal().await?;
    match cluster.wait_until_whole().await {
        Ok(_) => {}
        Err(failure) => {
            report.findings.push(failure.to_string());
            return Ok(());
        }
    }
    report.counts = harvest.counts.clone();
    report.inserts = harvest.ledger.acknowledged();
    report.increments = harvest.tally.acknowledged();
    report.findings.extend(harvest.counts.unexpected());
    hashes_are_equal(&cluster.members, report).await?;
    for (index, member) in cluster.members.iter().enumerate() {
        indexes_fit(member, report).await?;
        let ledger = documents(member, "ledger").await?;
        let tallies = documents(member, "tallies").await?;
        let of_member = harvest.ledger.findings(&ledger).into_iter();
        let of_member = of_member.chain(harvest.tally.findings(&tallies));
        report
            .findings
            .extend(of_member.take(SHOWN_MAX).map(|what| format!("node {index}: {what}")));
    }
    let registers = documents(&cluster.members[0], "registers").await?;
    registers_are_linearizable(harvest, &registers, shared.now(), report);
    for node in &cluster.nodes {
        report.findings.extend(node.complaints()?);
    }
    Ok(())
}

/// What `validate` says of every collection: rows and index entries belong together.
async fn indexes_fit(member: &Member, report: &mut Report) -> Result<()> {
    for collection in ["ledger", "tallies", "registers"] {
        let command = doc! { "validate": collection, "full": true };
        let reply = member.run(DATABASE, command).await?;
        if !reply.get_bool("valid").unwrap_or(false) {
            report.findings.push(format!("{collection} is not valid: {reply}"));
        }
    }
    Ok(())
}

/// Every document of a collection, as this member has it.
async fn documents(member: &Member, collection: &str) -> Result<Vec<Document>> {
    let here =
        SelectionCriteria::ReadPreference(ReadPreference::SecondaryPreferred { options: None });
    let collection = member.client().database(DATABASE).collection::<Document>(collection);
    let reading = async {
        let mut cursor = collection.find(doc! {}).selection_criteria(here).batch_size(1000).await?;
        let mut found = Vec::new();
        while cursor.advance().await? {
            found.push(cursor.deserialize_current()?);
        }
        mongodb::error::Result::Ok(found)
    };
    reading.await.map_err(Failure::during("reading what is there"))
}

async fn hashes_are_equal(members: &[Member], report: &mut Report) -> Result<()> {
    let patience = Instant::now() + PATIENCE;
    loop {
        let mut hashes = Vec::new();
        for member in members {
            let reply = member.run(DATABASE, doc! { "dbHash": 1 }).await?;
            let collections = reply.get_document("collections").cloned().unwrap_or_default();
            hashes.push((reply.get_str("md5").unwrap_or_default().to_owned(), collections));
        }
        let equal = hashes.iter().all(|hash| Some(hash) == hashes.first());
        let empty =
            hashes.iter().any(|(md5, collections)| md5.is_empty() || collections.is_empty());
        if equal && !empty {
            report.hash = hashes.swap_remove(0).0;
            return Ok(());
        }
        if Instant::now() > patience {
            report.findings.push(format!("members differ: {hashes:#?}"));
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn registers_are_linearizable(
    harvest: Harvest,
    registers: &[Document],
    now: u64,
    report: &mut Report,
) {
    let mut values: BTreeMap<&str, i64> = BTreeMap::new();
    for document in registers {
        let value = document.get_i64("value").unwrap_or_default();
        values.insert(document.get_str("_id").unwrap_or_default(), value);
    }
    report.operations = harvest.history.len();
    let parts = by_key(harvest.history);
    report.registers = parts.len();
    let mut undecided = 0;
    for (id, mut history) in parts {
        // What stands there in the end is one more read: a write that was lost shows at the latest now.
        let last = RegisterAction::Read(values.get(id.as_str()).copied());
        history.push(Operation::answered(0, now, now, last));
        history.sort_by_key(|operation| operation.called);
        match check(&Register, &history, Limits::default()) {
            Verdict::Linearizable => {}
            Verdict::Undecided => undecided += 1,
            Verdict::Violation(witness) => {
                report.findings.push(format!(
                    "{id} is not linearizable:\n{}",
                    story(&history, witness.stuck,)
                ));
            }
        }
    }
    if undecided > 0 {
        report.findings.push(format!("{undecided} histories were too long to check"));
    }
}

/// The operations around the one that nothing explains.
fn story(history: &[Operation<RegisterAction>], stuck: usize) -> String {
    const AROUND: usize = 12;
    let from = stuck.saturating_sub(AROUND);
    let milliseconds = |time: u64| time as f64 / 1e6;
    let lines = history.iter().enumerate().skip(from).take(2 * AROUND).map(|(place, operation)| {
        let mark = if place == stuck { ">" } else { " " };
        let end = match operation.returned {
            Some(returned) => format!("{:.3}", milliseconds(returned)),
            None => "unknown".to_owned(),
        };
        let (client, called) = (operation.client, milliseconds(operation.called));
        format!("  {mark} client {client} {called:.3} .. {end} ms {:?}", operation.action)
    });
    lines.collect::<Vec<_>>().join("\n")
}
