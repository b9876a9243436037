//! The conditions of a filter that an index could serve.
//!
//! Owns the list of predicates that must all hold, with the path each speaks of. What stands under
//! `$elemMatch` speaks of the items of one array, which is remembered: predicates of one
//! `$elemMatch` hold for the same item, others need not.

use crate::filter::{ElemMatch, Field, Node, Predicate};
use std::borrow::Cow;

/// A predicate that must hold.
#[derive(Clone, Debug)]
pub(crate) struct Candidate<'f> {
    pub(crate) path: Cow<'f, str>,
    pub(crate) predicate: &'f Predicate,
    pub(crate) within: Option<Within>,
}

/// The `$elemMatch` that a candidate stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Within {
    /// Tells one `$elemMatch` from another.
    id: usize,
    /// The components of the path to its array.
    pub(crate) components: usize,
    /// True for `{$elemMatch: {$gt: 1}}`, whose predicates all look at one and the same value.
    pub(crate) same_value: bool,
}

/// What a conjunction asks, as far as planning looks at it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions<'f> {
    pub(crate) candidates: Vec<Candidate<'f>>,
    /// The `$or`s that must hold too.
    pub(crate) unions: Vec<&'f [Node]>,
    /// True when nothing can match.
    pub(crate) never: bool,
    elem_matches: usize,
}

impl<'f> Conditions<'f> {
    pub(crate) fn of(node: &'f Node) -> Conditions<'f> {
        let mut conditions = Conditions::default();
        conditions.add(node);
        conditions
    }

    /// The conditions with those of one branch of an `$or` in place of the `$or`s.
    pub(crate) fn with_branch(&self, branch: &'f Node) -> Conditions<'f> {
        let mut conditions = Conditions { unions: Vec::new(), ..self.clone() };
        conditions.add(branch);
        conditions
    }

    pub(crate) fn on_path<'s>(&'s self, path: &'s str) -> impl Iterator<Item = &'s Candidate<'f>> {
        self.candidates.iter().filter(move |candidate| candidate.path == path)
    }

    fn add(&mut self, node: &'f Node) {
        match node {
            Node::And(conjunction) => {
                conjunction.fields().iter().for_each(|field| self.add_field(field));
                conjunction.others().iter().for_each(|node| self.add(node));
            }
            Node::Field(field) => self.add_field(field),
            Node::Or(branches) => self.unions.push(branches),
            Node::Constant(false) => self.never = true,
            Node::Constant(true)
            | Node::Nor(_)
            | Node::Expr(_)
            | Node::Schema(_)
            | Node::Sample(_)
            | Node::Where(_) => {}
        }
    }

    fn add_field(&mut self, field: &'f Field) {
        let path = field.path.as_str();
        match &field.predicate {
            Predicate::Never => self.never = true,
            Predicate::In(list) if list.values().is_empty() && list.patterns().is_empty() => {
                self.never = true;
            }
            Predicate::ElemMatch(test) => self.add_elem_match(path, test),
            predicate => self.push(path.into(), predicate, None),
        }
    }

    fn add_elem_match(&mut self, path: &'f str, test: &'f ElemMatch) {
        self.elem_matches += 1;
        let within = |same_value| Within {
            id: self.elem_matches,
            components: path.split('.').count(),
            same_value,
        };
        match test {
            ElemMatch::Value(predicates) => {
                let within = within(true);
                for predicate in predicates {
                    self.push(path.into(), predicate, Some(within));
                }
            }
            ElemMatch::Document(node) => {
                let within = within(false);
                let Node::And(conjunction) = &**node else { return };
                for field in conjunction.fields() {
                    // An array below the items would need a second `Within`; it is left to the
                    // filter.
                    if !matches!(field.predicate, Predicate::ElemMatch(_)) {
                        let inner = format!("{path}.{}", field.path.as_str());
                        self.push(inner.into(), &field.predicate, Some(within));
                    }
                }
            }
        }
    }

    fn push(&mut self, path: Cow<'f, str>, predicate: &'f Predicate, within: Option<Within>) {
        self.candidates.push(Candidate { path, predicate, within });
    }
}
