//! `$cmp`, `$eq`, `$ne`, `$gt`, `$gte`, `$lt`, `$lte`: BSON order across all types.

use super::table::{Family, Syntax};
use super::value::{Value, boolean, compare_values};
use quire_bson::Bson;
use quire_collation::ValueOrder;
use std::cmp::Ordering;

pub(super) const TABLE: Family = &[
    ("$cmp", Syntax::BinaryBy(|by, a, b| Ok(Some(Bson::Int32(order(by, &a, &b) as i32))))),
    ("$eq", Syntax::BinaryBy(|by, a, b| Ok(boolean(order(by, &a, &b).is_eq())))),
    ("$gt", Syntax::BinaryBy(|by, a, b| Ok(boolean(order(by, &a, &b).is_gt())))),
    ("$gte", Syntax::BinaryBy(|by, a, b| Ok(boolean(order(by, &a, &b).is_ge())))),
    ("$lt", Syntax::BinaryBy(|by, a, b| Ok(boolean(order(by, &a, &b).is_lt())))),
    ("$lte", Syntax::BinaryBy(|by, a, b| Ok(boolean(order(by, &a, &b).is_le())))),
    ("$ne", Syntax::BinaryBy(|by, a, b| Ok(boolean(order(by, &a, &b).is_ne())))),
];

fn order(by: &ValueOrder, a: &Value, b: &Value) -> Ordering {
    compare_values(by, a.as_ref(), b.as_ref())
}
