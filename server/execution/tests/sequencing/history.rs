//! What was sequenced in one life of a node, and what a power cut may leave of it.

use quire_bson::Document;
use std::collections::BTreeMap;

/// How many documents the capped collection keeps.
pub const CAPPED_MAX: usize = 4;

/// The documents that there should be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    pub rows: BTreeMap<i32, Document>,
    pub capped: Vec<Document>,
}

/// One change of a batch.
#[derive(Clone, Debug)]
pub enum Step {
    Put(i32, Document),
    Delete(i32),
    Push(Document),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    Waiting,
    Acknowledged,
    /// The client was told that it is lost for certain.
    Lost,
    Unknown,
}

/// The batches of one life, in the order of the log.
pub struct History {
    pub begun_with: Model,
    pub batches: Vec<(Vec<Step>, Fate)>,
}

impl Model {
    fn take(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Put(id, doc) => drop(self.rows.insert(*id, doc.clone())),
                Step::Delete(id) => drop(self.rows.remove(id)),
                Step::Push(doc) => self.capped.push(doc.clone()),
            }
        }
        let excess = self.capped.len().saturating_sub(CAPPED_MAX);
        self.capped.drain(..excess);
    }
}

impl History {
    /// What the next writer has to see.
    pub fn latest(&self) -> Model {
        let mut model = self.begun_with.clone();
        for (steps, _) in self.batches.iter().filter(|(_, fate)| *fate != Fate::Lost) {
            model.take(steps);
        }
        model
    }

    /// Everything that may be there after a power cut: all that was acknowledged, nothing that is
    /// lost for certain, and of the rest as much as comes first, whole batches.
    pub fn possible(&self) -> Vec<Model> {
        let acknowledged = self.batches.iter().rposition(|(_, fate)| *fate == Fate::Acknowledged);
        let certain = acknowledged.map_or(0, |last| last + 1);
        let mut model = self.begun_with.clone();
        let mut possible = Vec::new();
        for (n, (steps, fate)) in self.batches.iter().enumerate() {
            if n >= certain {
                possible.push(model.clone());
            }
            match fate {
                Fate::Lost => {}
                // One of unknown fate before an acknowledged one was in the log before it.
                _ => model.take(steps),
            }
        }
        possible.push(model);
        possible
    }
}
