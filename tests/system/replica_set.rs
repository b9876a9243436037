//! Three servers of one replica set: how they become one, what one that cannot apply does, and what they
//! remember of writes that are sent again.

mod exploding;
mod initiating;
mod moments;
mod oplog;
mod retrying;
mod sessions;
mod showing;
mod sinks;
