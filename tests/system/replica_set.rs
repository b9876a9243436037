//! Three servers of one replica set: how they become one, and what one that cannot apply does.

mod exploding;
mod initiating;
mod showing;
