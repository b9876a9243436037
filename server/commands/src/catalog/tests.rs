//! The commands of the catalogue through a whole server.

mod collections;
mod indexes;
