//! Members that come, go, fall behind and fail, over documents and logs in memory.

#![allow(clippy::unwrap_used)]

mod belonging;
mod bench;
mod catching_up;
mod forcing;
mod telling;
