//! Inserts that each happen once: what was acknowledged must be there, what was refused must not.
//!
//! Owns the record of what was inserted, and what it says about what is there in the end.

use super::{Outcome, Worker};
use mongodb::bson::{Document, doc};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const COLLECTION: &str = "ledger";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Acknowledged,
    Refused,
    Nothing,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: BTreeMap<String, Told>,
}

impl Ledger {
    /// Inserts until the run stops.
    pub(crate) async fn keep(worker: &mut Worker) -> Ledger {
        let mut ledger = Ledger::default();
        let mut sequence = 0_i64;
        while !worker.shared.stopping() {
            let id = format!("{}-{sequence}", worker.number);
            sequence += 1;
            let Some(collection) = worker.collection(COLLECTION) else { break };
            let entry = doc! { "_id": &id, "worker": i64::from(worker.number), "n": sequence };
            let inserting = async move { collection.insert_one(entry).await };
            let outcome = worker.write_outcome("insert", inserting).await;
            let told = match &outcome {
                Outcome::Ok(_) => Told::Acknowledged,
                Outcome::Failed(_) => Told::Refused,
                Outcome::Unknown(_) => Told::Nothing,
            };
            ledger.entries.insert(id, told);
            worker.rest(!outcome.is_ok()).await;
        }
        ledger
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.entries.values().filter(|told| **told == Told::Acknowledged).count()
    }

    pub(crate) fn join(&mut self, other: Ledger) {
        self.entries.extend(other.entries);
    }

    /// What is wrong with the documents that are there in the end.
    pub(crate) fn findings(&self, there: &[Document]) -> Vec<String> {
        let mut findings = Vec::new();
        let mut seen = BTreeSet::new();
        for document in there {
            let id = document.get_str("_id").unwrap_or_default();
            if !seen.insert(id) {
                findings.push(format!("{id} is there twice"));
            }
            match self.entries.get(id) {
                None => findings.push(format!("{document} was never inserted")),
                Some(Told::Refused) => {
                    findings.push(format!("{id} is there though it was refused"));
                }
                Some(Told::Acknowledged | Told::Nothing) => {}
            }
        }
        let lost = |(id, told): &(&String, &Told)| {
            **told == Told::Acknowledged && !seen.contains(id.as_str())
        };
        findings.extend(
            self.entries
                .iter()
                .filter(lost)
                .map(|(id, _)| format!("{id} was acknowledged and is lost")),
        );
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> Ledger {
        let entries = [
            ("a", Told::Acknowledged),
            ("b", Told::Acknowledged),
            ("c", Told::Nothing),
            ("d", Told::Refused),
        ];
        Ledger { entries: entries.map(|(id, told)| (id.to_owned(), told)).into() }
    }

    fn there(ids: &[&str]) -> Vec<Document> {
        ids.iter().map(|id| doc! { "_id": *id }).collect()
    }

    #[test]
    fn what_nobody_answered_may_be_there_or_not() {
        assert_eq!(ledger().findings(&there(&["a", "b"])), [""; 0]);
        assert_eq!(ledger().findings(&there(&["a", "c", "b"])), [""; 0]);
    }

    #[test]
    fn losses_doubles_and_strangers_are_found() {
        for (ids, wanted) in [
            (&["a"][..], "b was acknowledged and is lost"),
            (&["a", "b", "b"], "b is there twice"),
            (&["a", "b", "d"], "d is there though it was refused"),
            (&["a", "b", "x"], "{ \"_id\": \"x\" } was never inserted"),
        ] {
            assert_eq!(ledger().findings(&there(ids)), [wanted]);
        }
    }
}
