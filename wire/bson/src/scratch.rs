//! A buffer in which one document after the other is made.
//!
//! Owns its memory for as long as documents are made in it; each is gone when the next one begins. For
//! loops over many documents that show each of them in another form.

use crate::{DocBuilder, RawDoc};

/// The buffer. Empty, it takes no memory.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    bytes: Vec<u8>,
}

impl Scratch {
    /// Makes a document in place of the last one.
    pub fn make(&mut self, fill: impl FnOnce(&mut DocBuilder)) -> RawDoc<'_> {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        let mut builder = DocBuilder::in_buffer(bytes);
        fill(&mut builder);
        self.bytes = builder.finish_buffer();
        RawDoc::from_validated(&self.bytes)
    }

    /// [`Scratch::make`] that hands on what `fill` fails with.
    pub fn try_make<E>(
        &mut self,
        fill: impl FnOnce(&mut DocBuilder) -> Result<(), E>,
    ) -> Result<RawDoc<'_>, E> {
        let mut filled = Ok(());
        let made = self.make(|builder| filled = fill(builder));
        filled.map(|()| made)
    }
}

#[cfg(test)]
mod tests {
    use super::Scratch;
    use crate::doc;

    #[test]
    fn each_document_takes_the_place_of_the_last_one() {
        let mut scratch = Scratch::default();
        for n in [300, 2] {
            let made = scratch.make(|builder| _ = builder.append_i32("n", n));
            assert_eq!(made.to_document(), doc! { "n": n });
        }
        let failed = scratch.try_make(|builder| {
            builder.append_str("half", "done");
            Err("no")
        });
        assert_eq!(failed, Err("no"));
        assert!(scratch.make(|_| ()).is_empty());
    }
}
