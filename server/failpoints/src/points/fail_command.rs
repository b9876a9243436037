//! `failCommand`: what becomes of a request before, or instead of, its command.
//!
//! | field of `data` | meaning |
//! |---|---|
//! | `failCommands`, `failAllCommands` | which commands, by any of their names; ones that are not here are allowed |
//! | `appName` `namespace` `threadName` `failInternalCommands` | which requests of them |
//! | `blockConnection` `blockTimeMS` | wait first |
//! | `closeConnection` | then hang up; or else |
//! | `errorCode` `errorExtraInfo` | fail; or else |
//! | `tassert` | the failure counts as one of the server's own rules |
//! | `writeConcernError` | run, and say this beside the result |
//! | `errorLabels` | instead of all labels that the reply would have |

use crate::fields::Fields;
use crate::point::Data;
use crate::registry::Known;
use crate::requests::{Request, Requests};
use quire_bson::{DocBuf, RawDoc};
use quire_errors::{Code, CommandError, Result};
use std::time::Duration;

pub static POINT: Known = Known { name: "failCommand", switch: |points| &points.fail_command };

/// The command that switches points is out of their reach.
const IMMUNE: &str = "configureFailPoint";

/// What becomes of which requests.
#[derive(Debug)]
pub struct FailCommand {
    commands: Vec<String>,
    all_commands: bool,
    requests: Requests,
    /// How long the request waits before anything else.
    pub block: Option<Duration>,
    pub outcome: Outcome,
    /// The failure counts as one of the server's own rules.
    pub is_tripwire: bool,
    /// Instead of all labels that the reply would have.
    pub labels: Option<Vec<String>>,
}

/// What comes after the waiting.
#[derive(Debug)]
pub enum Outcome {
    /// The command runs as if nothing had been.
    Run,
    CloseConnection,
    Fail(CommandError),
    /// The command runs if it is one that takes a write concern, and this goes beside its result.
    WriteConcernError(DocBuf),
}

impl Data for FailCommand {
    fn read(fields: &mut Fields<'_>) -> Result<FailCommand> {
        Ok(FailCommand {
            // Drivers' suites count on it that a point without commands is taken and strikes none.
            commands: fields.strings("failCommands")?.unwrap_or_default(),
            all_commands: fields.flag("failAllCommands")?,
            requests: Requests::read(fields)?,
            block: read_block(fields)?,
            outcome: read_outcome(fields)?,
            is_tripwire: fields.flag("tassert")?,
            labels: fields.strings("errorLabels")?,
        })
    }
}

fn read_block(fields: &mut Fields<'_>) -> Result<Option<Duration>> {
    let blocks = fields.flag("blockConnection")?;
    let millis = fields.whole_number("blockTimeMS")?;
    if !blocks {
        return Ok(None);
    }
    let invalid = |message: &str| CommandError::new(Code::InvalidOptions, message);
    let millis = millis
        .ok_or_else(|| invalid("must specify 'blockTimeMS' when 'blockConnection' is true"))?;
    let millis =
        u64::try_from(millis).map_err(|_| invalid("'blockTimeMS' must be non-negative"))?;
    Ok(Some(Duration::from_millis(millis)))
}

/// All fields are read, so that none is refused; the strongest of them counts.
fn read_outcome(fields: &mut Fields<'_>) -> Result<Outcome> {
    let closes = fields.flag("closeConnection")?;
    let code = super::error_code(fields)?;
    let extra = fields.document("errorExtraInfo")?;
    let beside = fields.document("writeConcernError")?;
    Ok(match (closes, code, beside) {
        (true, _, _) => Outcome::CloseConnection,
        (false, Some(code), _) => Outcome::Fail(error(code, extra)),
        (false, None, Some(beside)) => Outcome::WriteConcernError(beside.into()),
        (false, None, None) => Outcome::Run,
    })
}

fn error(code: Code, extra: Option<RawDoc<'_>>) -> CommandError {
    let error = CommandError::new(code, "Failing command via 'failCommand' failpoint");
    match extra {
        Some(extra) => error.with_extra(extra.as_bytes().to_vec()),
        None => error,
    }
}

impl FailCommand {
    /// What goes beside the result of a command that takes a write concern.
    pub fn write_concern_error(&self) -> Option<RawDoc<'_>> {
        match &self.outcome {
            Outcome::WriteConcernError(error) => Some(error.as_raw()),
            Outcome::Run | Outcome::CloseConnection | Outcome::Fail(_) => None,
        }
    }

    /// Whether the reply tells of a failure that is the point's doing.
    pub fn fails(&self) -> bool {
        matches!(self.outcome, Outcome::Fail(_) | Outcome::WriteConcernError(_))
    }

    /// Whether the command ends here, with an answer or without.
    pub fn ends_command(&self) -> bool {
        matches!(self.outcome, Outcome::CloseConnection | Outcome::Fail(_))
    }

    /// Whether the point has anything to do with this request.
    pub fn concerns(&self, request: &Request<'_>, takes_write_concern: bool) -> bool {
        let acts = match self.outcome {
            Outcome::Run => self.block.is_some(),
            Outcome::WriteConcernError(_) => takes_write_concern || self.block.is_some(),
            Outcome::CloseConnection | Outcome::Fail(_) => true,
        };
        acts && !request.is_called(IMMUNE)
            && (self.all_commands || self.commands.iter().any(|name| request.is_called(name)))
            && self.requests.include(request)
    }
}

#[cfg(test)]
mod tests;
