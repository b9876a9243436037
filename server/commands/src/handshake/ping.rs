//! `ping`: is anybody there?

use crate::registry::{Command, Run};
use crate::reply::Reply;

pub const COMMAND: Command =
    Command::new("ping", "answers, to show that the server does", Run::Now(|_| Ok(Reply::ok())));
