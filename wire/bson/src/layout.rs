//! Where an element's key and value end.
//!
//! Owns the byte layout of BSON elements for reading. Bytes that are none give `None`, never a panic.
//!
//! | type | value bytes after `tag key\0` |
//! |---|---|
//! | 0x01 double, 0x09 date, 0x11 timestamp, 0x12 int64 | 8 |
//! | 0x02 string, 0x0D code, 0x0E symbol | int32 length with NUL, bytes, NUL |
//! | 0x03 document, 0x04 array, 0x0F code with scope | int32 total length, ... |
//! | 0x05 binary | int32 length, subtype, bytes |
//! | 0x06 undefined, 0x0A null, 0x7F max key, 0xFF min key | none |
//! | 0x07 object id | 12 |
//! | 0x08 boolean | 1 |
//! | 0x0B regex | two NUL-terminated strings |
//! | 0x0C db pointer | string, 12 |
//! | 0x10 int32 | 4 |
//! | 0x13 decimal128 | 16 |

/// True when the length prefix and the final NUL fit the slice.
#[inline]
pub(crate) fn is_framed(bytes: &[u8]) -> bool {
    bytes.len() >= 5
        && i32_at(bytes, 0).is_some_and(|n| usize::try_from(n) == Ok(bytes.len()))
        && bytes.last() == Some(&0)
}

/// The first eight bytes of a key as one word, with zeros behind a shorter one. Words tell nearly all
/// keys of a document apart, at the price of one comparison.
#[inline]
pub fn key_word(key: &[u8]) -> u64 {
    match key.first_chunk::<8>() {
        Some(first) => u64::from_le_bytes(*first),
        None => key.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// Whether the word is all of its key, because a zero ends it.
#[inline]
pub(crate) fn is_whole_key(word: u64) -> bool {
    word < 1 << 56
}

/// The length of the key that starts `bytes` and ends with a NUL, and its word.
#[inline]
pub(crate) fn key_at(bytes: &[u8]) -> Option<(usize, u64)> {
    let word = key_word(bytes);
    match first_nul(word) {
        Some(at) if at < bytes.len() => Some((at, word & !(u64::MAX << (8 * at)))),
        Some(_) => None,
        None => Some((8 + memchr_nul(bytes.get(8..)?)?, word)),
    }
}

/// Which byte of a word, counted from its low end, is the first that is zero.
#[inline]
fn first_nul(word: u64) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xFF;
    // A byte's high bit is set by the subtraction and was not set before where the byte is zero, and
    // perhaps where a zero below lent from it.
    let marks = word.wrapping_sub(ONES) & !word & (ONES << 7);
    (marks != 0).then(|| (marks.trailing_zeros() / 8) as usize)
}

/// The position of the first NUL.
#[inline]
pub(crate) fn memchr_nul(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    for (n, word) in words.iter().enumerate() {
        if let Some(at) = first_nul(u64::from_le_bytes(*word)) {
            return Some(8 * n + at);
        }
    }
    rest.iter().position(|&b| b == 0).map(|at| 8 * words.len() + at)
}

/// A little-endian int32 at `at`.
#[inline]
pub(crate) fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(i32::from_le_bytes(four.try_into().ok()?))
}

/// The length of a value of type `tag` that starts `body`; `None` when it cannot be told.
#[inline]
pub(crate) fn value_length(tag: u8, body: &[u8]) -> Option<usize> {
    match LENGTHS[usize::from(tag)] {
        Length::Fixed(length) => Some(usize::from(length)),
        Length::Prefixed(beside) => {
            usize::try_from(i32_at(body, 0)?).ok()?.checked_add(usize::from(beside))
        }
        Length::TwoTexts => {
            let pattern = memchr_nul(body)?;
            let options = memchr_nul(body.get(pattern + 1..)?)?;
            Some(pattern + options + 2)
        }
        Length::Unknown => None,
    }
}

/// How the length of a value is told.
#[derive(Clone, Copy)]
enum Length {
    Fixed(u8),
    /// By an int32 in front, which does not count so many bytes.
    Prefixed(u8),
    TwoTexts,
    Unknown,
}

/// By type tag: a look at a table, where a `match` would be a jump that depends on the document.
static LENGTHS: [Length; 256] = {
    let mut lengths = [Length::Unknown; 256];
    lengths[0x01] = Length::Fixed(8);
    lengths[0x02] = Length::Prefixed(4);
    lengths[0x03] = Length::Prefixed(0);
    lengths[0x04] = Length::Prefixed(0);
    lengths[0x05] = Length::Prefixed(5);
    lengths[0x06] = Length::Fixed(0);
    lengths[0x07] = Length::Fixed(12);
    lengths[0x08] = Length::Fixed(1);
    lengths[0x09] = Length::Fixed(8);
    lengths[0x0A] = Length::Fixed(0);
    lengths[0x0B] = Length::TwoTexts;
    lengths[0x0C] = Length::Prefixed(16);
    lengths[0x0D] = Length::Prefixed(4);
    lengths[0x0E] = Length::Prefixed(4);
    lengths[0x0F] = Length::Prefixed(0);
    lengths[0x10] = Length::Fixed(4);
    lengths[0x11] = Length::Fixed(8);
    lengths[0x12] = Length::Fixed(8);
    lengths[0x13] = Length::Fixed(16);
    lengths[0x7F] = Length::Fixed(0);
    lengths[0xFF] = Length::Fixed(0);
    lengths
};

#[cfg(test)]
mod tests {
    use super::{first_nul, key_at, key_word, memchr_nul};
    use crate::{DocBuf, DocBuilder};
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        vec(prop_oneof![Just(0u8), Just(1), Just(0x80), Just(0xFF), any::<u8>()], 0..24)
    }

    proptest! {
        #[test]
        fn the_end_of_a_key_is_its_first_nul(bytes in bytes()) {
            let end = bytes.iter().position(|byte| *byte == 0);
            prop_assert_eq!(memchr_nul(&bytes), end);
            let key = end.map(|end| (end, key_word(&bytes[..end])));
            prop_assert_eq!(key_at(&bytes), key);
        }

        #[test]
        fn a_word_tells_its_first_zero(word in any::<u64>(), mask in any::<u8>()) {
            let zeroed = (0..8).filter(|byte| mask >> byte & 1 == 1);
            let word = zeroed.fold(word, |word, byte| word & !(0xFF << (8 * byte)));
            let first = word.to_le_bytes().iter().position(|byte| *byte == 0);
            prop_assert_eq!(first_nul(word), first);
        }
    }

    #[test]
    fn keys_that_begin_alike_are_told_apart() {
        let keys = ["", "a", "price", "prices", "quantity", "quantity1", "quantity2", "quantity12"];
        let mut builder = DocBuilder::new();
        for (n, key) in (0..).zip(keys) {
            builder.append_i32(key, n);
        }
        let doc: DocBuf = builder.finish();
        for (n, key) in (0..).zip(keys) {
            let found = doc.as_raw().get(key).map(|value| value.to_bson());
            assert_eq!(found, Some(crate::Bson::Int32(n)), "{key}");
        }
        for missing in ["b", "pric", "quantit", "quantity3", "quantity123"] {
            assert!(doc.as_raw().get(missing).is_none(), "{missing}");
        }
    }
}
