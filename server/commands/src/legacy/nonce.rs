//! `getnonce`: the first step of an authentication that nobody uses any more.

use crate::persona::Behaviour;
use crate::registry::{Command, Run};
use crate::reply::Reply;

pub const COMMAND: Command = Command {
    known: Some(Behaviour::Nonce),
    ..Command::new(
        "getnonce",
        "gives a number that is used once",
        Run::Now(|context| {
            context.arguments()?.finish()?;
            let nonce = format!("{:016x}", context.server.host.random());
            Ok(Reply::with(|b| _ = b.append_str("nonce", &nonce)))
        }),
    )
};
