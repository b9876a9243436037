//! Local failures as clients see them.

use quire_documents::EngineError;
use quire_errors::{Code, CommandError};

/// The error for a read that the storage could not serve; its text names the damaged file.
pub fn local_failure(error: EngineError) -> CommandError {
    let code = match error {
        EngineError::Corruption(_) => Code::DataCorruptionDetected,
        EngineError::NoSpace(_) => Code::OutOfDiskSpace,
        EngineError::InUse(_) | EngineError::Io(_) => Code::InternalError,
    };
    CommandError::new(code, error.to_string())
}
