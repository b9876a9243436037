//! The error that a client causes or sees.
//!
//! Owns what a failed command answers besides its code: the message, labels, and the extra fields
//! that some codes carry (`errInfo`, `keyPattern`, ...). The extra fields are ready-made BSON bytes,
//! because this crate does not know BSON.

use crate::Code;

/// What a function returns whose failure the client caused or must see.
pub type Result<T, E = CommandError> = std::result::Result<T, E>;

/// A refusal or failure with MongoDB's code, a message that says what to do, labels and extra fields.
#[derive(Clone, PartialEq, Eq)]
pub struct CommandError(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    code: Code,
    message: String,
    labels: Vec<&'static str>,
    extra: Vec<u8>,
}

impl CommandError {
    pub fn new(code: Code, message: impl Into<String>) -> CommandError {
        let inner = Inner { code, message: message.into(), labels: Vec::new(), extra: Vec::new() };
        CommandError(Box::new(inner))
    }

    pub fn code(&self) -> Code {
        self.0.code
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    pub fn labels(&self) -> &[&'static str] {
        &self.0.labels
    }

    /// The extra fields as the bytes of one BSON document; empty when there are none.
    pub fn extra(&self) -> &[u8] {
        &self.0.extra
    }

    #[must_use]
    pub fn with_label(mut self, label: &'static str) -> CommandError {
        self.0.labels.push(label);
        self
    }

    /// Adds the fields of one BSON document, given as its bytes, to the reply.
    #[must_use]
    pub fn with_extra(mut self, document: Vec<u8>) -> CommandError {
        self.0.extra = document;
        self
    }

    /// Puts words before the message, as nested parsers do: `context :: caused by :: message`.
    #[must_use]
    pub fn context(mut self, context: &str) -> CommandError {
        self.0.message = format!("{context} :: caused by :: {}", self.0.message);
        self
    }

    /// Replaces the message.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> CommandError {
        self.0.message = message.into();
        self
    }

    pub fn bad_value(message: impl Into<String>) -> CommandError {
        CommandError::new(Code::BadValue, message)
    }

    pub fn failed_to_parse(message: impl Into<String>) -> CommandError {
        CommandError::new(Code::FailedToParse, message)
    }

    pub fn type_mismatch(message: impl Into<String>) -> CommandError {
        CommandError::new(Code::TypeMismatch, message)
    }

    pub fn internal(message: impl Into<String>) -> CommandError {
        CommandError::new(Code::InternalError, message)
    }

    /// An error known by its bare number, as most of the aggregation language's are.
    pub fn location(number: i32, message: impl Into<String>) -> CommandError {
        CommandError::new(Code::Location(number), message)
    }
}

impl std::fmt::Debug for CommandError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}): {}", self.0.code.name(), self.0.code.number(), self.0.message)
    }
}

impl std::fmt::Display for CommandError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for CommandError {}
