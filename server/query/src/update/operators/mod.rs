//! The update operators: one file for each small family and one table of their names.
//!
//! Owns what an operator does to the value at the end of its path. An operator never sees the path
//! above it: finding, making and removing fields is the business of [`super::apply`].

use super::tree::{Tree, Value};
use crate::Constants;
use quire_bson::{Number, RawDoc, RawElement, RawValue};
use quire_errors::{CommandError, Result};
use std::fmt::Debug;
use std::sync::Arc;

mod add_to_set;
mod arithmetic;
mod bit;
mod current_date;
mod minimum;
mod pop;
mod pull;
mod push;
mod rename;
mod set;

/// One operator with its argument.
pub(super) trait Operator: Debug + Send + Sync {
    /// False when the operator does nothing at all in this application.
    fn runs(&self, _place: &Place<'_>) -> Result<bool> {
        Ok(true)
    }

    /// Changes a value that is there.
    fn change(&self, current: &mut Tree<'_>, place: &Place<'_>) -> Result<Change>;

    /// The value where none is; `None` when the operator makes none.
    fn create(&self, place: &Place<'_>) -> Result<Option<Value>>;

    /// What it means that the path leads through a value without fields.
    fn when_blocked(&self) -> Blocked {
        Blocked::CannotCreate
    }
}

/// What an operator did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    None,
    Changed,
    /// The field goes; in an array a null stays in its place.
    Removed,
}

/// How an operator takes a path that cannot be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blocked {
    Ignored,
    CannotCreate,
    CannotTraverse,
}

/// Where an operator is applied.
pub(super) struct Place<'p> {
    /// The document before the update.
    pub(super) document: RawDoc<'p>,
    pub(super) constants: &'p Constants,
    pub(super) insert: bool,
    /// The path to the value, with positions in the place of `$`.
    pub(super) path: &'p str,
}

impl Place<'_> {
    /// The last component of the path.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }

    /// The document as messages name it: `{_id: 1}`.
    pub(super) fn document_id(&self) -> String {
        crate::render::id_of(self.document)
    }
}

/// One `path: argument` of an operator's document.
pub(super) struct Argument<'a> {
    pub(super) path: &'a str,
    pub(super) element: RawElement<'a>,
    pub(super) constants: &'a Arc<Constants>,
}

impl<'a> Argument<'a> {
    pub(super) fn value(&self) -> RawValue<'a> {
        self.element.value()
    }

    /// The argument as messages quote it: `a: 1`.
    fn quoted(&self) -> String {
        crate::render::element(self.path, self.value())
    }
}

/// The operators that one argument stands for, each with its path; only `$rename` stands for two.
type Parsed = Vec<(String, Arc<dyn Operator>)>;
type Parser = fn(&Argument<'_>) -> Result<Parsed>;

const OPERATORS: &[(&str, Parser)] = &[
    ("$addToSet", add_to_set::parse),
    ("$bit", bit::parse),
    ("$currentDate", current_date::parse),
    ("$inc", arithmetic::parse_inc),
    ("$max", minimum::parse_max),
    ("$min", minimum::parse_min),
    ("$mul", arithmetic::parse_mul),
    ("$pop", pop::parse),
    ("$pull", pull::parse),
    ("$pullAll", pull::parse_all),
    ("$push", push::parse),
    ("$rename", rename::parse),
    ("$set", set::parse_set),
    ("$setOnInsert", set::parse_set_on_insert),
    ("$unset", set::parse_unset),
];

/// Parses the arguments of one operator.
pub(super) fn parse(name: &str, argument: &Argument<'_>) -> Result<Parsed> {
    parser(name)?(argument)
}

/// Refuses a name that no operator has, also where it has no arguments.
pub(super) fn refuse_unknown(name: &str) -> Result<()> {
    parser(name).map(|_| ())
}

fn parser(name: &str) -> Result<Parser> {
    let known = OPERATORS.iter().find(|(known, _)| *known == name);
    known.map(|(_, parser)| *parser).ok_or_else(|| {
        CommandError::failed_to_parse(format!(
            "Unknown modifier: {name}. Expected a valid update modifier or pipeline-style update \
             specified as an array"
        ))
    })
}

/// The usual case of one operator at the argument's own path.
fn one(argument: &Argument<'_>, operator: impl Operator + 'static) -> Result<Parsed> {
    Ok(vec![(argument.path.to_owned(), Arc::new(operator) as Arc<dyn Operator>)])
}

/// Puts a value in the place of another, unless they are the same to the byte.
fn replace(current: &mut Tree<'_>, value: &Value) -> Change {
    if current.is_identical(value) {
        return Change::None;
    }
    *current = Tree::Shared(value.clone());
    Change::Changed
}

/// A number without a fraction that fits 64 bits.
fn whole(value: RawValue<'_>) -> Option<i64> {
    /// 2^63, which is the first double that does not fit.
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    match Number::from_raw(value)? {
        Number::Int32(n) => Some(i64::from(n)),
        Number::Int64(n) => Some(n),
        Number::Double(x) => (x.trunc() == x && (-BOUND..BOUND).contains(&x)).then_some(x as i64),
        Number::Decimal(decimal) => decimal.to_exact_i64(),
    }
}
