//! `replSetAbortPrimaryCatchUp`: a new primary goes on without what it has not yet fetched.

use super::{command, set};
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::{Code, CommandError, Result};

pub const COMMAND: Command =
    command("replSetAbortPrimaryCatchUp", "ends a new primary's catching up", Run::Now(run));

/// Whoever is elected has everything that was ever acknowledged, so nobody is ever catching up.
fn run(context: &Context<'_>) -> Result<Reply> {
    set(context)?;
    context.arguments()?.finish()?;
    Err(CommandError::new(Code::IllegalOperation, "The node is not in catch-up mode."))
}
