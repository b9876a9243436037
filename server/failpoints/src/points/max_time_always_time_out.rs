//! `maxTimeAlwaysTimeOut`: whatever has a time limit has used it up as it begins.
//!
//! Entered once by each operation with a limit, its own or its cursor's.

use crate::registry::Known;

pub static POINT: Known =
    Known { name: "maxTimeAlwaysTimeOut", switch: |points| &points.max_time_always_time_out };
