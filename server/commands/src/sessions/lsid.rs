//! The identity of a session.
//!
//! Owns reading an `lsid` document, which holds nothing but what MongoDB's does, and showing one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use quire_bson::{Binary, BinarySubtype, Bson, Document, RawDoc, RawValue, doc};
use quire_errors::{Code, CommandError, Result};

pub use quire_documents::SessionKey;

/// The user part of a session where nobody logs in: the SHA-256 digest of nothing.
pub const NOBODY: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// The session that an `lsid` document names.
pub fn session_key(lsid: RawDoc<'_>) -> Result<SessionKey> {
    let mut id = None;
    let mut user = NOBODY;
    for element in lsid {
        match (element.key(), element.value()) {
            ("id", value) => id = Some(uuid(value)?),
            ("uid", value) => user = digest(value)?,
            (name @ ("txnNumber" | "txnUUID"), _) => {
                return Err(CommandError::new(
                    Code::InvalidOptions,
                    format!("sessions of servers, with '{name}' in their lsid, are not supported"),
                ));
            }
            (unknown, _) => {
                return Err(CommandError::location(
                    40415,
                    format!(
                        "BSON field 'OperationSessionInfo.lsid.{unknown}' is an unknown field."
                    ),
                ));
            }
        }
    }
    let id = id.ok_or_else(|| {
        CommandError::location(
            40414,
            "BSON field 'OperationSessionInfo.lsid.id' is missing but a required field",
        )
    })?;
    Ok(SessionKey { id, user })
}

fn uuid(value: RawValue<'_>) -> Result<[u8; 16]> {
    match value {
        RawValue::Binary { subtype: 4, bytes } => bytes.try_into().map_err(|_| {
            CommandError::new(
                Code::InvalidUUID,
                "uuid must be a 16-byte binary field with UUID (4) subtype",
            )
        }),
        RawValue::Binary { subtype, .. } => Err(CommandError::type_mismatch(format!(
            "BSON field 'OperationSessionInfo.lsid.id' is the wrong binData type '{}', expected \
             type 'UUID'",
            subtype_name(subtype)
        ))),
        wrong => Err(wrong_type("id", wrong)),
    }
}

/// The digest of a user. Nobody can log in, so everybody may name any.
fn digest(value: RawValue<'_>) -> Result<[u8; 32]> {
    match value {
        RawValue::Binary { bytes, .. } => bytes.try_into().map_err(|_| {
            CommandError::new(
                Code::UnsupportedFormat,
                format!("Unsupported SHA256Hash hash length: {}", bytes.len()),
            )
        }),
        wrong => Err(wrong_type("uid", wrong)),
    }
}

fn wrong_type(name: &str, value: RawValue<'_>) -> CommandError {
    CommandError::type_mismatch(format!(
        "BSON field 'OperationSessionInfo.lsid.{name}' is the wrong type '{}', expected type \
         'binData'",
        value.type_name()
    ))
}

fn subtype_name(subtype: u8) -> &'static str {
    match subtype {
        0 => "general",
        1 => "function",
        2 => "binary",
        3 => "UUID (old)",
        5 => "MD5",
        6 => "encrypt",
        _ => "other",
    }
}

/// A session as clients hold it.
pub fn lsid_of(key: &SessionKey) -> Bson {
    let binary = Binary { subtype: BinarySubtype::Uuid, bytes: key.id.to_vec() };
    Bson::Document(doc! { "id": binary })
}

/// A session as members hold it.
pub(super) fn whole_of(key: &SessionKey) -> Document {
    let id = Binary { subtype: BinarySubtype::Uuid, bytes: key.id.to_vec() };
    let user = Binary { subtype: BinarySubtype::Generic, bytes: key.user.to_vec() };
    doc! { "id": id, "uid": user }
}

/// A session as errors show it; those of servers have two numbers more.
pub fn shown(key: &SessionKey) -> String {
    format!("{} - {} -  - ", uuid_text(&key.id), STANDARD.encode(key.user))
}

/// A UUID as people write it.
fn uuid_text(id: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (n, byte) in id.iter().enumerate() {
        if matches!(n, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text += &format!("{byte:02x}");
    }
    text
}
