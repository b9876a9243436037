//! The labels by which drivers decide what to do about an error.
//!
//! Owns the rules: which request with which codes gets which label. Knows nothing of how errors come
//! about. A label that an error brings along itself, or that a fail point sets, is not its business.

use crate::generic::Generic;
use crate::persona::{Behaviour, Persona};
use crate::registry::Command;
use quire_errors::Code;

const TRANSIENT_TRANSACTION: &str = "TransientTransactionError";
const RETRYABLE_WRITE: &str = "RetryableWriteError";
const NO_WRITES_PERFORMED: &str = "NoWritesPerformed";
pub const SYSTEM_OVERLOADED: &str = "SystemOverloadedError";
const RETRYABLE: &str = "RetryableError";

/// After these errors what failed may be sent again.
const RETRIABLE: &[Code] = &[
    Code::HostUnreachable,
    Code::HostNotFound,
    Code::NetworkTimeout,
    Code::ShutdownInProgress,
    Code::ReadConcernMajorityNotAvailableYet,
    Code::PrimarySteppedDown,
    Code::ExceededTimeLimit,
    Code::ConnectionPoolExpired,
    INTERNAL_TRANSACTION,
    Code::Location(384),
    Code::Location(402),
    Code::Location(406),
    Code::Location(407),
    Code::Location(412),
    Code::SocketException,
    Code::NotWritablePrimary,
    Code::InterruptedAtShutdown,
    Code::InterruptedDueToReplStateChange,
    Code::NotPrimaryNoSecondaryOk,
    Code::NotPrimaryOrSecondary,
    Code::Location(50915),
    Code::Location(91331),
];

/// Concerns a server's own transactions only; no client is told to begin again.
const INTERNAL_TRANSACTION: Code = Code::Location(358);

/// A transaction with one of these has left nothing behind, and may succeed the next time.
const TRANSIENT: &[Code] = &[
    Code::LockTimeout,
    Code::WriteConflict,
    Code::StaleEpoch,
    Code::SnapshotTooOld,
    Code::SnapshotUnavailable,
    Code::StaleDbVersion,
    Code::StaleChunkHistory,
    Code::PreparedTransactionInProgress,
    Code::MigrationConflict,
    Code::ShardInvalidatedForTargeting,
    Code::ShardCannotRefreshDueToLocksHeld,
    Code::StaleConfig,
];

/// The server refuses work because it has too much of it.
const OVERLOADED: &[Code] = &[
    Code::AdmissionQueueOverflow,
    Code::RateLimitExceeded,
    Code::PooledConnectionAcquisitionRejected,
    Code::IngressRequestRateLimitExceeded,
];

/// What of a request matters for labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbering {
    /// Its client gave it no number.
    None,
    /// Its client may send it again under the same number.
    RetryableWrite,
    /// It belongs to a transaction.
    InTransaction,
    /// It commits or aborts a transaction.
    EndsTransaction,
}

impl Numbering {
    pub fn of(command: &Command, generic: &Generic) -> Numbering {
        let ends = matches!(command.name, "commitTransaction" | "abortTransaction");
        match (generic.transaction_number.is_some(), generic.in_transaction) {
            (false, _) => Numbering::None,
            (true, false) => Numbering::RetryableWrite,
            (true, true) if ends => Numbering::EndsTransaction,
            (true, true) => Numbering::InTransaction,
        }
    }
}

/// What a reply tells of.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// The command's own failure.
    pub code: Option<Code>,
    /// That of its write concern.
    pub write_concern_code: Option<Code>,
    /// The client has written before, and this command did not.
    pub wrote_nothing: bool,
}

/// The labels of a reply to an ordinary client.
pub fn labels(persona: Persona, numbering: Numbering, told: &Told) -> Vec<&'static str> {
    let mut labels = Vec::new();
    if is_transient(numbering, told) {
        labels.push(TRANSIENT_TRANSACTION);
    } else if persona.has(Behaviour::RetryableLabels) && is_retryable_write(numbering, told) {
        labels.push(RETRYABLE_WRITE);
        if told.wrote_nothing && persona.has(Behaviour::NoWritesPerformed) {
            labels.push(NO_WRITES_PERFORMED);
        }
    }
    let is_overload = told.code.is_some_and(|code| OVERLOADED.contains(&code));
    if is_overload && persona.has(Behaviour::IngressLimits) {
        labels.push(SYSTEM_OVERLOADED);
        // It was refused before anything was done.
        if told.code == Some(Code::IngressRequestRateLimitExceeded) {
            labels.push(RETRYABLE);
        }
    }
    labels
}

