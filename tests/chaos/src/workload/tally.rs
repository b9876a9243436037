//! Counters with a list of who counted: each acknowledged step is there exactly once, in its order.
//!
//! Owns the record of steps. A step adds one to `n` and its own token to `tokens` in one update, so the
//! two tell on each other when half an update is applied, or one twice.

use super::{Outcome, Worker};
use mongodb::bson::{Bson, Document, doc};
use std::collections::BTreeMap;

pub(crate) const COLLECTION: &str = "tallies";

/// Steps of one worker before it goes on to the next document: arrays shall stay short.
const STEPS_PER_DOCUMENT: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Acknowledged,
    Refused,
    Nothing,
}

/// One step of one worker.
#[derive(Clone, Debug)]
struct Step {
    worker: u32,
    told: Told,
}

/// Every step, by document and token. Tokens grow, so a worker's steps lie in their order.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    documents: BTreeMap<String, BTreeMap<i64, Step>>,
}

impl Tally {
    /// Counts until the run stops.
    pub(crate) async fn keep(worker: &mut Worker) -> Tally {
        let mut tally = Tally::default();
        for step in 0.. {
            if worker.shared.stopping() {
                break;
            }
            // All workers go through the same documents, at about the same time.
            let id = format!("tally-{}", step / STEPS_PER_DOCUMENT);
            let token = worker.shared.new_value();
            let Some(collection) = worker.collection(COLLECTION) else { break };
            let filter = doc! { "_id": &id };
            let update = doc! { "$inc": { "n": 1_i64 }, "$push": { "tokens": token } };
            let updating = async move { collection.update_one(filter, update).upsert(true).await };
            let outcome = worker.write_outcome("increment", updating).await;
            let told = match &outcome {
                Outcome::Ok(_) => Told::Acknowledged,
                Outcome::Failed(_) => Told::Refused,
                Outcome::Unknown(_) => Told::Nothing,
            };
            let step = Step { worker: worker.number, told };
            tally.documents.entry(id).or_default().insert(token, step);
            worker.rest(!outcome.is_ok()).await;
        }
        tally
    }

    pub(crate) fn acknowledged(&self) -> usize {
        let steps = self.documents.values().flat_map(BTreeMap::values);
        steps.filter(|step| step.told == Told::Acknowledged).count()
    }

    pub(crate) fn join(&mut self, other: Tally) {
        for (id, steps) in other.documents {
            self.documents.entry(id).or_default().extend(steps);
        }
    }

    /// What is wrong with the documents that are there in the end.
    pub(crate) fn findings(&self, there: &[Document]) -> Vec<String> {
        let mut findings = Vec::new();
        let found: BTreeMap<&str, &Document> = there
            .iter()
            .map(|document| (document.get_str("_id").unwrap_or_default(), document))
            .collect();
        for (id, steps) in &self.documents {
            let empty = Document::new();
            let document = found.get(id.as_str()).copied().unwrap_or(&empty);
            findings_in(steps, document, &mut |what| findings.push(format!("{id}: {what}")));
        }
        for id in found.keys().filter(|id| !self.documents.contains_key(**id)) {
            findings.push(format!("{id} was never written"));
        }
        findings
    }
}

fn findings_in(steps: &BTreeMap<i64, Step>, document: &Document, finding: &mut dyn FnMut(String)) {
    let tokens: Vec<i64> = document
        .get_array("tokens")
        .map(|tokens| tokens.iter().filter_map(Bson::as_i64).collect())
        .unwrap_or_default();
    let n = document.get_i64("n").unwrap_or_default();
    if usize::try_from(n).ok() != Some(tokens.len()) {
        finding(format!("n is {n} with {} tokens", tokens.len()));
    }
    let mut places: BTreeMap<i64, usize> = BTreeMap::new();
    let mut last_of: BTreeMap<u32, i64> = BTreeMap::new();
    for (place, token) in tokens.iter().enumerate() {
        if places.insert(*token, place).is_some() {
            finding(format!("token {token} is there twice"));
        }
        match steps.get(token) {
            None => finding(format!("token {token} was never pushed")),
            Some(Step { told: Told::Refused, .. }) => {
                finding(format!("token {token} is there though it was refused"));
            }
            // What nobody answered may be late.
            Some(Step { told: Told::Nothing, .. }) => {}
            Some(Step { worker, told: Told::Acknowledged }) => {
                if last_of.insert(*worker, *token).is_some_and(|last| last > *token) {
                    finding(format!("token {token} came before an earlier one"));
                }
            }
        }
    }
    for (token, step) in steps {
        if step.told == Told::Acknowledged && !places.contains_key(token) {
            finding(format!("token {token} was acknowledged and is lost"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally() -> Tally {
        let step = |token, worker, told| (token, Step { worker, told });
        let steps = [
            step(1, 7, Told::Acknowledged),
            step(2, 7, Told::Nothing),
            step(3, 7, Told::Acknowledged),
            step(4, 8, Told::Refused),
        ];
        Tally { documents: [("t".to_owned(), steps.into())].into() }
    }

    fn there(n: i64, tokens: &[i64]) -> Vec<Document> {
        vec![doc! { "_id": "t", "n": n, "tokens": tokens.to_vec() }]
    }

    #[test]
    fn a_step_without_an_answer_may_be_missing_or_late() {
        assert_eq!(tally().findings(&there(2, &[1, 3])), [""; 0]);
        assert_eq!(tally().findings(&there(3, &[1, 2, 3])), [""; 0]);
        assert_eq!(tally().findings(&there(3, &[1, 3, 2])), [""; 0]);
    }

    #[test]
    fn losses_doubles_and_disorder_are_found() {
        for (n, tokens, wanted) in [
            (1, &[1][..], "t: token 3 was acknowledged and is lost"),
            (3, &[1, 3, 3], "t: token 3 is there twice"),
            (3, &[1, 3], "t: n is 3 with 2 tokens"),
            (2, &[3, 1], "t: token 1 came before an earlier one"),
            (3, &[1, 3, 4], "t: token 4 is there though it was refused"),
            (3, &[1, 3, 9], "t: token 9 was never pushed"),
        ] {
            assert!(tally().findings(&there(n, tokens)).contains(&wanted.to_owned()), "{wanted}");
        }
        assert_eq!(tally().findings(&[]).len(), 2);
    }
}
