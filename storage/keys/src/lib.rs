//! quire-keys
