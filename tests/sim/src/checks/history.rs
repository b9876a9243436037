//! What clients saw: acknowledged writes stay and take effect once, reads are linearizable.
//!
//! Every key holds the list of the operations that were appended to it, so the list that is there
//! in the end is the order in which they took effect, and what a read saw must be its beginning: no
//! shorter than what was acknowledged or read before it began, and without what was begun after it
//! ended.

use super::Verdict;
use std::collections::{BTreeMap, BTreeSet};

/// Session and number within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OperationId(pub u32, pub u32);

impl OperationId {
    pub fn to_number(self) -> i64 {
        i64::from(self.0) << 32 | i64::from(self.1)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Append,
    Read,
}

struct Append {
    key: i32,
    begun: u64,
    acknowledged: Option<u64>,
    /// By a leader under a forced configuration.
    forced: bool,
}

struct Read {
    begun: u64,
    ended: u64,
    seen: Vec<i64>,
    forced: bool,
}

#[derive(Default)]
pub struct History {
    /// What a forced configuration has kept, if there is one.
    kept: Option<BTreeSet<i64>>,
    moment: u64,
    appends: BTreeMap<i64, Append>,
    reads: BTreeMap<i32, Vec<Read>>,
}

impl History {
    fn now(&mut self) -> u64 {
        self.moment += 1;
        self.moment
    }

    /// Something begins; gives its moment.
    pub fn begun(&mut self, kind: Kind, id: OperationId, key: i32) -> u64 {
        let begun = self.now();
        if kind == Kind::Append {
            self.appends
                .insert(id.to_number(), Append { key, begun, acknowledged: None, forced: false });
        }
        begun
    }

    /// Everything else that was acknowledged is given up, and what will be by those who have not
    /// heard of it.
    pub fn forced(&mut self, kept: BTreeSet<i64>) {
        self.kept = Some(kept);
    }

    fn is_given_up(&self, id: i64, append: &Append) -> bool {
        let is_kept = self.kept.as_ref().is_none_or(|kept| kept.contains(&id));
        append.acknowledged.is_some() && !append.forced && !is_kept
    }

    pub fn given_up_count(&self) -> usize {
        self.appends.iter().filter(|(id, append)| self.is_given_up(**id, append)).count()
    }

    pub fn acknowledged(&mut self, id: OperationId, forced: bool) {
        let now = self.now();
        if let Some(append) = self.appends.get_mut(&id.to_number()) {
            (append.acknowledged, append.forced) = (Some(now), forced);
        }
    }

    pub fn read(&mut self, key: i32, begun: u64, seen: Vec<i64>, forced: bool) {
        let ended = self.now();
        self.reads.entry(key).or_default().push(Read { begun, ended, seen, forced });
    }

    pub fn acknowledged_count(&self) -> usize {
        self.appends.values().filter(|append| append.acknowledged.is_some()).count()
    }

    pub fn reads_count(&self) -> usize {
        self.reads.values().map(Vec::len).sum()
    }

    /// Holds everything against the lists that are there in the end.
    pub fn check(&self, lists: &BTreeMap<i32, Vec<i64>>) -> Verdict {
        let mut seen = BTreeSet::new();
        for (key, list) in lists {
            for id in list {
                if !seen.insert(*id) {
                    return Err(format!("operation {id:#x} took effect twice"));
                }
                if self.appends.get(id).is_none_or(|append| append.key != *key) {
                    return Err(format!("nobody asked for operation {id:#x} on key {key}"));
                }
            }
            self.check_order(*key, list)?;
        }
        for (id, append) in &self.appends {
            let is_promised = append.acknowledged.is_some() && !self.is_given_up(*id, append);
            if is_promised && !seen.contains(id) {
                return Err(format!("the acknowledged operation {id:#x} is lost"));
            }
        }
        for (key, reads) in &self.reads {
            let empty = Vec::new();
            self.check_reads(*key, reads, lists.get(key).unwrap_or(&empty))?;
        }
        Ok(())
    }

    /// What was acknowledged before something else began took effect before it.
    fn check_order(&self, key: i32, list: &[i64]) -> Verdict {
        let mut latest_begin = 0;
        for id in list {
            let Some(append) = self.appends.get(id) else { continue };
            if append.acknowledged.is_some_and(|ended| ended < latest_begin) {
                return Err(format!("operation {id:#x} on key {key} took effect too late"));
            }
            latest_begin = latest_begin.max(append.begun);
        }
        Ok(())
    }

    fn check_reads(&self, key: i32, reads: &[Read], list: &[i64]) -> Verdict {
        // What others saw cannot be told from what is left.
        let reads = || reads.iter().filter(|read| read.forced || self.kept.is_none());
        for read in reads() {
            let Read { begun, ended, seen, .. } = read;
            if list.get(..seen.len()) != Some(seen) {
                return Err(format!("a read of key {key} saw {seen:x?}, which was never there"));
            }
            let begun_later = |id: &i64| self.appends.get(id).is_none_or(|a| a.begun > *ended);
            if seen.iter().any(begun_later) {
                return Err(format!("a read of key {key} saw what was not asked for yet"));
            }
            let acknowledged = |id: &i64| {
                let ended = self.appends.get(id).and_then(|append| append.acknowledged);
                ended.is_some_and(|ended| ended < *begun)
            };
            let missing = list.iter().skip(seen.len()).find(|id| acknowledged(id));
            if let Some(id) = missing {
                return Err(format!("a read of key {key} did not see the acknowledged {id:#x}"));
            }
            let before = reads().filter(|other| other.ended < *begun);
            if before.map(|other| other.seen.len()).max() > Some(seen.len()) {
                return Err(format!("a read of key {key} saw less than one before it"));
            }
        }
        Ok(())
    }
}
