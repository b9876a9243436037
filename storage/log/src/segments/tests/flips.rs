//! Bytes that change by themselves: it is noticed, or they are none of the log's.

use super::{MemoryFiles, Model, entry, hard_state, open};
use crate::{LogError, LogStore};
use std::sync::Arc;

const SECTOR: usize = 512;

/// A log whose entries end in zeros, and hold whole sectors of them, some with a single bit; the
/// newest segment also has so many small ones.
fn filled(small: u64) -> (Arc<MemoryFiles>, Model) {
    let files = Arc::new(MemoryFiles::default());
    let log = open(&files).unwrap();
    for index in 1..=12 + small {
        let mut entry = entry(index, 1, 300);
        if index <= 12 {
            let mut payload = [&entry.payload[..], &[0; 1_500]].concat();
            payload[1_100] = 1;
            payload[1_799] = 16;
            entry.payload = payload.into();
        }
        log.append(&[entry], Some(hard_state(1, index - 1))).unwrap();
    }
    let model = Model::of(&log);
    drop(log);
    (files, model)
}

/// Opens and reads everything: the same as before, or an error.
fn is_refused(files: MemoryFiles, model: &Model, what: &str) -> bool {
    let Ok(log) = open(&Arc::new(files)) else { return true };
    let Ok(read) = log.read(log.first_index().0..=u64::MAX, usize::MAX) else { return true };
    assert!(read == model.entries, "{what} ends the log with {:?}", read.last().map(|e| e.index));
    assert_eq!(log.hard_state(), model.hard_state, "{what}");
    false
}

#[test]
fn no_flipped_bit_changes_what_the_log_says() {
    let (files, model) = filled(5);
    for (number, content) in files.contents() {
        for offset in (0..content.len()).step_by(5) {
            let copy = files.copy();
            copy.change(number, offset, |byte| *byte ^= 1 << (offset % 8));
            is_refused(copy, &model, &format!("byte {offset} of segment {number}"));
        }
    }
}

#[test]
fn the_last_append_is_not_given_up_because_any_bit_of_it_flipped() {
    let (files, model) = filled(0);
    let (number, content) = files.contents().pop().unwrap();
    let end = content.iter().rposition(|byte| *byte != 0).unwrap();
    for offset in end - 1_900..=end {
        for bit in 0..8 {
            let copy = files.copy();
            copy.change(number, offset, |byte| *byte ^= 1 << bit);
            is_refused(copy, &model, &format!("bit {bit} of byte {offset}"));
        }
    }
    // Not of what fills the frame up.
    files.change(number, end - 128, |byte| *byte ^= 4);
    let Err(LogError::Corruption(told)) = open(&files) else { panic!("opened") };
    assert!(told.contains(&format!("{number:016}.segment")), "the file is not named: {told}");
}

#[test]
fn a_sector_that_lost_its_content_is_not_the_end_while_something_follows() {
    let (files, model) = filled(5);
    let mut last = 0;
    for (number, content) in files.contents() {
        for sector in 0..content.len() / SECTOR {
            let range = sector * SECTOR..(sector + 1) * SECTOR;
            if content[range.clone()].iter().all(|byte| *byte == 0) {
                continue;
            }
            let copy = files.copy();
            copy.change_all(number, |content| content[range.clone()].fill(0));
            // Of the last frame alone nobody can say whether it was acknowledged.
            let read = open(&Arc::new(copy)).and_then(|log| log.read(1..=u64::MAX, usize::MAX));
            match read {
                Ok(read) => {
                    let kept = read.len() as u64;
                    assert!(kept + 1 >= model.last().0, "{kept}: sector {sector} of {number}");
                    last += 1;
                }
                Err(error) => assert!(matches!(error, LogError::Corruption(_)), "{error}"),
            }
        }
    }
    assert!((1..=5).contains(&last), "{last}");
}

#[test]
fn a_file_that_was_cut_short_is_not_the_end() {
    let (files, _) = filled(5);
    for (number, content) in files.contents() {
        for bytes in (SECTOR..content.len()).step_by(128) {
            let copy = files.copy();
            copy.truncate(number, bytes);
            let opened = open(&Arc::new(copy));
            assert!(opened.is_err(), "segment {number} cut to {bytes}");
        }
    }
}
