//! `maxTimeNeverTimeOut`: time limits are not kept.
//!
//! Entered once by each operation with a limit, its own or its cursor's. It goes before
//! `maxTimeAlwaysTimeOut`.

use crate::registry::Known;

pub static POINT: Known =
    Known { name: "maxTimeNeverTimeOut", switch: |points| &points.max_time_never_time_out };
