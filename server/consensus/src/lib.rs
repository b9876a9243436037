//! quire-consensus
