//! `quireElection`: this node stands for election, or does not, whatever the set's rules say. MongoDB
//! has no such point.
//!
//! | `action` | meaning |
//! |---|---|
//! | `forbid` | it never stands: not after a timeout, not when it is ordered or handed the lead. Who leads goes on. Entered with each look at whether it may |
//! | `force` | it stands whenever it follows somebody or nobody. Entered each time it stands |

use crate::fields::Fields;
use crate::point::Data;
use crate::registry::Known;
use quire_errors::Result;

pub static POINT: Known = Known { name: "quireElection", switch: |points| &points.quire_election };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Election {
    Forbid,
    Force,
}

const ACTIONS: &[(&str, Election)] = &[("forbid", Election::Forbid), ("force", Election::Force)];

impl Data for Election {
    fn read(fields: &mut Fields<'_>) -> Result<Election> {
        fields.required_word("action", ACTIONS)
    }
}
