//! Collations: strings in the order of a language.
//!
//! Owns what a collation says ([`Settings`]), which locales there are ([`locale`]), and comparing by
//! one ([`Collation`]). It stands below storage because the entries of an index with a collation are
//! made of its keys, on every node alike: the tables are compiled in, and nothing here depends on the
//! machine, its environment or the time. The keys of a string are on disk, so a newer version of the
//! tables is a new on-disk format (`keys/tests` holds some of them).
//!
//! Knows nothing of commands, and no error code: the words for a client are found above.

mod collation;
mod keys;
pub mod locale;
mod order;
mod settings;

pub use collation::{Collation, Unavailable};
pub use keys::Key;
pub use order::ValueOrder;
pub use settings::{Alternate, CaseFirst, MaxVariable, Settings};