fn is_transient(numbering: Numbering, told: &Told) -> bool {
    let Some(code) = told.code else { return false };
    let lost = code == Code::NoSuchTransaction;
    match numbering {
        Numbering::None | Numbering::RetryableWrite => false,
        // Whether it took place is not known where its write concern failed.
        Numbering::EndsTransaction => {
            TRANSIENT.contains(&code) || lost && told.write_concern_code.is_none()
        }
        Numbering::InTransaction => {
            let may_retry = RETRIABLE.contains(&code) && code != INTERNAL_TRANSACTION;
            TRANSIENT.contains(&code) || lost || may_retry
        }
    }
}

fn is_retryable_write(numbering: Numbering, told: &Told) -> bool {
    let retriable = |code: Option<Code>| code.is_some_and(|code| RETRIABLE.contains(&code));
    match numbering {
        Numbering::None | Numbering::InTransaction => false,
        Numbering::RetryableWrite | Numbering::EndsTransaction => {
            retriable(told.code) || retriable(told.write_concern_code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Numbering::{EndsTransaction, InTransaction, None as Unnumbered, RetryableWrite};
    use super::{Numbering, Told, labels};
    use crate::persona::Persona;
    use quire_errors::Code;

    fn of(numbering: Numbering, code: i32, write_concern_code: i32) -> Vec<&'static str> {
        let read = |number: i32| (number != 0).then(|| Code::from_number(number));
        let write_concern_code = read(write_concern_code);
        labels(
            Persona::default(),
            numbering,
            &Told { code: read(code), write_concern_code, wrote_nothing: false },
        )
    }

    const RETRY: &[&str] = &["RetryableWriteError"];
    const TRANSIENT: &[&str] = &["TransientTransactionError"];

    #[test]
    fn each_request_gets_the_labels_of_its_codes() {
        let table: &[(Numbering, i32, i32, &[&str])] = &[
            (RetryableWrite, 91, 0, RETRY),
            (RetryableWrite, 0, 91, RETRY),
            (RetryableWrite, 11000, 0, &[]),
            (RetryableWrite, 64, 0, &[]),
            (RetryableWrite, 0, 64, &[]),
            (RetryableWrite, 112, 0, &[]),
            (RetryableWrite, 251, 0, &[]),
            (RetryableWrite, 358, 0, RETRY),
            (Unnumbered, 91, 0, &[]),
            (Unnumbered, 0, 91, &[]),
            (Unnumbered, 112, 0, &[]),
            (InTransaction, 112, 0, TRANSIENT),
            (InTransaction, 246, 0, TRANSIENT),
            (InTransaction, 251, 0, TRANSIENT),
            (InTransaction, 91, 0, TRANSIENT),
            (InTransaction, 0, 91, &[]),
            (InTransaction, 358, 0, &[]),
            (InTransaction, 11000, 0, &[]),
            (EndsTransaction, 91, 0, RETRY),
            (EndsTransaction, 0, 91, RETRY),
            (EndsTransaction, 112, 0, TRANSIENT),
            (EndsTransaction, 251, 0, TRANSIENT),
            (EndsTransaction, 251, 64, &[]),
            (EndsTransaction, 251, 91, RETRY),
            (EndsTransaction, 50, 0, &[]),
            (Unnumbered, 433, 0, &["SystemOverloadedError"]),
            (Unnumbered, 462, 0, &["SystemOverloadedError", "RetryableError"]),
            (Unnumbered, 0, 462, &[]),
            (Unnumbered, 0, 0, &[]),
        ];
        for (numbering, code, beside, wanted) in table {
            assert_eq!(of(*numbering, *code, *beside), *wanted, "{numbering:?} {code} {beside}");
        }
    }

    #[test]
    fn every_code_that_drivers_once_took_for_retriable_is() {
        for code in [6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436, 134] {
            assert_eq!(of(RetryableWrite, code, 0), RETRY, "{code}");
        }
    }

    #[test]
    fn that_nothing_was_written_is_said_only_beside_the_word_to_retry() {
        let told = |code| Told { code: Some(code), write_concern_code: None, wrote_nothing: true };
        let retriable = told(Code::NotWritablePrimary);
        let both = ["RetryableWriteError", "NoWritesPerformed"];
        assert_eq!(labels(Persona::default(), RetryableWrite, &retriable), both);
        assert_eq!(labels(Persona::default(), InTransaction, &retriable), TRANSIENT);
        assert!(labels(Persona::default(), RetryableWrite, &told(Code::DuplicateKey)).is_empty());
    }
}
