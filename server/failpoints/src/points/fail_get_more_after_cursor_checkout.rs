//! `failGetMoreAfterCursorCheckout`: a `getMore` fails when it has found its cursor.

use crate::fields::Fields;
use crate::point::Data;
use crate::registry::Known;
use crate::requests::{Request, Requests};
use quire_errors::{Code, CommandError, Result};

pub static POINT: Known = Known {
    name: "failGetMoreAfterCursorCheckout",
    switch: |points| &points.fail_get_more_after_cursor_checkout,
};

/// What becomes of which `getMore`.
#[derive(Debug)]
pub struct FailGetMore {
    requests: Requests,
    /// No answer at all.
    pub close_connection: bool,
    code: Code,
}

impl Data for FailGetMore {
    fn read(fields: &mut Fields<'_>) -> Result<FailGetMore> {
        let requests = Requests::read(fields)?;
        let close_connection = fields.flag("closeConnection")?;
        let code = super::error_code(fields)?.unwrap_or(Code::InternalError);
        Ok(FailGetMore { requests, close_connection, code })
    }
}

impl FailGetMore {
    pub fn concerns(&self, request: &Request<'_>) -> bool {
        self.requests.include(request)
    }

    pub fn error(&self) -> CommandError {
        CommandError::new(self.code, "Hit the 'failGetMoreAfterCursorCheckout' failpoint")
    }
}
