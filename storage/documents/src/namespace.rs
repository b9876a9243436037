//! Names of databases and collections.
//!
//! Owns what a name may look like. Which names a command may create or write to beyond that
//! (`system.*`, `local`, views) is decided by the command.

use std::fmt;

/// The longest name of a database, in bytes.
pub const DATABASE_BYTES_MAX: usize = 63;

/// The longest name of a collection with its database and the dot between them, in bytes.
pub const NAMESPACE_BYTES_MAX: usize = 255;

/// A database's name and a collection's name in it, both of a legal form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace {
    database: Box<str>,
    collection: Box<str>,
}

/// Why a name is refused. The text is what clients read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NamespaceError {
    #[error("Invalid database name: '{0}'")]
    Database(String),
    #[error("Invalid namespace specified '{0}'")]
    Collection(String),
    #[error("Fully qualified namespace is too long. Namespace: {0} Max: {NAMESPACE_BYTES_MAX}")]
    TooLong(String),
}

impl Namespace {
    pub fn new(database: &str, collection: &str) -> Result<Namespace, NamespaceError> {
        check_database(database)?;
        if !is_collection_name(collection) {
            return Err(NamespaceError::Collection(format!("{database}.{collection}")));
        }
        if database.len() + 1 + collection.len() > NAMESPACE_BYTES_MAX {
            return Err(NamespaceError::TooLong(format!("{database}.{collection}")));
        }
        Ok(Namespace { database: database.into(), collection: collection.into() })
    }

    /// Splits `database.collection` at its first dot.
    pub fn parse(full: &str) -> Result<Namespace, NamespaceError> {
        let (database, collection) =
            full.split_once('.').ok_or_else(|| NamespaceError::Collection(full.to_owned()))?;
        Namespace::new(database, collection)
    }

    pub fn database(&self) -> &str {
        &self.database
    }

    pub fn collection(&self) -> &str {
        &self.collection
    }

    /// True for the collections the server keeps for itself.
    pub fn is_system(&self) -> bool {
        self.collection.starts_with("system.")
    }

    /// True for `system.` names that have a meaning; all others may not be created.
    pub fn is_known_system(&self) -> bool {
        const EVERYWHERE: [&str; 3] = ["system.views", "system.js", "system.profile"];
        const IN_ADMIN: [&str; 6] = [
            "system.users",
            "system.roles",
            "system.version",
            "system.keys",
            "system.new_users",
            "system.backup_users",
        ];
        let name = self.collection.as_ref();
        let in_database = match self.database.as_ref() {
            "admin" => IN_ADMIN.contains(&name),
            "config" => ["system.sessions", "system.indexBuilds"].contains(&name),
            "local" => ["system.replset", "system.healthlog"].contains(&name),
            _ => false,
        };
        in_database || EVERYWHERE.contains(&name) || name.starts_with("system.buckets.")
    }
}

/// Checks the name of a database alone.
pub fn check_database(name: &str) -> Result<(), NamespaceError> {
    const FORBIDDEN: [char; 7] = ['/', '\\', '.', ' ', '"', '$', '\0'];
    let legal = !name.is_empty() && name.len() <= DATABASE_BYTES_MAX && !name.contains(FORBIDDEN);
    if legal { Ok(()) } else { Err(NamespaceError::Database(name.to_owned())) }
}

/// Two names may hold a dollar sign for historical reasons: the aggregate over a whole database and
/// the old oplog. Neither is ever created here, so both are refused like the rest.
fn is_collection_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains(['$', '\0'])
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.database, self.collection)
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Namespace, NamespaceError};

    #[test]
    fn legal_names_are_split_at_the_first_dot() {
        for (full, database, collection) in
            [("a.b", "a", "b"), ("a.b.c", "a", "b.c"), ("ü-1.fs.files", "ü-1", "fs.files")]
        {
            let namespace = Namespace::parse(full).unwrap();
            assert_eq!((namespace.database(), namespace.collection()), (database, collection));
            assert_eq!(namespace.to_string(), full);
        }
    }

    #[test]
    fn illegal_names_are_refused_for_what_is_wrong_with_them() {
        let long = "x".repeat(64);
        for (database, collection) in [("", "c"), ("a b", "c"), ("a$b", "c"), (long.as_str(), "c")]
        {
            let error = Namespace::new(database, collection).unwrap_err();
            assert!(matches!(error, NamespaceError::Database(_)), "{database}");
        }
        for collection in ["", ".a", "a.", "a$b", "a\0b"] {
            let error = Namespace::new("a", collection).unwrap_err();
            assert!(matches!(error, NamespaceError::Collection(_)), "{collection}");
        }
        assert!(Namespace::new("a", &"x".repeat(253)).is_ok());
        let error = Namespace::new("a", &"x".repeat(254)).unwrap_err();
        assert!(matches!(error, NamespaceError::TooLong(_)));
    }

    #[test]
    fn system_names_are_known_by_database() {
        for (full, system, known) in [
            ("admin.system.users", true, true),
            ("app.system.users", true, false),
            ("app.system.views", true, true),
            ("app.system.buckets.weather", true, true),
            ("app.systems", false, false),
        ] {
            let namespace = Namespace::parse(full).unwrap();
            assert_eq!(
                (namespace.is_system(), namespace.is_known_system()),
                (system, known),
                "{full}"
            );
        }
    }
}
