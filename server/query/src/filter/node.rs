//! The tree of a parsed filter, and how it is evaluated.
//!
//! Owns the logical connectives and the one-pass conjunction: the fields that a conjunction asks
//! about are gathered by their top-level name when the filter is parsed, and one forward walk over
//! a document answers all of them, ending at the first that fails or the last that was found.

use super::operand::Operand;
use super::predicate::{Place, Predicate};
use super::schema::Schema;
use super::script::Where;
use crate::expression::{Expression, is_true};
use crate::path::FieldPath;
use quire_bson::{RawDoc, RawElement, key_word};
use quire_errors::Result;

#[derive(Clone, Debug)]
pub(crate) enum Node {
    And(Conjunction),
    Or(Vec<Node>),
    Nor(Vec<Node>),
    Field(Field),
    Expr(Box<ExprNode>),
    Schema(Box<Schema>),
    Sample(Sample),
    Where(Where),
    Constant(bool),
}

/// A predicate on one path.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) path: FieldPath,
    pub(crate) predicate: Predicate,
}

/// `$expr`: an expression whose value must be true.
#[derive(Clone, Debug)]
pub(crate) struct ExprNode {
    pub(crate) expression: Expression,
    pub(crate) source: Operand,
}

/// `$sampleRate`: a fixed share of the documents.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) rate: f64,
    pub(crate) seed: u64,
}

impl Node {
    /// Whether the document matches; see [`Predicate::matches`] for `at`.
    pub(crate) fn matches(&self, doc: RawDoc<'_>, at: &mut Option<usize>) -> Result<bool> {
        match self {
            Node::And(conjunction) => conjunction.matches(doc, at),
            Node::Or(branches) => {
                for branch in branches {
                    // A branch that fails half-way must not leave its position behind.
                    let mut inner = None;
                    if branch.matches(doc, &mut inner)? {
                        *at = inner.or(*at);
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Node::Nor(branches) => {
                for branch in branches {
                    if branch.matches(doc, &mut None)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Node::Field(field) => field.predicate.matches(Place::Document(doc, &field.path), at),
            Node::Expr(node) => Ok(is_true(node.expression.evaluate(doc)?.as_ref())),
            Node::Schema(schema) => schema.matches(doc),
            Node::Sample(sample) => Ok(sample.takes(doc)),
            Node::Where(script) => script.matches(doc),
            Node::Constant(flag) => Ok(*flag),
        }
    }
}

impl Sample {
    /// A draw that depends on nothing but the seed and the document, so that a query gives the same
    /// answer wherever and however often it is evaluated.
    fn takes(self, doc: RawDoc<'_>) -> bool {
        let mut hash = self.seed ^ 0xcbf2_9ce4_8422_2325;
        for byte in doc.as_bytes() {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        // FNV leaves the high bits of short inputs alike; one multiply-and-fold round spreads them.
        hash = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash ^= hash >> 29;
        let draw = (hash >> 11) as f64 / (1_u64 << 53) as f64;
        draw < self.rate
    }
}

/// All of several conditions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conjunction {
    /// Sorted by first path component, so that each group is a run.
    fields: Vec<Field>,
    groups: Vec<Group>,
    others: Vec<Node>,
}

/// The fields of a conjunction that start from one top-level name.
#[derive(Clone, Debug)]
struct Group {
    key: Box<[u8]>,
    key_word: u64,
    start: usize,
    end: usize,
    /// Whether all of them hold for a document without that name.
    matches_missing: bool,
}

/// The names found are marked in one word.
const GROUPS_MAX: usize = 64;

impl Conjunction {
    pub(crate) fn new(nodes: Vec<Node>) -> Conjunction {
        let mut fields = Vec::new();
        let mut others = Vec::new();
        for node in nodes {
            match node {
                Node::Field(field) => fields.push(field),
                Node::And(inner) => {
                    fields.extend(inner.fields);
                    others.extend(inner.others);
                }
                node => others.push(node),
            }
        }
        fields.sort_by(|a, b| a.path.first().cmp(b.path.first()));
        let mut groups: Vec<Group> = Vec::new();
        for (at, field) in fields.iter().enumerate() {
            let key = field.path.first().as_bytes();
            let missing = field.predicate.matches_missing();
            match groups.last_mut().filter(|group| *group.key == *key) {
                Some(group) => {
                    group.end = at + 1;
                    group.matches_missing &= missing;
                }
                None => groups.push(Group {
                    key: key.into(),
                    key_word: key_word(key),
                    start: at,
                    end: at + 1,
                    matches_missing: missing,
                }),
            }
        }
        if let Some(beyond) = groups.get(GROUPS_MAX).map(|group| group.start) {
            others.extend(fields.drain(beyond..).map(Node::Field));
            groups.truncate(GROUPS_MAX);
        }
        Conjunction { fields, groups, others }
    }

    pub(crate) fn fields(&self) -> &[Field] {
        &self.fields
    }

    pub(crate) fn others(&self) -> &[Node] {
        &self.others
    }

    pub(crate) fn len(&self) -> usize {
        self.fields.len() + self.others.len()
    }

    fn matches(&self, doc: RawDoc<'_>, at: &mut Option<usize>) -> Result<bool> {
        if !self.fields_match(doc, at)? {
            return Ok(false);
        }
        for node in &self.others {
            if !node.matches(doc, at)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn fields_match(&self, doc: RawDoc<'_>, at: &mut Option<usize>) -> Result<bool> {
        if self.groups.is_empty() {
            return Ok(true);
        }
        let all = u64::MAX >> (GROUPS_MAX - self.groups.len());
        let mut found = 0_u64;
        for element in doc {
            let Some((n, group)) = self.group_of(element) else { continue };
            // Of a name that stands twice in a document, the first counts.
            let mark = 1_u64.wrapping_shl(n);
            if found & mark != 0 {
                continue;
            }
            found |= mark;
            if !self.group_matches(group, element, at)? {
                return Ok(false);
            }
            if found == all {
                return Ok(true);
            }
        }
        let missing = self.groups.iter().enumerate().filter(|(n, _)| found & (1 << n) == 0);
        Ok(missing.map(|(_, group)| group).all(|group| group.matches_missing))
    }

    /// The group that wants this name, and its number.
    #[inline]
    fn group_of(&self, element: RawElement<'_>) -> Option<(u32, &Group)> {
        let word = element.key_word();
        let is_named = |group: &Group| group.key_word == word && element.has_key(&group.key);
        (0..).zip(&self.groups).find(|(_, group)| is_named(group))
    }

    fn group_matches(
        &self,
        group: &Group,
        element: RawElement<'_>,
        at: &mut Option<usize>,
    ) -> Result<bool> {
        let fields = self.fields.get(group.start..group.end).unwrap_or_default();
        for field in fields {
            if !field.predicate.matches_field(element, &field.path, at)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
