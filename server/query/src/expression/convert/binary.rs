//! Conversions between strings and binary data, in the formats `base64`, `base64url`, `hex`, `utf8`,
//! `uuid` and `auto`.

use super::{NO_ON_ERROR, failure, unsupported};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use quire_bson::{Binary, BinarySubtype, Bson};
use quire_errors::{CommandError, Result};

fn unknown(format: &str) -> CommandError {
    CommandError::bad_value(format!(
        "Invalid 'format' argument for $convert: must be one of base64, base64url, hex, utf8, uuid \
         or auto, but is {format}"
    ))
}

fn missing(from: &str, to: &str) -> CommandError {
    failure(format!(
        "Unsupported conversion from {from} to {to} {NO_ON_ERROR}: 'format' is required"
    ))
}

pub(super) fn to_text(data: &Binary, format: Option<&str>) -> Result<String> {
    let bytes = &data.bytes;
    let format = match format {
        None => return Err(missing("binData", "string")),
        Some("auto") if data.subtype == BinarySubtype::Uuid => "uuid",
        Some("auto") => "base64",
        Some(format) => format,
    };
    match format {
        "base64" => Ok(STANDARD.encode(bytes)),
        "base64url" => Ok(URL_SAFE_NO_PAD.encode(bytes)),
        "hex" => Ok(bytes.iter().map(|byte| format!("{byte:02X}")).collect()),
        "utf8" => String::from_utf8(bytes.clone())
            .map_err(|_| failure(format!("Invalid UTF-8 in binary data {NO_ON_ERROR}"))),
        "uuid" => uuid_text(data),
        other => Err(unknown(other)),
    }
}

/// Where the hyphens of a UUID stand, in bytes.
const GROUPS: [std::ops::Range<usize>; 5] = [0..4, 4..6, 6..8, 8..10, 10..16];

fn uuid_text(data: &Binary) -> Result<String> {
    if data.subtype != BinarySubtype::Uuid || data.bytes.len() != 16 {
        return Err(failure(format!(
            "Failed to convert binary data to a UUID string {NO_ON_ERROR}: it is no UUID"
        )));
    }
    let groups = GROUPS.map(|group| {
        let bytes = data.bytes.get(group).unwrap_or_default();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    });
    Ok(groups.join("-"))
}

pub(super) fn to_binary(value: Bson, subtype: BinarySubtype, format: Option<&str>) -> Result<Bson> {
    let text = match value {
        Bson::Binary(ref data) if data.subtype == subtype => return Ok(value),
        Bson::Binary(data) => {
            return Err(failure(format!(
                "Conversions between different BinData subtypes are not supported: from {} to {} \
                 {NO_ON_ERROR}",
                u8::from(data.subtype),
                u8::from(subtype)
            )));
        }
        Bson::String(text) => text,
        other => return Err(unsupported(&other, "binData")),
    };
    let refuse = || {
        failure(format!("Input string '{text}' does not have the expected format {NO_ON_ERROR}"))
    };
    let format = match format {
        None => return Err(missing("string", "binData")),
        Some("auto") if subtype == BinarySubtype::Uuid => "uuid",
        Some("auto") => "base64",
        Some(format) => format,
    };
    let bytes = match format {
        "base64" => STANDARD.decode(&text).map_err(|_| refuse())?,
        "base64url" => URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| refuse())?,
        "hex" => from_hex(&text).ok_or_else(refuse)?,
        "utf8" => text.clone().into_bytes(),
        "uuid" => uuid_bytes(&text, subtype).ok_or_else(refuse)?,
        other => return Err(unknown(other)),
    };
    Ok(Bson::Binary(Binary { subtype, bytes }))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    digits.chunks(2).map(byte).collect()
}

fn uuid_bytes(text: &str, subtype: BinarySubtype) -> Option<Vec<u8>> {
    let lengths = text.split('-').map(str::len);
    if subtype != BinarySubtype::Uuid || !lengths.eq([8, 4, 4, 4, 12]) {
        return None;
    }
    from_hex(&text.replace('-', ""))
}
