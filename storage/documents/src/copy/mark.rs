//! The mark of a store whose state is not in use.

use crate::codec::{Malformed, Reader, Writer};
use crate::open::space;
use quire_engine::{Batch, EngineError, Read};
use quire_keys::{Key, KeySpace};
use quire_log::Completeness;

const ARRIVING: u8 = 1;
const ARRIVED: u8 = 2;

/// Puts the mark of this completeness into a batch; a whole state has none.
pub(super) fn put_mark(batch: &mut Batch, completeness: Completeness) {
    let (meta, key) = (space(KeySpace::Meta), Key::CopyMark.encode());
    let mark = match completeness {
        Completeness::Whole => return batch.delete(meta, &key),
        Completeness::Arrived => ARRIVED,
        Completeness::Partial => ARRIVING,
    };
    let mut out = Writer::default();
    out.u8(mark);
    batch.put(meta, &key, &out.finish());
}

/// What the store seen by `reader` says about itself.
pub(crate) fn read_mark(reader: &dyn Read) -> Result<Completeness, EngineError> {
    let Some(bytes) = reader.get(space(KeySpace::Meta), &Key::CopyMark.encode())? else {
        return Ok(Completeness::Whole);
    };
    let read = || {
        let mut input = Reader::new(&bytes);
        let mark = match input.u8()? {
            ARRIVING => Completeness::Partial,
            ARRIVED => Completeness::Arrived,
            other => return Err(Malformed::Tag(other)),
        };
        input.end().map(|()| mark)
    };
    read().map_err(|why| EngineError::Corruption(format!("the mark of a copy: {why}")))
}
