//! A term has at most one leader.

use super::Verdict;
use quire_log::Term;
use std::collections::BTreeMap;

#[derive(Default)]
pub struct OneLeaderPerTerm(BTreeMap<Term, u64>);

impl OneLeaderPerTerm {
    pub fn terms(&self) -> u64 {
        self.0.len() as u64
    }

    pub fn leads(&mut self, node: u64, term: Term) -> Verdict {
        let known = *self.0.entry(term).or_insert(node);
        if known == node {
            return Ok(());
        }
        Err(format!("term {term} has two leaders, {known} and {node}"))
    }
}
