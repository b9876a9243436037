//! How many documents a collection has and how many bytes they take.
//!
//! Kept beside the rows and written in the same batch, so they are exact in every snapshot.

use crate::codec::{Malformed, Reader, Writer};

const FORMAT: u8 = 1;

/// The size of one collection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub documents: u64,
    /// The bytes of the documents alone, as `collStats` shows in `size`.
    pub bytes: u64,
}

impl Counts {
    /// Saturates: apply must not stop over a count, and `validate` finds a wrong one.
    pub(crate) fn add(&mut self, doc_bytes: usize) {
        self.documents = self.documents.saturating_add(1);
        self.bytes = self.bytes.saturating_add(doc_bytes as u64);
    }

    pub(crate) fn subtract(&mut self, doc_bytes: usize) {
        self.documents = self.documents.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(doc_bytes as u64);
    }

    pub(crate) fn encode(self) -> Vec<u8> {
        let mut out = Writer::with_capacity(17);
        out.u8(FORMAT);
        out.u64(self.documents);
        out.u64(self.bytes);
        out.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Counts, Malformed> {
        let mut input = Reader::new(bytes);
        let format = input.u8()?;
        if format != FORMAT {
            return Err(Malformed::Format(format));
        }
        let counts = Counts { documents: input.u64()?, bytes: input.u64()? };
        input.end()?;
        Ok(counts)
    }
}
