//! Ranges of keys.
//!
//! Owns owned bounds and the arithmetic of prefixes. Encoded values are prefix-free, so "all keys
//! that start with these encoded values" is exactly "all entries with these values".

use std::ops::Bound;

/// A range of keys with owned bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    pub lower: Bound<Vec<u8>>,
    pub upper: Bound<Vec<u8>>,
}

impl Range {
    /// All keys.
    pub const ALL: Range = Range { lower: Bound::Unbounded, upper: Bound::Unbounded };

    /// All keys that start with `prefix`.
    pub fn of_prefix(prefix: &[u8]) -> Range {
        Range { lower: Bound::Included(prefix.to_vec()), upper: before(successor(prefix)) }
    }

    /// From the first key with prefix `first` to the last key with prefix `last`.
    pub fn of_prefixes(first: &[u8], last: &[u8]) -> Range {
        Range { lower: Bound::Included(first.to_vec()), upper: before(successor(last)) }
    }

    /// Drops the keys that start with `prefix` and all before them.
    #[must_use]
    pub fn after_prefix(mut self, prefix: &[u8]) -> Range {
        self.lower = match successor(prefix) {
            Some(next) => Bound::Included(next),
            // Nothing comes after a prefix without successor.
            None => return Range::empty(),
        };
        self
    }

    /// Drops the keys that start with `prefix` and all after them.
    #[must_use]
    pub fn before_prefix(mut self, prefix: &[u8]) -> Range {
        self.upper = Bound::Excluded(prefix.to_vec());
        self
    }

    /// A range without keys.
    pub fn empty() -> Range {
        Range { lower: Bound::Included(Vec::new()), upper: Bound::Excluded(Vec::new()) }
    }

    /// True when no key can be in the range.
    pub fn is_empty(&self) -> bool {
        match (&self.lower, &self.upper) {
            (Bound::Included(lower), Bound::Included(upper)) => lower > upper,
            (Bound::Included(lower), Bound::Excluded(upper))
            | (Bound::Excluded(lower), Bound::Included(upper)) => lower >= upper,
            (Bound::Excluded(lower), Bound::Excluded(upper)) => {
                // No key stands between a key and the same key with one zero byte more.
                lower >= upper
                    || (upper.len() == lower.len() + 1
                        && upper.starts_with(lower)
                        && upper.last() == Some(&0))
            }
            (Bound::Unbounded, Bound::Excluded(upper)) => upper.is_empty(),
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        }
    }

    pub fn contains(&self, key: &[u8]) -> bool {
        let above = match &self.lower {
            Bound::Included(lower) => key >= lower.as_slice(),
            Bound::Excluded(lower) => key > lower.as_slice(),
            Bound::Unbounded => true,
        };
        let below = match &self.upper {
            Bound::Included(upper) => key <= upper.as_slice(),
            Bound::Excluded(upper) => key < upper.as_slice(),
            Bound::Unbounded => true,
        };
        above && below
    }

    /// The bounds as the engine takes them.
    pub fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        let view = |bound| Bound::map(bound, Vec::as_slice);
        (view(self.lower.as_ref()), view(self.upper.as_ref()))
    }
}

/// The smallest byte string above every string that starts with `prefix`. `None` when there is
/// none: the prefix is empty or all `FF`.
pub fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != 0xFF)?;
    let mut next = prefix.get(..=last)?.to_vec();
    if let Some(byte) = next.last_mut() {
        *byte = byte.wrapping_add(1);
    }
    Some(next)
}

fn before(end: Option<Vec<u8>>) -> Bound<Vec<u8>> {
    end.map_or(Bound::Unbounded, Bound::Excluded)
}

#[cfg(test)]
mod tests {
    use super::{Range, successor};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::ops::Bound;

    #[test]
    fn the_successor_of_a_prefix_carries_over_bytes_that_cannot_grow() {
        assert_eq!(successor(b"ab"), Some(b"ac".to_vec()));
        assert_eq!(successor(&[1, 0xFF, 0xFF]), Some(vec![2]));
        assert_eq!(successor(&[0xFF, 0xFF]), None);
        assert_eq!(successor(&[]), None);
    }

    #[test]
    fn a_range_between_neighbouring_keys_is_empty() {
        let range = Range {
            lower: Bound::Excluded(b"a".to_vec()),
            upper: Bound::Excluded(b"a\0".to_vec()),
        };
        assert!(range.is_empty());
        assert!(Range::empty().is_empty());
        assert!(!Range::ALL.is_empty());
        assert!(!Range::of_prefix(b"a").is_empty());
    }

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        vec(prop_oneof![Just(0u8), Just(0xFF), Just(0xFE), any::<u8>()], 0..5)
    }

    proptest! {
        #[test]
        fn a_prefix_range_holds_exactly_the_keys_with_the_prefix(prefix in bytes(), key in bytes()) {
            prop_assert_eq!(Range::of_prefix(&prefix).contains(&key), key.starts_with(&prefix));
        }

        #[test]
        fn cutting_at_a_prefix_leaves_what_is_strictly_on_one_side(
            prefix in bytes(), key in bytes(),
        ) {
            let with = key.starts_with(&prefix);
            let after = Range::ALL.after_prefix(&prefix).contains(&key);
            let before = Range::ALL.before_prefix(&prefix).contains(&key);
            prop_assert_eq!(after, !with && key > prefix);
            prop_assert_eq!(before, !with && key < prefix);
        }
    }
}
