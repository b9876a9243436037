//! A replica set as its operators meet it: real processes on one machine.

mod concerns;
mod copying;
mod forcing;
mod guide;
mod joining;
mod keys;
mod kinds;
mod losing;
mod reconfiguring;
mod silent;
mod stepping;
mod writing;
