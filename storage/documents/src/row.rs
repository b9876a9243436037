//! The value of a row.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | format, now always 1 |
//! | 8 | revision: the leader's time of the effect that wrote it, little-endian |
//! | rest | the document |

use quire_bson::RawDoc;
use quire_log::Timestamp;

const FORMAT: u8 = 1;
const HEADER_BYTES: usize = 9;

/// A row as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Changes with every write of the row, and is the same on every node.
    pub revision: Timestamp,
    pub doc: RawDoc<'a>,
}

impl<'a> Row<'a> {
    /// Appends the row's bytes.
    pub(crate) fn encode_into(&self, out: &mut Vec<u8>) {
        let doc = self.doc.as_bytes();
        out.reserve(HEADER_BYTES + doc.len());
        out.push(FORMAT);
        out.extend_from_slice(&self.revision.0.to_le_bytes());
        out.extend_from_slice(doc);
    }

    /// Reads a row; `None` for bytes that are not one.
    pub(crate) fn decode(bytes: &'a [u8]) -> Option<Row<'a>> {
        let (&format, rest) = bytes.split_first()?;
        let (revision, doc) = rest.split_first_chunk::<8>()?;
        let parsed = RawDoc::from_validated(doc);
        // bytes without the frame of a document are seen as the empty one, which is elsewhere
        let whole = format == FORMAT && std::ptr::eq(parsed.as_bytes(), doc);
        whole.then_some(Row { revision: Timestamp(u64::from_le_bytes(*revision)), doc: parsed })
    }
}

#[cfg(test)]
mod tests {
    use super::Row;
    use quire_bson::{DocBuf, doc};
    use quire_log::Timestamp;

    #[test]
    fn a_row_comes_back_as_it_was_written() {
        let doc = DocBuf::from(&doc! { "_id": 1, "a": "b" });
        let row = Row { revision: Timestamp::new(7, 3), doc: doc.as_raw() };
        let mut bytes = Vec::new();
        row.encode_into(&mut bytes);
        assert_eq!(Row::decode(&bytes), Some(row));
    }

    #[test]
    fn cut_or_foreign_bytes_are_not_a_row() {
        let doc = DocBuf::from(&doc! { "_id": 1 });
        let mut bytes = Vec::new();
        Row { revision: Timestamp(1), doc: doc.as_raw() }.encode_into(&mut bytes);
        for end in 0..bytes.len() {
            assert_eq!(Row::decode(&bytes[..end]), None, "cut at {end}");
        }
        bytes[0] = 2;
        assert_eq!(Row::decode(&bytes), None);
    }
}
