//! A member votes once in a term.

use super::Verdict;
use quire_log::Term;
use std::collections::BTreeMap;

#[derive(Default)]
pub struct OneVotePerTerm(BTreeMap<(u64, Term), u64>);

impl OneVotePerTerm {
    pub fn granted(&mut self, voter: u64, term: Term, candidate: u64) -> Verdict {
        let known = *self.0.entry((voter, term)).or_insert(candidate);
        if known == candidate {
            return Ok(());
        }
        Err(format!("{voter} voted for {known} and for {candidate} in term {term}"))
    }
}
