//! Every key that the data store writes, in one enum.
//!
//! Owns the map below. No other module composes or takes apart a key of these spaces. Ids are
//! big-endian so that what belongs to one collection or index is one contiguous range.
//!
//! | space | key | value |
//! |---|---|---|
//! | 0 meta | `00` | format version of the store |
//! | 0 meta | `01` | position of the last applied log entry |
//! | 0 meta | `02` | counters that give out collection and index ids |
//! | 0 meta | `03` | payload of the last applied configuration entry |
//! | 0 meta | `04` | how far a copy of the state has come; there only while it is not in use |
//! | 0 meta | `10` collection u32 | catalogue record of the collection |
//! | 0 meta | `11` collection u32 | document and byte counts of the collection |
//! | 1 rows | collection u32, row key | row |
//! | 2 index | index u32, encoded fields, row key | index entry |
//! | 3 sessions | session, 48 bytes | header of the session's record |
//! | 3 sessions | session, 48 bytes, number u32 | a further part of that record |
//!
//! A row key is what [`crate::encode_value`] gives for the document's `_id`, or eight bytes in a
//! collection whose rows keep their order of arrival. It always stands last, so it needs no end.

use crate::Range;

/// The key spaces, which are the engine's column families, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySpace {
    Meta,
    Rows,
    Index,
    Sessions,
}

impl KeySpace {
    pub const ALL: [KeySpace; 4] =
        [KeySpace::Meta, KeySpace::Rows, KeySpace::Index, KeySpace::Sessions];

    /// The place of the space in the list the engine is opened with.
    pub const fn number(self) -> u8 {
        match self {
            KeySpace::Meta => 0,
            KeySpace::Rows => 1,
            KeySpace::Index => 2,
            KeySpace::Sessions => 3,
        }
    }

    /// The name the engine stores the space under.
    pub const fn name(self) -> &'static str {
        match self {
            KeySpace::Meta => "meta",
            KeySpace::Rows => "rows",
            KeySpace::Index => "index",
            KeySpace::Sessions => "sessions",
        }
    }
}

const FORMAT_VERSION: u8 = 0x00;
const APPLIED: u8 = 0x01;
const COUNTERS: u8 = 0x02;
const CONFIGURATION: u8 = 0x03;
const COPY_MARK: u8 = 0x04;
const HOLLOW: u8 = 0x05;
const COLLECTION: u8 = 0x10;
const COUNTS: u8 = 0x11;

/// What names a session: its UUID of 16 bytes, and the digest of its user of 32.
pub const SESSION_BYTES: usize = 48;

/// A key of the data store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key<'a> {
    FormatVersion,
    Applied,
    Counters,
    Configuration,
    CopyMark,
    /// There while effects were left out of the store.
    Hollow,
    Collection {
        collection: u32,
    },
    Counts {
        collection: u32,
    },
    Row {
        collection: u32,
        row_key: &'a [u8],
    },
    /// `entry` is the encoded fields followed by the row key.
    Index {
        index: u32,
        entry: &'a [u8],
    },
    Session {
        session: &'a [u8; SESSION_BYTES],
    },
    SessionPart {
        session: &'a [u8; SESSION_BYTES],
        part: u32,
    },
}

impl<'a> Key<'a> {
    /// The space the key lives in.
    pub const fn space(&self) -> KeySpace {
        match self {
            Key::FormatVersion
            | Key::Applied
            | Key::Counters
            | Key::Configuration
            | Key::CopyMark
            | Key::Hollow
            | Key::Collection { .. }
            | Key::Counts { .. } => KeySpace::Meta,
            Key::Row { .. } => KeySpace::Rows,
            Key::Index { .. } => KeySpace::Index,
            Key::Session { .. } | Key::SessionPart { .. } => KeySpace::Sessions,
        }
    }

    /// The key's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }

    /// Appends the key's bytes, for callers that keep a buffer.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        match *self {
            Key::FormatVersion => out.push(FORMAT_VERSION),
            Key::Applied => out.push(APPLIED),
            Key::Counters => out.push(COUNTERS),
            Key::Configuration => out.push(CONFIGURATION),
            Key::CopyMark => out.push(COPY_MARK),
            Key::Hollow => out.push(HOLLOW),
            Key::Collection { collection } => tagged(out, COLLECTION, collection),
            Key::Counts { collection } => tagged(out, COUNTS, collection),
            Key::Row { collection: id, row_key: rest } | Key::Index { index: id, entry: rest } => {
                out.reserve(4 + rest.len());
                out.extend_from_slice(&id.to_be_bytes());
                out.extend_from_slice(rest);
            }
            Key::Session { session } => out.extend_from_slice(session),
            Key::SessionPart { session, part } => {
                out.extend_from_slice(session);
                out.extend_from_slice(&part.to_be_bytes());
            }
        }
    }

    /// Takes a key found in `space` apart; `None` for bytes that no key has.
    pub fn decode(space: KeySpace, bytes: &'a [u8]) -> Option<Key<'a>> {
        match space {
            KeySpace::Meta => decode_meta(bytes),
            KeySpace::Rows => {
                let (collection, row_key) = split_id(bytes)?;
                Some(Key::Row { collection, row_key })
            }
            KeySpace::Index => {
                let (index, entry) = split_id(bytes)?;
                Some(Key::Index { index, entry })
            }
            KeySpace::Sessions => decode_session(bytes),
        }
    }

    /// The keys of all catalogue records.
    pub fn all_collections() -> Range {
        Range::of_prefix(&[COLLECTION])
    }

    /// The keys of all collections' counts.
    pub fn all_counts() -> Range {
        Range::of_prefix(&[COUNTS])
    }

    /// The key of a session's header and those of all further parts of its record.
    pub fn record_of(session: &[u8; SESSION_BYTES]) -> Range {
        Range::of_prefix(session)
    }

    /// The keys of all rows of a collection.
    pub fn rows_of(collection: u32) -> Range {
        Range::of_prefix(&collection.to_be_bytes())
    }

    /// The keys of all entries of an index.
    pub fn entries_of(index: u32) -> Range {
        Range::of_prefix(&index.to_be_bytes())
    }
}

