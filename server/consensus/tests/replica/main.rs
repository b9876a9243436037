//! A replica over engines in memory: what is committed, in which order, and what failures leave.

#![allow(clippy::unwrap_used)]

mod bench;
mod committing;
mod failing;
mod hearing;
mod recovering;
mod stopping;
