//! Updates: what a document becomes.
