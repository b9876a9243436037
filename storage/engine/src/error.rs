//! What can go wrong below: local failures only, never something a client caused.

/// The result of an engine call.
pub type Result<T, E = EngineError> = std::result::Result<T, E>;

/// A local failure of the engine.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EngineError {
    /// The disk, or a quota on it, is full. Reads go on.
    #[error("no space left for the store: {0}")]
    NoSpace(String),
    /// A checksum or structure did not hold; the text names the file.
    #[error("the store is damaged: {0}")]
    Corruption(String),
    /// Another process holds the store's lock.
    #[error("the store is in use by another process: {0}")]
    InUse(String),
    /// Any other failed call to the operating system or the engine.
    #[error("the store failed: {0}")]
    Io(String),
}
