//! `getDiagnosticData`: one sample of the figures by which a server is diagnosed.
//!
//! Nothing collects samples here, so that each is taken when it is asked for.

use super::server_status;
use crate::registry::{Command, Run, Scope};
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::RawValue;
use quire_errors::Result;

pub const COMMAND: Command = Command {
    scope: Scope::Admin,
    ..Command::new("getDiagnosticData", "gives the figures for a diagnosis", Run::Now(run))
};

fn run(context: &Context<'_>) -> Result<Reply> {
    context.arguments()?.finish()?;
    let now = || RawValue::DateTime(context.server.now_millis());
    Ok(Reply::with(|b| {
        b.append_with("data", |b| {
            b.append("start", now());
            b.append_with("serverStatus", |b| {
                b.append("start", now());
                server_status::append_wanted(b, context);
                b.append("end", now());
            });
            b.append("end", now());
        });
    }))
}
