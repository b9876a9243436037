//! `connectionStatus`: who this connection is.

use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::Result;

pub const COMMAND: Command =
    Command::new("connectionStatus", "tells who is logged in on this connection", Run::Now(run));

fn run(context: &Context<'_>) -> Result<Reply> {
    let mut args = context.arguments()?;
    let privileges = args.flag("showPrivileges")?;
    args.finish()?;
    // Nobody can log in yet, and where nobody has to, everybody may do everything.
    Ok(Reply::with(|b| {
        b.append_with("authInfo", |info| {
            info.append_array("authenticatedUsers", |_| ());
            info.append_array("authenticatedUserRoles", |_| ());
            if privileges {
                info.append_array("authenticatedUserPrivileges", |_| ());
            }
        });
    }))
}
