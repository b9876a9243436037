//! `quireDisk`: writing to this node's disk is slow, or fails. MongoDB has no such point.
//!
//! | field of `data` | meaning |
//! |---|---|
//! | `target` | `log`: the replicated log, which is synced before a write is answered; `data`: what is applied from it |
//! | `action` | `delay`: each write takes `delayMS` longer; `fail`: the disk has failed; `full`: it has no space left, not even to find out what became of a write, so that writers wait until it has. A log that failed stays so until the node starts again; everything else ends with the point |
//! | `nth` | only each n-th write, counted from when the point was set |
//!
//! Entered by each write and flush that is struck.

use crate::fields::Fields;
use crate::point::Data;
use crate::registry::Known;
use quire_errors::{CommandError, Result};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub static POINT: Known = Known { name: "quireDisk", switch: |points| &points.quire_disk };

/// What becomes of which writes.
#[derive(Debug)]
pub struct Disk {
    pub fault: DiskFault,
    target: DiskTarget,
    nth: u64,
    writes: AtomicU64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskTarget {
    Log,
    Data,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    Delay(Duration),
    Fail,
    Full,
}

const TARGETS: &[(&str, DiskTarget)] = &[("log", DiskTarget::Log), ("data", DiskTarget::Data)];

#[derive(Clone, Copy)]
enum Action {
    Delay,
    Fail,
    Full,
}

const ACTIONS: &[(&str, Action)] =
    &[("delay", Action::Delay), ("fail", Action::Fail), ("full", Action::Full)];

impl Data for Disk {
    fn read(fields: &mut Fields<'_>) -> Result<Disk> {
        let delay = fields.millis("delayMS")?;
        let fault = match (fields.required_word("action", ACTIONS)?, delay) {
            (Action::Fail, None) => DiskFault::Fail,
            (Action::Full, None) => DiskFault::Full,
            (Action::Delay, Some(delay)) => DiskFault::Delay(delay),
            (Action::Delay, None) | (_, Some(_)) => {
                return Err(CommandError::bad_value(
                    "'delayMS' goes with the action 'delay', which needs it",
                ));
            }
        };
        let nth = match fields.whole_number("nth")?.map(u64::try_from) {
            None => 1,
            Some(Ok(nth)) if nth > 0 => nth,
            Some(_) => return Err(CommandError::bad_value("'nth' must be positive")),
        };
        let target = fields.required_word("target", TARGETS)?;
        Ok(Disk { fault, target, nth, writes: AtomicU64::new(0) })
    }
}

impl Disk {
    /// Counts a write, and tells whether it is struck.
    pub fn strikes(&self, target: DiskTarget) -> bool {
        if self.target != target {
            return false;
        }
        let before = self.writes.fetch_add(1, Ordering::Relaxed);
        before.wrapping_add(1).is_multiple_of(self.nth)
    }
}

#[cfg(test)]
mod tests {
    use super::{Disk, DiskTarget};
    use crate::fields::Fields;
    use crate::point::Data;
    use quire_bson::{DocBuf, Document, doc};

    fn read(data: Document) -> Option<Disk> {
        let data = DocBuf::from(&data);
        Disk::read(&mut Fields::new(data.as_raw())).ok()
    }

    #[test]
    fn each_nth_write_of_its_target_is_struck() {
        let disk = read(doc! { "target": "data", "action": "full", "nth": 3 }).unwrap();
        assert!(!disk.strikes(DiskTarget::Log));
        let struck = [(); 7].map(|()| disk.strikes(DiskTarget::Data));
        assert_eq!(struck, [false, false, true, false, false, true, false]);
        let always = read(doc! { "target": "log", "action": "delay", "delayMS": 1 }).unwrap();
        assert!([(); 3].iter().all(|()| always.strikes(DiskTarget::Log)));
    }

    #[test]
    fn data_that_is_not_whole_is_refused() {
        for data in [
            doc! { "target": "log" },
            doc! { "action": "fail" },
            doc! { "target": "log", "action": "delay" },
            doc! { "target": "log", "action": "fail", "delayMS": 1 },
            doc! { "target": "log", "action": "fail", "nth": 0 },
            doc! { "target": "tape", "action": "fail" },
        ] {
            assert!(read(data.clone()).is_none(), "{data}");
        }
    }
}
