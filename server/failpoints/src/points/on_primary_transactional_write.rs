//! `onPrimaryTransactionalWrite`: a write that may be sent again fails around its commit.
//!
//! Entered once by each commit of a numbered command: by an insert command once, or more often if its
//! documents are so large that they are not committed together, and by each statement of an update or
//! delete that changes something.
//!
//! The specification of retryable writes has an insert command be one commit, of however many bytes;
//! PyMongo's test of split batches skips three commits to reach the fourth of four documents of 15 MB,
//! the first three of which travel in one command. Both hold with small documents together and large
//! ones alone, which is how MongoDB does it (it parts them at 256 KiB, and here at an entry of the log).

use crate::fields::Fields;
use crate::point::Data;
use crate::registry::Known;
use quire_errors::{Code, CommandError, Result};

pub static POINT: Known = Known {
    name: "onPrimaryTransactionalWrite",
    switch: |points| &points.on_primary_transactional_write,
};

/// What becomes of the write and of its answer.
#[derive(Debug)]
pub struct OnTransactionalWrite {
    /// No answer; what was written stays.
    pub close_connection: bool,
    before_commit: Option<Code>,
}

impl Data for OnTransactionalWrite {
    fn read(fields: &mut Fields<'_>) -> Result<OnTransactionalWrite> {
        let close_connection = fields.optional_flag("closeConnection")?.unwrap_or(true);
        let before_commit = super::code(fields, "failBeforeCommitExceptionCode")?;
        Ok(OnTransactionalWrite { close_connection, before_commit })
    }
}

impl OnTransactionalWrite {
    /// The error with which the write fails instead of being committed.
    pub fn error(&self, number: i64) -> Option<CommandError> {
        let code = self.before_commit?;
        Some(CommandError::new(
            code,
            format!(
                "Failing write of command {number} due to failpoint. The write must not be \
                 reflected."
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::OnTransactionalWrite;
    use crate::fields::Fields;
    use crate::point::Data;
    use quire_bson::{DocBuf, Document, doc};

    fn read(data: Document) -> Option<(bool, Option<i32>)> {
        let data = DocBuf::from(&data);
        let point = OnTransactionalWrite::read(&mut Fields::new(data.as_raw())).ok()?;
        Some((point.close_connection, point.error(1).map(|error| error.code().number())))
    }

    #[test]
    fn the_connection_is_closed_unless_the_data_says_otherwise() {
        let table = [
            (doc! {}, Some((true, None))),
            (doc! { "closeConnection": false }, Some((false, None))),
            (doc! { "failBeforeCommitExceptionCode": 91 }, Some((true, Some(91)))),
            (
                doc! { "failBeforeCommitExceptionCode": 1.0, "closeConnection": false },
                Some((false, Some(1))),
            ),
            (doc! { "failBeforeCommitExceptionCode": "x" }, None),
            (doc! { "closeConnection": 1 }, None),
        ];
        for (data, wanted) in table {
            assert_eq!(read(data.clone()), wanted, "{data}");
        }
    }
}
