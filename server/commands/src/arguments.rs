//! Reading a command's fields strictly.
//!
//! Owns MongoDB's rules for command documents: every field is known or refused, has the right type,
//! stands once, and required ones are there. A command asks for each field it knows by name and then
//! calls [`Arguments::finish`], which refuses what is left.

use crate::generic::is_generic;
use quire_bson::{RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};

/// The fields of one command that are not generic arguments.
pub struct Arguments<'a> {
    command: &'static str,
    fields: Vec<(&'a str, RawValue<'a>)>,
}

impl<'a> Arguments<'a> {
    /// Reads all fields behind the command's own name.
    pub fn read(command: &'static str, body: RawDoc<'a>) -> Result<Arguments<'a>> {
        Arguments::of(command, body, 1)
    }

    /// Reads a nested document such as one statement of an `update`, named by its path.
    pub fn nested(path: &'static str, doc: RawDoc<'a>) -> Result<Arguments<'a>> {
        Arguments::of(path, doc, 0)
    }

    fn of(command: &'static str, doc: RawDoc<'a>, skip: usize) -> Result<Arguments<'a>> {
        let mut fields: Vec<(&'a str, RawValue<'a>)> = Vec::new();
        for element in doc.iter().skip(skip) {
            let key = element.key();
            if skip == 1 && is_generic(key) {
                continue;
            }
            if fields.iter().any(|(seen, _)| *seen == key) {
                let message = format!("BSON field '{command}.{key}' is a duplicate field");
                return Err(CommandError::new(Code::Location(40413), message));
            }
            fields.push((key, element.value()));
        }
        Ok(Arguments { command, fields })
    }

    /// Takes a field whatever its type.
    pub fn take(&mut self, name: &str) -> Option<RawValue<'a>> {
        let position = self.fields.iter().position(|(key, _)| *key == name)?;
        Some(self.fields.swap_remove(position).1)
    }

    /// Accepts a field that has no effect here.
    pub fn ignore(&mut self, name: &str) {
        self.take(name);
    }

    /// Takes a field that is absent, null or of the type `read` accepts.
    fn optional<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl FnOnce(RawValue<'a>) -> Option<T>,
    ) -> Result<Option<T>> {
        match self.take(name) {
            None | Some(RawValue::Null | RawValue::Undefined) => Ok(None),
            Some(value) => match read(value) {
                Some(read) => Ok(Some(read)),
                None => Err(self.wrong_type(name, value, expected)),
            },
        }
    }

    /// The error for a field of the wrong type.
    pub fn wrong_type(&self, name: &str, value: RawValue<'_>, expected: &str) -> CommandError {
        CommandError::type_mismatch(format!(
            "BSON field '{}.{name}' is the wrong type '{}', expected type{} '{expected}'",
            self.command,
            value.type_name(),
            if expected.starts_with('[') { "s" } else { "" },
        ))
    }

    /// The error for a required field that is not there.
    pub fn missing(&self, name: &str) -> CommandError {
        CommandError::new(
            Code::Location(40414),
            format!("BSON field '{}.{name}' is missing but a required field", self.command),
        )
    }

    pub fn optional_doc(&mut self, name: &str) -> Result<Option<RawDoc<'a>>> {
        self.optional(name, "object", RawValue::as_document)
    }

    pub fn doc(&mut self, name: &str) -> Result<RawDoc<'a>> {
        self.optional_doc(name)?.ok_or_else(|| self.missing(name))
    }

    pub fn optional_array(&mut self, name: &str) -> Result<Option<RawDoc<'a>>> {
        self.optional(name, "array", RawValue::as_array)
    }

    pub fn array(&mut self, name: &str) -> Result<RawDoc<'a>> {
        self.optional_array(name)?.ok_or_else(|| self.missing(name))
    }

    pub fn optional_str(&mut self, name: &str) -> Result<Option<&'a str>> {
        self.optional(name, "string", RawValue::as_str)
    }

    pub fn str(&mut self, name: &str) -> Result<&'a str> {
        self.optional_str(name)?.ok_or_else(|| self.missing(name))
    }

    /// A strict boolean.
    pub fn optional_bool(&mut self, name: &str) -> Result<Option<bool>> {
        self.optional(name, "bool", RawValue::as_bool)
    }

    /// A boolean, or a number that stands for one; false when it is not there.
    pub fn flag(&mut self, name: &str) -> Result<bool> {
        Ok(self.optional_flag(name)?.unwrap_or(false))
    }

    /// A boolean, or a number that stands for one.
    pub fn optional_flag(&mut self, name: &str) -> Result<Option<bool>> {
        const TYPES: &str = "[bool, long, int, decimal, double]";
        self.optional(name, TYPES, |value| match value {
            RawValue::Boolean(flag) => Some(flag),
            other => number(other).map(|n| n != 0.0),
        })
    }

    /// Any number, cut to an integer.
    pub fn optional_i64(&mut self, name: &str) -> Result<Option<i64>> {
        self.optional(name, "[long, int, decimal, double]", integer)
    }

    pub fn i64(&mut self, name: &str) -> Result<i64> {
        self.optional_i64(name)?.ok_or_else(|| self.missing(name))
    }

    /// A number that must not be negative. Versions before 7.1 have a code of its own for one that is
    /// (51024).
    pub fn optional_count(&mut self, name: &str) -> Result<Option<u64>> {
        let Some(count) = self.optional_i64(name)? else { return Ok(None) };
        u64::try_from(count).map(Some).map_err(|_| {
            let message = format!("BSON field '{name}' value must be >= 0, actual value '{count}'");
            CommandError::bad_value(message)
        })
    }

    /// Refuses fields nobody asked for.
    pub fn finish(self) -> Result<()> {
        match self.fields.first() {
            None => Ok(()),
            Some((key, _)) => Err(CommandError::new(
                Code::Location(40415),
                format!("BSON field '{}.{key}' is an unknown field.", self.command),
            )),
        }
    }
}

