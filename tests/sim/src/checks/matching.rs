//! Two logs that hold an entry of the same index and term are the same up to it.
//!
//! Every entry that any log ever held is known here by its index and term, with the term of the one
//! before it. If both are the same in all logs, so is everything before, one step at a time.

use super::{Verdict, digest_of};
use quire_log::{Entry, Term};
use std::collections::BTreeMap;

#[derive(Default)]
pub struct LogMatching(BTreeMap<(u64, Term), (u64, Term)>);

impl LogMatching {
    pub fn holds(&mut self, node: u64, before: Term, entries: &[Entry]) -> Verdict {
        let mut before = before;
        for entry in entries {
            let seen = (digest_of(entry), before);
            let known = *self.0.entry((entry.index.0, entry.term)).or_insert(seen);
            if known != seen {
                let (index, term) = (entry.index, entry.term);
                return Err(format!(
                    "entry {index} of term {term} is another one in the log of {node}, \
                     behind an entry of term {before} (elsewhere {})",
                    known.1
                ));
            }
            before = entry.term;
        }
        Ok(())
    }
}
