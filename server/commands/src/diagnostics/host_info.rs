//! `hostInfo`: the machine this runs on.

use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::{Bson, DateTime, Document};
use quire_errors::Result;

pub const COMMAND: Command =
    Command::new("hostInfo", "tells about the machine it runs on", Run::Now(run));

fn run(context: &Context<'_>) -> Result<Reply> {
    context.arguments()?.finish()?;
    let mut info = context.server.host.host_info();
    let mut system = Document::new();
    system.insert("currentTime", DateTime::from_millis(context.server.now_millis()));
    if let Some(Bson::Document(facts)) = info.get("system") {
        system.extend(facts.clone());
    }
    info.insert("system", system);
    Ok(Reply::of(&info))
}
