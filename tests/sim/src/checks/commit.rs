//! What is committed is on the disks of a majority, in its leader's own term, and every later
//! leader has it.

use super::durable::Durable;
use super::{Sight, Verdict};
use quire_consensus::Membership;
use quire_log::{LogIndex, Term};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub struct CommitRule {
    /// The last entry that a leader has committed; under a forced configuration the second one.
    last: [(LogIndex, Term); 2],
    known: BTreeMap<u64, LogIndex>,
    leaders: BTreeSet<Term>,
    /// There are two histories.
    parted: bool,
}

impl CommitRule {
    /// One member goes on with what it knows to be committed.
    pub fn forced(&mut self, commit: LogIndex, term: Term) {
        self.last[1] = (commit, term);
        self.parted = true;
    }

    /// A new leader has everything that was ever committed.
    pub fn leads(&mut self, node: u64, term: Term, durable: &Durable, forced: bool) -> Verdict {
        let (index, of) = self.last[usize::from(forced)];
        if term < of || !self.leaders.insert(term) || durable.holds(node, index, of) {
            return Ok(());
        }
        Err(format!("{node} leads term {term} without the committed entry {index} of term {of}"))
    }

    pub fn committed(&mut self, sight: &Sight<'_>, durable: &Durable, forced: bool) -> Verdict {
        let Sight { node, led, commit, memberships, .. } = *sight;
        let known = self.known.insert(node, commit).unwrap_or_default();
        let (last, _) = self.last[usize::from(forced)];
        if commit <= known || commit <= last {
            return Ok(());
        }
        let Some(term) = led else {
            return Err(format!("{node} takes {commit} for committed, leaders only {last}"));
        };
        // Who has gone over to the other history said before that it held this.
        let holds = |voter: &u64| match self.parted && !forced {
            true => durable.held(*voter, commit, term),
            false => durable.holds(*voter, commit, term),
        };
        let counted = memberships.iter().any(|members| {
            let Membership { voters, outgoing, .. } = members;
            [voters, outgoing].iter().all(|half| {
                half.is_empty() || half.iter().filter(|voter| holds(voter)).count() * 2 > half.len()
            })
        });
        if !counted {
            return Err(format!(
                "{node} leads term {term} and commits entry {commit}, which no majority has synced \
                 as one of that term"
            ));
        }
        self.last[usize::from(forced)] = (commit, term);
        Ok(())
    }
}
