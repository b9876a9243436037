//! Why a run ended without a verdict.
//!
//! Owns the error of programmes that measure or torment servers. What is wrong with the server is a
//! finding, never this: a red harness is not a red product.

use std::fmt;

pub type Result<T> = std::result::Result<T, Failure>;

/// A sentence for the one who reads it; nobody handles its kinds.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    pub fn new(text: impl Into<String>) -> Failure {
        Failure(text.into())
    }

    /// An error with what was being done.
    pub fn during<E: fmt::Display>(what: impl fmt::Display) -> impl FnOnce(E) -> Failure {
        move |error| Failure(format!("{what}: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure(error.to_string())
    }
}
