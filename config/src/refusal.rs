//! Why the daemon will not start: one line for the operator and the exit code that goes with it.

use crate::exit;

/// A configuration that cannot be honoured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What the process exits with.
    pub exit_code: i32,
    /// One line, without a trailing newline.
    pub message: String,
}

impl Refusal {
    /// A refusal for a bad option; line breaks in quoted input are flattened so that it stays one
    /// line whatever the input was.
    pub(crate) fn new(message: impl AsRef<str>) -> Self {
        let mut line = String::with_capacity(message.as_ref().len());
        for part in message.as_ref().split(char::is_control).filter(|part| !part.is_empty()) {
            if !line.is_empty() && !line.ends_with(' ') {
                line.push(' ');
            }
            line.push_str(part);
        }
        Self { exit_code: exit::BAD_OPTIONS, message: line }
    }

    pub(crate) fn command_line(message: impl std::fmt::Display) -> Self {
        Self::new(format!(
            "Error parsing command line: {message}; try 'quired --help' for more information"
        ))
    }
}
