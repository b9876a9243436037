//! `ping`: is anybody there?

use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::stable_api::Api;

pub const COMMAND: Command = Command {
    api: Api::V1,
    ..Command::new("ping", "answers, to show that the server does", Run::Now(|_| Ok(Reply::ok())))
};
