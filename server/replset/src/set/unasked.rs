//! Making a set without an operator, where the members were named at the start.
//!
//! Owns when the first of them may begin. It has no rule of its own for what is safe: it asks for what
//! an operator would ask for, and is refused what an operator would be refused.

use super::ReplicaSet;
use crate::HostPort;
use crate::config::initiate::default_document;
use quire_bson::DocBuf;
use quire_errors::Code;
use std::collections::BTreeSet;
use std::time::Duration;

/// The time between two attempts.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Each reason is told once, and no more than these.
const REASONS_MAX: usize = 64;

impl ReplicaSet {
    /// Makes a set of these hosts if this process is the first of them, as soon as all of them answer.
    /// Returns when there is nothing left to do here: this member has a configuration, or somebody
    /// else is the first.
    pub async fn initiate_unasked(&self, hosts: &[HostPort]) {
        let Some(first) = hosts.first() else { return };
        let config = default_document(self.name(), first, hosts, &|_| false);
        let config = DocBuf::from(&config);
        let mut told = BTreeSet::new();
        while self.detail().is_none() {
            let reason = match self.outside.probe(first).await {
                Ok(identity) if identity.process != self.founding.process => return,
                Err(reason) => format!("{first} does not answer: {reason}"),
                Ok(_) => match self.initiate(Some(config.as_raw())).await {
                    Ok(_) => return note_success(first),
                    Err(error) if error.code() == Code::AlreadyInitialized => return,
                    Err(error) => error.message().to_owned(),
                },
            };
            if told.len() < REASONS_MAX && told.insert(reason.clone()) {
                note_failure(&reason);
            }
            self.outside.sleep(AGAIN_AFTER).await;
        }
    }
}

fn note_success(first: &HostPort) {
    tracing::info!(
        target: "REPL",
        id = 7_200_050,
        first = %first,
        "The set was initiated with the members that were named at the start"
    );
}

fn note_failure(reason: &str) {
    tracing::warn!(
        target: "REPL",
        id = 7_200_051,
        reason,
        "The set cannot be initiated yet; trying again"
    );
}

#[cfg(test)]
mod tests;
