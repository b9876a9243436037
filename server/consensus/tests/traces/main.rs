//! Two scenarios that any Raft must pass, driven by hand: three members, messages delivered first-in
//! first-out, timers that move only when told. After each section every member's role, term, last
//! entry, commit and applied position are held against a table.
//!
//! `rewrite`: a leader that was cut off has its log rewritten. `explode`: a leader cannot apply what
//! it has committed. Messages and their number are one implementation's choice and not held against
//! anything but the rules in `rules`.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod explode;
mod handover;
mod rewrite;
mod rules;
mod trio;
