//! `stopReplProducer`: this node takes no entries from the leader while the point is on.
//!
//! It still hears that there is a leader, so nobody is elected; writes that want this node's
//! acknowledgement do not get it. Entered with each message of entries that is ignored.

use crate::registry::Known;

pub static POINT: Known =
    Known { name: "stopReplProducer", switch: |points| &points.stop_repl_producer };
