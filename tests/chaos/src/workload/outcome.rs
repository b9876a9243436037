//! What an error says about the operation: that it did not happen, or nothing.
//!
//! Owns the contract of outcomes. Only refusals that a server gives before it does anything count as
//! failures; an error of the network or time that ran out on a write leaves the outcome unknown.

use mongodb::error::{Error, ErrorKind, WriteFailure};
use std::collections::BTreeMap;

pub(crate) enum Outcome<T> {
    Ok(T),
    /// It did not happen and will not.
    Failed(String),
    /// It may have happened, may still happen, or may never.
    Unknown(String),
}

/// A node that was not the primary when it was asked.
const NOT_PRIMARY: &[i32] = &[10107, 13435, 13436];

/// Two upserts of one document: one of them inserts it, the other is refused.
const DUPLICATE_KEY: i32 = 11000;

/// Codes that a set under such treatment may answer with: not primary, stepping down, shutting down,
/// interrupted, out of time, write concern not satisfied.
const EXPECTED: &[i32] =
    &[10107, 13435, 13436, 11000, 189, 91, 11600, 11602, 50, 262, 64, 100, 134, 11601];

impl<T> Outcome<T> {
    pub(crate) fn of(result: mongodb::error::Result<T>) -> Outcome<T> {
        match result {
            Ok(value) => Outcome::Ok(value),
            Err(error) => {
                let told = told_by(&error);
                if surely_not_done(&error) { Outcome::Failed(told) } else { Outcome::Unknown(told) }
            }
        }
    }

    pub(crate) fn is_ok(&self) -> bool {
        matches!(self, Outcome::Ok(_))
    }
}

fn surely_not_done(error: &Error) -> bool {
    match error.kind.as_ref() {
        // Nobody was found to be asked.
        ErrorKind::ServerSelection { .. } => true,
        ErrorKind::Command(refusal) => NOT_PRIMARY.contains(&refusal.code),
        ErrorKind::Write(WriteFailure::WriteError(refusal)) => refusal.code == DUPLICATE_KEY,
        _ => false,
    }
}

/// A word or a code, and never what differs between two errors of one sort.
fn told_by(error: &Error) -> String {
    match error.kind.as_ref() {
        ErrorKind::Command(refusal) => coded("command", refusal.code, &refusal.message),
        ErrorKind::Write(WriteFailure::WriteError(refusal)) => {
            coded("write", refusal.code, &refusal.message)
        }
        ErrorKind::Write(WriteFailure::WriteConcernError(refusal)) => {
            coded("write concern", refusal.code, &refusal.message)
        }
        ErrorKind::ServerSelection { .. } => "no server to be found".to_owned(),
        ErrorKind::ConnectionPoolCleared { .. } => "connections given up".to_owned(),
        ErrorKind::Io(io) => format!("network: {:?}", io.kind()),
        _ => format!("unexpected: {error}"),
    }
}

fn coded(what: &str, code: i32, message: &str) -> String {
    if EXPECTED.contains(&code) {
        format!("{what} error {code}")
    } else {
        format!("unexpected: {what} error {code}: {message}")
    }
}

/// How often each operation ended how.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) ok: BTreeMap<&'static str, u64>,
    pub(crate) failed: u64,
    pub(crate) unknown: u64,
    /// What was said when it was not ok.
    pub(crate) told: BTreeMap<String, u64>,
}

impl Counts {
    pub(crate) fn count<T>(&mut self, operation: &'static str, outcome: &Outcome<T>) {
        match outcome {
            Outcome::Ok(_) => *self.ok.entry(operation).or_default() += 1,
            Outcome::Failed(told) => {
                self.failed += 1;
                *self.told.entry(format!("failed: {told}")).or_default() += 1;
            }
            Outcome::Unknown(told) => {
                self.unknown += 1;
                *self.told.entry(format!("unknown: {told}")).or_default() += 1;
            }
        }
    }

    pub(crate) fn add(&mut self, other: &Counts) {
        for (operation, count) in &other.ok {
            *self.ok.entry(operation).or_default() += count;
        }
        self.failed += other.failed;
        self.unknown += other.unknown;
        for (told, count) in &other.told {
            *self.told.entry(told.clone()).or_default() += count;
        }
    }

    pub(crate) fn all_ok(&self) -> u64 {
        self.ok.values().sum()
    }

    /// Errors that no fault explains.
    pub(crate) fn unexpected(&self) -> impl Iterator<Item = String> {
        self.told
            .iter()
            .filter(|(told, _)| told.contains("unexpected: "))
            .map(|(told, count)| format!("{count} times {told}"))
    }
}
