//! From JavaScript to BSON.
//!
//! Owns the limits of what a script may give back: how deep, and how many bytes. Numbers are doubles,
//! as every number of a script is; who wants another type says so with its class.

use crate::failure::Failed;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use quire_bson::{
    Binary, Bson, DateTime, Decimal128, Document, JavaScriptCodeWithScope, ObjectId, RawValue,
    Regex, Timestamp,
};
use quire_errors::CommandError;
use rquickjs::{Array, BigInt, Coerced, FromJs as _, Function, Object, Value};

/// How deep a value nests, which also finds the ones that contain themselves.
const DEPTH_MAX: usize = 150;

/// The bytes of one value; what a document may take.
const BYTES_MAX: usize = 16 << 20;

pub(crate) struct FromJs<'js> {
    parts: Function<'js>,
    keys: Function<'js>,
    bytes: usize,
}

type Read<T> = Result<T, Failed>;

impl<'js> FromJs<'js> {
    pub(crate) fn new(host: &Object<'js>) -> Read<FromJs<'js>> {
        Ok(FromJs { parts: host.get("parts")?, keys: host.get("keys")?, bytes: 0 })
    }

    pub(crate) fn value(&mut self, value: Value<'js>, depth: usize) -> Read<Bson> {
        self.grow(8)?;
        if depth > DEPTH_MAX {
            return Err(Failed::Refused(CommandError::location(
                17279,
                format!(
                    "Exceeded depth limit of {DEPTH_MAX} when converting js object to BSON. Do you \
                     have a cycle?"
                ),
            )));
        }
        if value.is_undefined() || value.is_symbol() {
            return Ok(Bson::Undefined);
        }
        if value.is_null() {
            return Ok(Bson::Null);
        }
        if let Some(flag) = value.as_bool() {
            return Ok(Bson::Boolean(flag));
        }
        if let Some(number) = value.as_number() {
            return Ok(Bson::Double(number));
        }
        if let Some(text) = value.as_string() {
            return Ok(Bson::String(self.text(text.to_string()?)?));
        }
        if value.is_big_int() {
            let long = BigInt::from_value(value)?;
            return Ok(Bson::Int64(long.to_i64()?));
        }
        if let Some(items) = value.as_array() {
            return self.array(items, depth);
        }
        let parts: Value<'js> = self.parts.call((value.clone(),))?;
        match (parts.as_array(), value.as_object()) {
            (Some(parts), _) => self.instance(parts, depth),
            (None, Some(object)) => Ok(Bson::Document(self.document(object, depth)?)),
            (None, None) => Ok(Bson::Undefined),
        }
    }

    fn array(&mut self, items: &Array<'js>, depth: usize) -> Read<Bson> {
        // Its own `len` expects no more than an i32 holds.
        let length: f64 = items.as_object().get("length")?;
        let mut list = Vec::new();
        for at in 0..length as usize {
            list.push(self.value(items.get(at)?, depth + 1)?);
        }
        Ok(Bson::Array(list))
    }

    fn document(&mut self, object: &Object<'js>, depth: usize) -> Read<Document> {
        let mut doc = Document::new();
        // The engine's own list ends each name at its first null byte.
        let keys: Array<'js> = self.keys.call((object.clone(),))?;
        for name in keys.iter::<rquickjs::String<'js>>() {
            let name = name?;
            let key = name.to_string()?;
            if key.contains('\0') {
                return Err(Failed::Refused(CommandError::bad_value(
                    "a field name that a script gives must not contain a null byte",
                )));
            }
            let value = object.get(name)?;
            let key = self.text(key)?;
            doc.insert(key, self.value(value, depth + 1)?);
        }
        Ok(doc)
    }

    /// A value by the parts that the prelude tells of it. A script may have made them up.
    fn instance(&mut self, parts: &Array<'js>, depth: usize) -> Read<Bson> {
        let class: String = parts.get(0)?;
        Ok(match class.as_str() {
            "Date" => Bson::DateTime(DateTime::from_millis(parts.get::<f64>(1)? as i64)),
            "NumberLong" => Bson::Int64(parts.get::<BigInt<'js>>(1)?.to_i64()?),
            "NumberInt" => Bson::Int32(parts.get(1)?),
            "NumberDecimal" => {
                let text: String = parts.get(1)?;
                text.parse::<Decimal128>().map_or(Bson::Undefined, Bson::Decimal128)
            }
            "ObjectId" => {
                ObjectId::parse_str(parts.get::<String>(1)?).map_or(Bson::Undefined, Bson::ObjectId)
            }
            "BinData" => {
                let text = self.text(parts.get(2)?)?;
                let bytes = STANDARD.decode(text).unwrap_or_default();
                Bson::Binary(Binary { subtype: parts.get::<u8>(1)?.into(), bytes })
            }
            "RegExp" => self.regex(&parts.get::<String>(1)?, &parts.get::<String>(2)?)?,
            "RegExpOfOthers" => self.regex(&parts.get::<String>(1)?, &parts.get::<String>(2)?)?,
            "Timestamp" => {
                let number = |at| parts.get::<f64>(at).map(|part| part as u32);
                Bson::Timestamp(Timestamp { time: number(1)?, increment: number(2)? })
            }
            "DBPointer" => pointer(&parts.get::<String>(1)?, &parts.get::<String>(2)?),
            "Code" => self.code(parts, depth)?,
            "MinKey" => Bson::MinKey,
            "MaxKey" => Bson::MaxKey,
            _ => Bson::Undefined,
        })
    }

    fn regex(&mut self, pattern: &str, options: &str) -> Read<Bson> {
        self.grow(pattern.len().saturating_add(options.len()))?;
        if pattern.contains('\0') || options.contains('\0') {
            return Ok(Bson::Undefined);
        }
        let known: String = options.chars().filter(|c| "imsx".contains(*c)).collect();
        let regex = RawValue::Regex { pattern, options: &known };
        Ok(match regex.to_bson() {
            Bson::RegularExpression(Regex { pattern, options }) => {
                Bson::RegularExpression(Regex { pattern, options })
            }
            _ => Bson::Undefined,
        })
    }

    fn code(&mut self, parts: &Array<'js>, depth: usize) -> Read<Bson> {
        let code: String = parts.get(1)?;
        let code = self.text(code)?;
        let scope: Value<'js> = parts.get(2)?;
        Ok(match scope.as_object() {
            Some(scope) => {
                let scope = self.document(scope, depth + 1)?;
                Bson::JavaScriptCodeWithScope(JavaScriptCodeWithScope { code, scope })
            }
            None => Bson::JavaScriptCode(code),
        })
    }

    fn text(&mut self, text: String) -> Read<String> {
        self.grow(text.len())?;
        Ok(text)
    }

    fn grow(&mut self, by: usize) -> Read<()> {
        self.bytes = self.bytes.saturating_add(by);
        if self.bytes <= BYTES_MAX {
            return Ok(());
        }
        Err(Failed::Refused(CommandError::location(
            17260,
            format!(
                "Converting from JavaScript to BSON failed: Object size exceeds limit of \
                 {BYTES_MAX} bytes."
            ),
        )))
    }
}

fn pointer(namespace: &str, hex: &str) -> Bson {
    match ObjectId::parse_str(hex) {
        Ok(id) if !namespace.contains('\0') => RawValue::DbPointer { namespace, id }.to_bson(),
        _ => Bson::Undefined,
    }
}

/// What a value says when it is made a string.
pub(crate) fn shown<'js>(value: Value<'js>) -> Option<String> {
    let ctx = value.ctx().clone();
    Coerced::<String>::from_js(&ctx, value).ok().map(|text| text.0)
}
