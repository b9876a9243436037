//! Limits of what is accepted as BSON.

/// The deepest nesting anything in this process may have. Recursion over documents stops here.
pub const DEPTH_MAX: usize = 200;
