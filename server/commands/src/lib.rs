//! quire-commands
