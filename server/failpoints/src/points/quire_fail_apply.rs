//! `quireFailApply`: an entry of the log cannot be applied. MongoDB has no such point.
//!
//! Asked for each entry with effects, each time it is tried: with `{skip: k}` the next `k` entries
//! pass, and the one behind them fails until the point is off.

use crate::registry::Known;

pub static POINT: Known =
    Known { name: "quireFailApply", switch: |points| &points.quire_fail_apply };