fn tagged(out: &mut Vec<u8>, tag: u8, id: u32) {
    out.push(tag);
    out.extend_from_slice(&id.to_be_bytes());
}

fn split_id(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (id, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*id), rest))
}

fn decode_session(bytes: &[u8]) -> Option<Key<'_>> {
    let (session, rest) = bytes.split_first_chunk::<SESSION_BYTES>()?;
    match rest {
        [] => Some(Key::Session { session }),
        _ => {
            let part = rest.try_into().ok().map(u32::from_be_bytes)?;
            Some(Key::SessionPart { session, part })
        }
    }
}

fn decode_meta(bytes: &[u8]) -> Option<Key<'static>> {
    let (&tag, rest) = bytes.split_first()?;
    let id = || rest.try_into().ok().map(u32::from_be_bytes);
    match tag {
        FORMAT_VERSION if rest.is_empty() => Some(Key::FormatVersion),
        APPLIED if rest.is_empty() => Some(Key::Applied),
        COUNTERS if rest.is_empty() => Some(Key::Counters),
        CONFIGURATION if rest.is_empty() => Some(Key::Configuration),
        COPY_MARK if rest.is_empty() => Some(Key::CopyMark),
        HOLLOW if rest.is_empty() => Some(Key::Hollow),
        COLLECTION => Some(Key::Collection { collection: id()? }),
        COUNTS => Some(Key::Counts { collection: id()? }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, KeySpace, SESSION_BYTES};

    #[test]
    fn keys_have_exactly_the_bytes_of_the_map() {
        let part = [&[7; SESSION_BYTES][..], &[0, 0, 1, 2]].concat();
        let cases: [(Key<'_>, u8, &[u8]); 12] = [
            (Key::FormatVersion, 0, &[0x00]),
            (Key::Applied, 0, &[0x01]),
            (Key::Counters, 0, &[0x02]),
            (Key::Configuration, 0, &[0x03]),
            (Key::CopyMark, 0, &[0x04]),
            (Key::Hollow, 0, &[0x05]),
            (Key::Collection { collection: 0x0102 }, 0, &[0x10, 0, 0, 1, 2]),
            (Key::Counts { collection: 7 }, 0, &[0x11, 0, 0, 0, 7]),
            (Key::Row { collection: 7, row_key: b"id" }, 1, &[0, 0, 0, 7, b'i', b'd']),
            (Key::Index { index: 8, entry: b"ab" }, 2, &[0, 0, 0, 8, b'a', b'b']),
            (Key::Session { session: &[7; SESSION_BYTES] }, 3, &[7; SESSION_BYTES]),
            (Key::SessionPart { session: &[7; SESSION_BYTES], part: 0x0102 }, 3, &part),
        ];
        for (key, space, bytes) in cases {
            assert_eq!(key.space().number(), space, "{key:?}");
            assert_eq!(key.encode(), bytes, "{key:?}");
            assert_eq!(Key::decode(key.space(), bytes), Some(key));
        }
    }

    #[test]
    fn bytes_that_no_key_has_are_not_taken_for_one() {
        for (space, bytes) in [
            (KeySpace::Meta, &[][..]),
            (KeySpace::Meta, &[0x7F]),
            (KeySpace::Meta, &[0x00, 0x00]),
            (KeySpace::Meta, &[0x10, 0, 0, 0]),
            (KeySpace::Meta, &[0x10, 0, 0, 0, 0, 0]),
            (KeySpace::Rows, &[0, 0, 1]),
            (KeySpace::Index, &[]),
            (KeySpace::Sessions, &[0; SESSION_BYTES - 1]),
            (KeySpace::Sessions, &[0; SESSION_BYTES + 3]),
            (KeySpace::Sessions, &[0; SESSION_BYTES + 5]),
        ] {
            assert_eq!(Key::decode(space, bytes), None, "{space:?} {bytes:?}");
        }
    }

    #[test]
    fn the_range_of_a_collection_holds_its_rows_and_no_others() {
        let range = Key::rows_of(7);
        let row = |collection, row_key| Key::Row { collection, row_key }.encode();
        assert!(range.contains(&row(7, b"")));
        assert!(range.contains(&row(7, &[0xFF; 9])));
        assert!(!range.contains(&row(8, b"")));
        assert!(!range.contains(&row(6, &[0xFF; 9])));
        assert!(Key::entries_of(u32::MAX).contains(&[0xFF; 12]));
    }

    #[test]
    fn the_record_of_a_session_is_its_header_and_its_parts() {
        let session = [7; SESSION_BYTES];
        let range = Key::record_of(&session);
        assert!(range.contains(&Key::Session { session: &session }.encode()));
        assert!(range.contains(&Key::SessionPart { session: &session, part: u32::MAX }.encode()));
        assert!(!range.contains(&Key::Session { session: &[8; SESSION_BYTES] }.encode()));
    }

    #[test]
    fn the_number_of_a_space_is_its_place_in_the_list() {
        for (place, space) in KeySpace::ALL.iter().enumerate() {
            assert_eq!(usize::from(space.number()), place);
        }
    }
}
