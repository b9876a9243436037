//! `rsSyncApplyStop`: this node takes entries and has them on disk, and applies none while the point
//! is on, unless it leads.
//!
//! Reads here stand still at what was applied before. Entered each time that applying is put off.

use crate::registry::Known;

pub static POINT: Known =
    Known { name: "rsSyncApplyStop", switch: |points| &points.rs_sync_apply_stop };
