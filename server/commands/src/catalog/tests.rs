//! The commands of the catalogue through a whole server.

mod changes;
mod collections;
mod figures;
mod indexes;
mod upkeep;
