//! The exit codes of mongod that process supervisors and test harnesses know.

/// An orderly shutdown, and `--help` or `--version`.
pub const CLEAN: i32 = 0;
/// A file named by a setting cannot be used.
pub const FAILURE: i32 = 1;
/// A flag, key or value that is unknown, malformed or cannot be honoured.
pub const BAD_OPTIONS: i32 = 2;
/// An error that cannot be survived, found while running.
pub const ABRUPT: i32 = 14;
/// A listening address could not be bound.
pub const NET_ERROR: i32 = 48;
/// The data files were written by a newer version.
pub const NEED_DOWNGRADE: i32 = 62;
/// The data directory is missing, not writable, or in use by another process.
pub const UNCAUGHT: i32 = 100;
