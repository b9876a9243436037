//! Projections: which fields of a document a reply shows.
//!
//! Owns `find`'s projections and the include, exclude and compute part of aggregation's `$project`.
//! Works on raw bytes: elements that are kept are copied, and only computed fields are decoded. The
//! kept fields stay in the order of the document; computed and `$elemMatch` fields follow them in
//! the order of the specification, as in MongoDB.
//!
//! Never matches the query itself: where `$` needs the position of the matched array element, the
//! caller hands it in.

use crate::Constants;
use crate::expression::Expression;
use crate::filter::Filter;
use quire_bson::{DocBuf, DocBuilder, RawDoc};
use quire_errors::{CommandError, Result};
use std::sync::Arc;

mod apply;
mod parse;
mod slice;

use slice::Slice;

/// Whose rules a specification follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `find`, `findAndModify`: `$` positional, `$elemMatch` and the short `$slice` are known.
    Find,
    /// `$project`: only fields and expressions.
    Aggregate,
}

/// Whether the fields that are not named go or stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Inclusion,
    Exclusion,
}

/// A parsed projection.
#[derive(Clone, Debug)]
pub struct Projection {
    kind: Kind,
    root: Fields,
    positional: bool,
}

impl Projection {
    /// Parses a specification. `filter` is the query's filter, which a `$` positional projection
    /// refers to; without one such a projection is refused.
    pub fn parse(
        spec: RawDoc<'_>,
        filter: Option<RawDoc<'_>>,
        constants: &Arc<Constants>,
        mode: Mode,
    ) -> Result<Projection> {
        parse::projection(spec, filter, constants, mode)
    }

    /// True when every document comes out as it is.
    pub fn is_identity(&self) -> bool {
        self.kind == Kind::Exclusion && self.root.entries.is_empty()
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// True when [`Projection::apply`] needs to know which array element the filter matched.
    pub fn needs_position(&self) -> bool {
        self.positional
    }

    /// The projected document. `position` is the array element that the filter matched.
    pub fn apply(&self, doc: RawDoc<'_>, position: Option<usize>) -> Result<DocBuf> {
        let mut out = DocBuilder::in_buffer(Vec::with_capacity(doc.as_bytes().len()));
        self.apply_into(doc, position, &mut out)?;
        Ok(out.finish())
    }

    /// Appends the fields of the projected document to `out`.
    pub fn apply_into(
        &self,
        doc: RawDoc<'_>,
        position: Option<usize>,
        out: &mut DocBuilder,
    ) -> Result<()> {
        if self.positional && position.is_none() {
            return Err(CommandError::location(
                51246,
                "positional operator '.$' couldn't find a matching element in the array",
            ));
        }
        apply::Run { root: doc, position, kind: self.kind }.fields(&self.root, doc, out)
    }
}

/// What becomes of one field.
#[derive(Clone, Debug)]
enum Node {
    Include,
    Exclude,
    Slice(Slice),
    /// The array here, or the first one above, is cut to the element that the filter matched.
    Positional,
    ElemMatch(Box<Filter>),
    Computed(Box<Expression>),
    Nested(Fields),
}

/// Up to how many names of a level are looked through one by one.
const LINEAR_MAX: usize = 8;

/// The fields of one level in the order of the specification.
#[derive(Clone, Debug, Default)]
struct Fields {
    entries: Vec<(String, Node)>,
    /// Positions in `entries`, sorted by name, for lookup.
    sorted: Vec<usize>,
    /// Some field below is computed, so the level must exist in the result.
    computes: bool,
    /// Some field below is positional.
    positional: bool,
}

impl Fields {
    /// Where `name` is, or would be inserted, in `sorted`.
    fn search(&self, name: &[u8]) -> Result<usize, usize> {
        self.sorted.binary_search_by(|at| {
            self.entries.get(*at).map_or(&b""[..], |(known, _)| known.as_bytes()).cmp(name)
        })
    }

    fn position(&self, name: &[u8]) -> Option<usize> {
        // Among a few names, looking at each is faster than searching.
        if self.entries.len() <= LINEAR_MAX {
            return self.entries.iter().position(|(known, _)| known.as_bytes() == name);
        }
        self.search(name).ok().and_then(|at| self.sorted.get(at)).copied()
    }

    fn get(&self, name: &[u8]) -> Option<&Node> {
        self.position(name).and_then(|at| self.entries.get(at)).map(|(_, node)| node)
    }

    fn get_mut(&mut self, name: &[u8]) -> Option<&mut Node> {
        self.position(name).and_then(|at| self.entries.get_mut(at)).map(|(_, node)| node)
    }

    /// Adds a field that is not there yet.
    fn add(&mut self, name: &str, node: Node) {
        if let Err(at) = self.search(name.as_bytes()) {
            self.sorted.insert(at, self.entries.len());
            self.entries.push((name.to_owned(), node));
        }
    }

    fn remove(&mut self, name: &str) {
        if let Some(gone) = self.position(name.as_bytes()) {
            self.entries.remove(gone);
            self.sorted.retain(|at| *at != gone);
            self.sorted.iter_mut().filter(|at| **at > gone).for_each(|at| *at -= 1);
        }
    }
}

#[cfg(test)]
mod tests;