/// A number as a double.
pub fn number(value: RawValue<'_>) -> Option<f64> {
    match value {
        RawValue::Double(x) => Some(x),
        RawValue::Int32(n) => Some(f64::from(n)),
        RawValue::Int64(n) => Some(n as f64),
        RawValue::Decimal128(bytes) => {
            quire_bson::Decimal128::from_bytes(bytes).to_string().parse().ok()
        }
        _ => None,
    }
}

/// A number cut to an integer; what lies outside of int64 is clamped, NaN is zero.
pub fn integer(value: RawValue<'_>) -> Option<i64> {
    match value {
        RawValue::Int32(n) => Some(i64::from(n)),
        RawValue::Int64(n) => Some(n),
        other => number(other).map(|x| x as i64),
    }
}

#[cfg(test)]
mod tests {
    use super::Arguments;
    use quire_bson::{DocBuf, doc};

    fn errmsg(body: quire_bson::Document, read: fn(&mut Arguments<'_>)) -> (i32, String) {
        let buf = DocBuf::from(&body);
        let error = Arguments::read("find", buf.as_raw())
            .and_then(|mut args| {
                read(&mut args);
                args.finish()
            })
            .unwrap_err();
        (error.code().number(), error.message().to_owned())
    }

    #[test]
    fn a_field_nobody_asked_for_is_refused() {
        let refused = errmsg(doc! {"find": "c", "foo": 1}, |_| ());
        assert_eq!(refused, (40415, "BSON field 'find.foo' is an unknown field.".to_owned()));
    }

    #[test]
    fn a_field_given_twice_is_refused() {
        let mut builder = quire_bson::DocBuilder::new();
        builder.append_str("find", "c").append_i32("skip", 1).append_i32("skip", 2);
        let buf = builder.finish();
        let error = Arguments::read("find", buf.as_raw()).err().unwrap();
        assert_eq!(error.code().number(), 40413);
    }

    #[test]
    fn generic_arguments_are_nobodys_business() {
        let buf = DocBuf::from(&doc! {"ping": 1, "$db": "admin", "lsid": {}, "comment": 1});
        assert!(Arguments::read("ping", buf.as_raw()).unwrap().finish().is_ok());
    }

    #[test]
    fn a_wrong_type_names_field_and_both_types() {
        let buf = DocBuf::from(&doc! {"find": "c", "filter": 3});
        let mut args = Arguments::read("find", buf.as_raw()).unwrap();
        let error = args.optional_doc("filter").unwrap_err();
        assert_eq!(
            error.message(),
            "BSON field 'find.filter' is the wrong type 'int', expected type 'object'"
        );
    }

    #[test]
    fn null_counts_as_absent() {
        let buf = DocBuf::from(&doc! {"find": "c", "filter": null});
        let mut args = Arguments::read("find", buf.as_raw()).unwrap();
        assert!(args.optional_doc("filter").unwrap().is_none());
    }
}
