//! quire-tests
