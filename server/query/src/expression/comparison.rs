//! `$cmp`, `$eq`, `$ne`, `$gt`, `$gte`, `$lt`, `$lte`: BSON order across all types.

use super::table::{Family, Syntax};
use super::value::{Value, boolean, compare_values};
use quire_bson::Bson;
use std::cmp::Ordering;

pub(super) const TABLE: Family = &[
    ("$cmp", Syntax::Binary(|a, b| Ok(Some(Bson::Int32(order(&a, &b) as i32))))),
    ("$eq", Syntax::Binary(|a, b| Ok(boolean(order(&a, &b).is_eq())))),
    ("$gt", Syntax::Binary(|a, b| Ok(boolean(order(&a, &b).is_gt())))),
    ("$gte", Syntax::Binary(|a, b| Ok(boolean(order(&a, &b).is_ge())))),
    ("$lt", Syntax::Binary(|a, b| Ok(boolean(order(&a, &b).is_lt())))),
    ("$lte", Syntax::Binary(|a, b| Ok(boolean(order(&a, &b).is_le())))),
    ("$ne", Syntax::Binary(|a, b| Ok(boolean(order(&a, &b).is_ne())))),
];

fn order(a: &Value, b: &Value) -> Ordering {
    compare_values(a.as_ref(), b.as_ref())
}
