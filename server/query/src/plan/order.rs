//! Whether a scan gives documents in the order that a sort asks for.

use super::description::FieldOrder;

/// One field of the order that a scan visits its keys in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyField<'a> {
    pub(crate) path: &'a str,
    pub(crate) order: FieldOrder,
    /// All keys that lead to matching documents have one value here.
    pub(crate) fixed: bool,
    /// The value in the key is the value that a document sorts by: no array is on the path.
    pub(crate) sorts: bool,
    /// No two documents share a value.
    pub(crate) unique: bool,
}

/// The direction of a scan that gives the sort's order: `Some(true)` is backwards.
pub(crate) fn direction(keys: &[KeyField<'_>], sort: &[(String, i32)]) -> Option<bool> {
    let mut keys_left = keys.iter();
    let mut backwards: Option<bool> = None;
    for (path, wanted) in sort {
        if keys.iter().any(|key| key.path == path && key.fixed && key.sorts) {
            continue;
        }
        let key = keys_left.find(|key| !key.fixed)?;
        let ascending = match key.order {
            FieldOrder::Ascending => true,
            FieldOrder::Descending => false,
            FieldOrder::Hashed | FieldOrder::Special => return None,
        };
        if key.path != path || !key.sorts {
            return None;
        }
        let against = ascending != (*wanted > 0);
        if *backwards.get_or_insert(against) != against {
            return None;
        }
        if key.unique {
            break;
        }
    }
    Some(backwards.unwrap_or(false))
}
