//! Which history of the set something belongs to.
//!
//! Owns how a term tells it. Every forced configuration begins another incarnation of the set.

use quire_log::Term;

/// How many terms there are in an incarnation: more than a set will ever have elections. So a term
/// tells its incarnation, and no two leaders of different ones ever have the same.
const INCARNATION_TERMS: u64 = 1 << 24;

pub(crate) fn incarnation_of(term: Term) -> u64 {
    term.0 / INCARNATION_TERMS
}

pub(crate) fn first_term(incarnation: u64) -> Term {
    Term(incarnation.saturating_mul(INCARNATION_TERMS))
}
