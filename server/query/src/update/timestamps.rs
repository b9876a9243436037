//! Empty timestamps, which the server fills in when a document is stored.
//!
//! `Timestamp(0, 0)` at the top level of an inserted or replacing document stands for the time of
//! the write. `_id` is left alone.

use crate::Constants;
use quire_bson::{DocBuf, DocBuilder, RawDoc, RawElement, RawValue};

/// The tag of a timestamp.
const TIMESTAMP: u8 = 0x11;

/// The time of the command as a timestamp.
pub(super) fn now(constants: &Constants) -> (u32, u32) {
    constants.cluster_time.unwrap_or_else(|| {
        let seconds = constants.now_millis.max(0) / 1000;
        (u32::try_from(seconds).unwrap_or(u32::MAX), 1)
    })
}

/// The document with its empty timestamps filled, or `None` when it has none.
pub fn fill_timestamps(doc: RawDoc<'_>, constants: &Constants) -> Option<DocBuf> {
    if !doc.iter().any(is_empty_timestamp) {
        return None;
    }
    let (time, first) = now(constants);
    let mut increment = first;
    let mut out = DocBuilder::in_buffer(Vec::with_capacity(doc.as_bytes().len()));
    for element in doc {
        if is_empty_timestamp(element) {
            out.append(element.key(), RawValue::Timestamp { time, increment });
            // Each gets a time of its own, as two ticks of the clock would give.
            increment = increment.saturating_add(1);
        } else {
            out.append_element(element);
        }
    }
    Some(out.finish())
}

/// Looks at the bytes: every field of every document that is stored comes by here.
fn is_empty_timestamp(element: RawElement<'_>) -> bool {
    element.tag() == TIMESTAMP && element.value_bytes() == [0; 8] && element.key_bytes() != b"_id"
}

#[cfg(test)]
mod tests {
    use super::*;
    use quire_bson::{Bson, Timestamp, doc};

    fn timestamp(time: u32, increment: u32) -> Bson {
        Bson::Timestamp(Timestamp { time, increment })
    }

    #[test]
    fn empty_timestamps_at_the_top_are_filled_and_others_stay() {
        let constants = Constants { cluster_time: Some((7, 3)), ..Constants::default() };
        let before = doc! {
            "_id": timestamp(0, 0), "a": timestamp(0, 0), "b": timestamp(0, 1),
            "c": timestamp(0, 0), "d": { "e": timestamp(0, 0) },
        };
        let after = fill_timestamps(DocBuf::from(&before).as_raw(), &constants).unwrap();
        let expected = doc! {
            "_id": timestamp(0, 0), "a": timestamp(7, 3), "b": timestamp(0, 1),
            "c": timestamp(7, 4), "d": { "e": timestamp(0, 0) },
        };
        assert_eq!(after.as_raw().to_document(), expected);
    }

    #[test]
    fn a_document_without_empty_timestamps_is_left_alone() {
        let doc = DocBuf::from(&doc! { "a": 1 });
        assert!(fill_timestamps(doc.as_raw(), &Constants::default()).is_none());
    }
}
