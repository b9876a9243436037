//! quire-execution
