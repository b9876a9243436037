//! What write commands answer about statements that failed.

use crate::reply::append_write_error;
use quire_bson::DocBuilder;
use quire_errors::CommandError;

/// Bytes of errors that are told in full. Of those behind it only the codes are, so that the reply to
/// a large batch stays a legal document.
const FULL_BYTES_MAX: usize = 1 << 20;

/// Appends `writeErrors`, unless there are none.
pub fn append_write_errors(builder: &mut DocBuilder, errors: Vec<(usize, CommandError)>) {
    if errors.is_empty() {
        return;
    }
    builder.append_array("writeErrors", |list| {
        for (index, error) in errors {
            let error = if list.len() < FULL_BYTES_MAX {
                error
            } else {
                error.with_message("").with_extra(Vec::new())
            };
            list.push_with(|entry| append_write_error(entry, index, &error));
        }
    });
}
