//! Which way bytes go, seen from the node.
//!
//! Owns the field `direction`, which points about traffic share.

use crate::fields::Fields;
use quire_errors::Result;

/// One way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    In,
    Out,
}

/// The ways that a point concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Directions(Option<Direction>);

const WORDS: &[(&str, Directions)] = &[
    ("in", Directions(Some(Direction::In))),
    ("out", Directions(Some(Direction::Out))),
    ("both", Directions(None)),
];

impl Directions {
    /// Both unless the field `direction` says otherwise.
    pub(crate) fn read(fields: &mut Fields<'_>) -> Result<Directions> {
        Ok(fields.word("direction", WORDS)?.unwrap_or(Directions(None)))
    }

    pub(crate) fn include(self, direction: Direction) -> bool {
        self.0.is_none_or(|only| only == direction)
    }
}
