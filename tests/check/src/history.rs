//! What clients did and saw, and how it is cut into independent parts.
//!
//! Owns the record of one operation. Times are whole numbers of any one clock that all clients share.

use std::collections::BTreeMap;

/// One operation of one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation<A> {
    /// Who did it; only for people who read a report.
    pub client: u32,
    pub called: u64,
    /// When the answer came; `None` when the outcome is unknown.
    pub returned: Option<u64>,
    /// What was asked, with what was answered.
    pub action: A,
}

impl<A> Operation<A> {
    /// An operation that was answered.
    pub fn answered(client: u32, called: u64, returned: u64, action: A) -> Operation<A> {
        Operation { client, called, returned: Some(returned.max(called)), action }
    }

    /// An operation that may take effect at any time after its call, or never.
    pub fn unknown(client: u32, called: u64, action: A) -> Operation<A> {
        Operation { client, called, returned: None, action }
    }
}

/// Cuts a history by key. A history of independent keys is linearizable exactly when each key's own
/// part is, and the parts are checked in a fraction of the time.
pub fn by_key<K: Ord, A>(
    operations: impl IntoIterator<Item = (K, Operation<A>)>,
) -> BTreeMap<K, Vec<Operation<A>>> {
    let mut parts: BTreeMap<K, Vec<Operation<A>>> = BTreeMap::new();
    for (key, operation) in operations {
        parts.entry(key).or_default().push(operation);
    }
    parts
}
