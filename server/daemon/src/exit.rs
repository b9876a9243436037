//! How the process ends early: one clear line and mongod's exit code.

use std::io::Write;
use std::process::ExitCode;

/// Why the server cannot start or go on.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: i32,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(code: i32, message: impl Into<String>) -> Failure {
        Failure { code, message: message.into() }
    }

    /// Writes the line where supervisors look for it.
    pub(crate) fn report(self) -> ExitCode {
        let _ = writeln!(std::io::stderr(), "{}", self.message);
        ExitCode::from(u8::try_from(self.code).unwrap_or(1))
    }
}

impl From<quire_config::Refusal> for Failure {
    fn from(refusal: quire_config::Refusal) -> Failure {
        Failure::new(refusal.exit_code, refusal.message)
    }
}

/// Writes to the standard output, whoever listens there.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
