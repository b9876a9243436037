//! The bytes of everything this crate writes besides keys: effects, catalogue records, positions.
//!
//! Owns one writer and one reader of the same few shapes, so that each format is only a sequence of
//! calls. Reading never trusts a length: it is compared with what is left before anything is
//! allocated, because effects may come from a peer.
//!
//! | shape | bytes |
//! |---|---|
//! | `u8` | 1 |
//! | `u32`, `u64`, `i64` | 4 or 8, little-endian |
//! | `len` | 1 to 5, seven bits each, lowest first |
//! | `bytes`, `text` | `len`, then as many |
//! | `doc` | a BSON document, which starts with its own length |

use crate::{CollectionId, IndexId, Namespace};
use quire_bson::validate::DEPTH_MAX;
use quire_bson::{DocBuf, Limits};
use quire_log::Timestamp;

/// Bytes that are not what their format says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("it ends in the middle")]
    Short,
    #[error("it goes on after its end")]
    Long,
    #[error("it has format {0}, which this version does not know")]
    Format(u8),
    #[error("it holds an unknown tag {0}")]
    Tag(u8),
    #[error("it holds a number out of range")]
    Number,
    #[error("it holds text that is not UTF-8")]
    Text,
    #[error("it holds a document that is not BSON")]
    Document,
    #[error("it holds a name that no collection can have")]
    Namespace,
    #[error("it holds an index specification without a usable name or key")]
    IndexSpec,
}

/// Appends shapes to a buffer.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn with_capacity(capacity: usize) -> Writer {
        Writer { bytes: Vec::with_capacity(capacity) }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn u8(&mut self, n: u8) {
        self.bytes.push(n);
    }

    pub(crate) fn flag(&mut self, flag: bool) {
        self.u8(u8::from(flag));
    }

    pub(crate) fn u32(&mut self, n: u32) {
        self.bytes.extend_from_slice(&n.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, n: u64) {
        self.bytes.extend_from_slice(&n.to_le_bytes());
    }

    pub(crate) fn i64(&mut self, n: i64) {
        self.bytes.extend_from_slice(&n.to_le_bytes());
    }

    /// Lengths are those of things in memory that fit into one entry, far below 4 GiB.
    pub(crate) fn len(&mut self, n: usize) {
        let mut rest = u32::try_from(n).unwrap_or(u32::MAX);
        while rest >= 0x80 {
            self.bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.bytes.push(rest as u8);
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.len(bytes.len());
        self.raw(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(crate) fn doc(&mut self, doc: &DocBuf) {
        self.raw(doc.as_bytes());
    }

    pub(crate) fn collection(&mut self, id: CollectionId) {
        self.u32(id.0);
    }

    pub(crate) fn index(&mut self, id: IndexId) {
        self.u32(id.0);
    }

    pub(crate) fn revision(&mut self, revision: Timestamp) {
        self.u64(revision.0);
    }

    pub(crate) fn namespace(&mut self, namespace: &Namespace) {
        self.text(namespace.database());
        self.text(namespace.collection());
    }
}

/// Takes shapes off the front of a slice.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    /// Checks that nothing is left.
    pub(crate) fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::Long) }
    }

    /// Everything that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(crate) fn raw(&mut self, n: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or(Malformed::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed::Short)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        let [n] = self.array::<1>()?;
        Ok(n)
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Malformed> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(Malformed::Tag(other)),
        }
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Malformed> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    pub(crate) fn len(&mut self) -> Result<usize, Malformed> {
        let mut n: u64 = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.u8()?;
            n |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                // a number has one encoding only, so that equal effects have equal bytes
                let padded = byte == 0 && shift > 0;
                let n = u32::try_from(n).map_err(|_| Malformed::Number)?;
                return if padded { Err(Malformed::Number) } else { Ok(n as usize) };
            }
        }
        Err(Malformed::Number)
    }

    /// The number of things that follow, each of which takes at least `least` bytes.
    pub(crate) fn count(&mut self, least: usize) -> Result<usize, Malformed> {
        let n = self.len()?;
        let enough = n.checked_mul(least).is_some_and(|needed| needed <= self.rest.len());
        if enough { Ok(n) } else { Err(Malformed::Short) }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let n = self.len()?;
        self.raw(n)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed::Text)
    }

    pub(crate) fn doc(&mut self) -> Result<DocBuf, Malformed> {
        let prefix = self.rest.first_chunk::<4>().ok_or(Malformed::Short)?;
        let len = usize::try_from(i32::from_le_bytes(*prefix)).map_err(|_| Malformed::Document)?;
        let bytes = self.raw(len)?;
        if !is_document(bytes) {
            return Err(Malformed::Document);
        }
        Ok(DocBuf::from_validated(bytes.to_vec()))
    }

    pub(crate) fn collection(&mut self) -> Result<CollectionId, Malformed> {
        self.u32().map(CollectionId)
    }

    pub(crate) fn index(&mut self) -> Result<IndexId, Malformed> {
        self.u32().map(IndexId)
    }

    pub(crate) fn revision(&mut self) -> Result<Timestamp, Malformed> {
        self.u64().map(Timestamp)
    }

    pub(crate) fn namespace(&mut self) -> Result<Namespace, Malformed> {
        let database = self.text()?;
        let collection = self.text()?;
        Namespace::new(database, collection).map_err(|_| Malformed::Namespace)
    }
}

/// What a document in the log or in the store may be at most. Wider than what a client may store, so
/// that a later version's limits cannot make an entry unreadable.
const STORED: Limits = Limits { bytes_max: 64 << 20, depth_max: DEPTH_MAX };

/// Whether bytes are one document. They may come from a peer or from a damaged disk.
pub(crate) fn is_document(bytes: &[u8]) -> bool {
    quire_bson::validate(bytes, STORED).is_ok()
}
