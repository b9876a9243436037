//! Listing sessions: `$listLocalSessions` and `$listSessions`.
//!
//! Owns what their options mean, and the form in which a session is shown.

use super::lsid::{NOBODY, SessionKey, whole_of};
use quire_bson::{Binary, BinarySubtype, Bson, DateTime, DocBuf, Document, RawDoc, RawValue, doc};
use quire_errors::{Code, CommandError, Result};
use sha2::{Digest, Sha256};

/// A session and when it was used last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionEntry {
    pub key: SessionKey,
    pub last_use_millis: i64,
}

impl SessionEntry {
    /// The document that stands for it, in the collection and wherever sessions are listed.
    pub fn document(&self) -> DocBuf {
        DocBuf::from(&doc! {
            "_id": whole_of(&self.key),
            "lastUse": DateTime::from_millis(self.last_use_millis),
        })
    }
}

/// Whose sessions are listed.
#[derive(Debug, PartialEq, Eq)]
pub enum Listing {
    Everybodys,
    /// Those of users with these digests.
    Of(Vec<[u8; 32]>),
}

impl Listing {
    /// Reads the options of a stage. Who names nobody means himself, and nobody is logged in.
    pub fn parse(stage: &str, options: RawValue<'_>) -> Result<Listing> {
        let RawValue::Document(options) = options else {
            return Err(CommandError::type_mismatch(format!(
                "{stage} options must be specified in an object, but found: {}",
                options.type_name()
            )));
        };
        let (mut all, mut users) = (false, Vec::new());
        for element in options {
            match (element.key(), element.value()) {
                ("allUsers", RawValue::Boolean(given)) => all = given,
                ("users", RawValue::Array(given)) => users = digests(stage, given)?,
                (name @ ("allUsers" | "users"), wrong) => {
                    let expected = if name == "users" { "array" } else { "bool" };
                    return Err(wrong_type(stage, name, wrong, expected));
                }
                (unknown, _) => {
                    return Err(CommandError::location(
                        40415,
                        format!("BSON field '{stage}.{unknown}' is an unknown field."),
                    ));
                }
            }
        }
        match (all, users.is_empty()) {
            (true, true) => Ok(Listing::Everybodys),
            (true, false) => Err(CommandError::new(
                Code::UnsupportedFormat,
                format!(
                    "{stage} may not specify {{allUsers:true}} and {{users:[...]}} at the same time"
                ),
            )),
            (false, true) => Ok(Listing::Of(vec![NOBODY])),
            (false, false) => Ok(Listing::Of(users)),
        }
    }

    pub fn shows(&self, key: &SessionKey) -> bool {
        match self {
            Listing::Everybodys => true,
            Listing::Of(users) => users.contains(&key.user),
        }
    }

    /// The filter that picks the sessions from their collection.
    pub fn filter(&self) -> Document {
        match self {
            Listing::Everybodys => doc! {},
            Listing::Of(users) => {
                let binary = |digest: &[u8; 32]| Binary {
                    subtype: BinarySubtype::Generic,
                    bytes: digest.to_vec(),
                };
                let users = users.iter().map(|digest| Bson::Binary(binary(digest)));
                doc! { "_id.uid": { "$in": Bson::Array(users.collect()) } }
            }
        }
    }
}

fn digests(stage: &str, users: RawDoc<'_>) -> Result<Vec<[u8; 32]>> {
    let digest = |n: usize, value: RawValue<'_>| {
        let name = format!("users.{n}");
        let user = value.as_document();
        let user = user.ok_or_else(|| wrong_type(stage, &name, value, "object"))?;
        let field = |field: &str| match user.get(field) {
            Some(RawValue::String(text)) => Ok(text.to_owned()),
            Some(wrong) => Err(wrong_type(stage, &format!("{name}.{field}"), wrong, "string")),
            None => Err(CommandError::location(
                40414,
                format!("BSON field '{stage}.{name}.{field}' is missing but a required field"),
            )),
        };
        Ok(digest_of(&field("user")?, &field("db")?))
    };
    users.iter().enumerate().map(|(n, element)| digest(n, element.value())).collect()
}

/// The digest by which sessions know a user.
pub fn digest_of(user: &str, database: &str) -> [u8; 32] {
    Sha256::digest(format!("{user}@{database}")).into()
}

fn wrong_type(stage: &str, name: &str, value: RawValue<'_>, expected: &str) -> CommandError {
    CommandError::type_mismatch(format!(
        "BSON field '{stage}.{name}' is the wrong type '{}', expected type '{expected}'",
        value.type_name()
    ))
}
