//! A byte that changes by itself: it is noticed, or it is none of the log's.

use super::{MemoryFiles, Model, entry, hard_state, open};
use crate::LogStore;
use std::sync::Arc;

/// A log whose entries end in zeros, and hold whole sectors of them.
fn filled() -> (Arc<MemoryFiles>, Model) {
    let files = Arc::new(MemoryFiles::default());
    let log = open(&files).unwrap();
    for index in 1..=12 {
        let mut entry = entry(index, 1, 700);
        entry.payload.extend([0; 600]);
        log.append(&[entry], Some(hard_state(1, index - 1))).unwrap();
    }
    let model = Model::of(&log);
    drop(log);
    (files, model)
}

#[test]
fn no_flipped_bit_changes_what_the_log_says() {
    let (files, model) = filled();
    for (number, content) in files.contents() {
        for offset in (0..content.len()).step_by(7) {
            let copy = Arc::new(files.copy());
            copy.change(number, offset, |byte| *byte ^= 1 << (offset % 8));
            let Ok(log) = open(&copy) else { continue };
            let Ok(read) = log.read(log.first_index().0..=u64::MAX, usize::MAX) else { continue };
            assert_eq!(read, model.entries, "byte {offset} of segment {number}");
            assert_eq!(log.hard_state(), model.hard_state, "byte {offset} of segment {number}");
        }
    }
}

#[test]
fn the_last_append_is_not_given_up_because_a_bit_of_it_flipped() {
    let (files, _) = filled();
    // The last frame is the last thing that is not zeros.
    let (number, content) = files.contents().pop().unwrap();
    let (number, offset) = match content.iter().rposition(|byte| *byte != 0) {
        Some(offset) => (number, offset),
        None => panic!("the newest segment was never begun"),
    };
    files.change(number, offset, |byte| *byte ^= 4);
    assert!(open(&files).is_err());
}
