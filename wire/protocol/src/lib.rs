//! quire-protocol
