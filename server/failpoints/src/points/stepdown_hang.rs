//! `stepdownHangBeforePerformingPostMemberStateUpdateActions`: `replSetStepDown` does not come to its
//! end until the point is off.
//!
//! By then the member has handed over and refuses writes on connections that stay open. When the
//! point is switched off, all connections of clients are closed, that of the order included.

use crate::registry::Known;

pub static POINT: Known = Known {
    name: "stepdownHangBeforePerformingPostMemberStateUpdateActions",
    switch: |points| &points.stepdown_hang,
};
