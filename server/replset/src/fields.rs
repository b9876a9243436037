//! Reading a document's fields strictly: every field is known or refused, has the right type, stands
//! once, and required ones are there.

use quire_bson::{Number, RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};
use std::ops::RangeInclusive;

const NUMBERS: &str = "[long, int, decimal, double]";
const FLAGS: &str = "[bool, long, int, decimal, double]";

/// The fields of one document that were not taken yet.
pub(crate) struct Fields<'a> {
    /// How errors name the document.
    context: &'static str,
    fields: Vec<(&'a str, RawValue<'a>)>,
}

impl<'a> Fields<'a> {
    pub(crate) fn read(context: &'static str, doc: RawDoc<'a>) -> Result<Fields<'a>> {
        let mut fields: Vec<(&'a str, RawValue<'a>)> = Vec::new();
        for element in doc {
            let key = element.key();
            if fields.iter().any(|(seen, _)| *seen == key) {
                let message = format!("BSON field '{context}.{key}' is a duplicate field");
                return Err(CommandError::new(Code::Location(40413), message));
            }
            fields.push((key, element.value()));
        }
        Ok(Fields { context, fields })
    }

    /// Takes a field whatever its type.
    pub(crate) fn take(&mut self, name: &str) -> Option<RawValue<'a>> {
        let position = self.fields.iter().position(|(key, _)| *key == name)?;
        Some(self.fields.swap_remove(position).1)
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
            Some(value) => {
                read(value).map(Some).ok_or_else(|| self.wrong_type(name, value, expected))
            }
        }
    }

    pub(crate) fn wrong_type(
        &self,
        name: &str,
        value: RawValue<'_>,
        expected: &str,
    ) -> CommandError {
        CommandError::type_mismatch(format!(
            "BSON field '{}.{name}' is the wrong type '{}', expected type{} '{expected}'",
            self.context,
            value.type_name(),
            if expected.starts_with('[') { "s" } else { "" },
        ))
    }

    fn missing(&self, name: &str) -> CommandError {
        CommandError::location(
            40414,
            format!("BSON field '{}.{name}' is missing but a required field", self.context),
        )
    }

    pub(crate) fn doc(&mut self, name: &str) -> Result<Option<RawDoc<'a>>> {
        self.optional(name, "object", RawValue::as_document)
    }

    pub(crate) fn array(&mut self, name: &str) -> Result<Option<RawDoc<'a>>> {
        self.optional(name, "array", RawValue::as_array)
    }

    pub(crate) fn required_array(&mut self, name: &str) -> Result<RawDoc<'a>> {
        self.array(name)?.ok_or_else(|| self.missing(name))
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<Option<&'a str>> {
        self.optional(name, "string", RawValue::as_str)
    }

    pub(crate) fn required_text(&mut self, name: &str) -> Result<&'a str> {
        self.text(name)?.ok_or_else(|| self.missing(name))
    }

    /// A boolean, or a number that stands for one.
    pub(crate) fn flag(&mut self, name: &str) -> Result<Option<bool>> {
        self.optional(name, FLAGS, |value| match value {
            RawValue::Boolean(flag) => Some(flag),
            other => Number::from_raw(other).map(|number| !number.is_zero()),
        })
    }

    /// Any number, as a double.
    pub(crate) fn double(&mut self, name: &str) -> Result<Option<f64>> {
        self.optional(name, NUMBERS, |value| Number::from_raw(value).map(Number::to_f64))
    }

    /// Any number, cut to an integer, that lies in `range`.
    pub(crate) fn integer(
        &mut self,
        name: &str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<i64>> {
        let read = |value| Number::from_raw(value).map(saturating_i64);
        let Some(n) = self.optional(name, NUMBERS, read)? else { return Ok(None) };
        bounded(name, n, *range.start(), *range.end())?;
        Ok(Some(n))
    }

    pub(crate) fn required_integer(
        &mut self,
        name: &str,
        range: RangeInclusive<i64>,
    ) -> Result<i64> {
        self.integer(name, range)?.ok_or_else(|| self.missing(name))
    }

    /// Refuses fields nobody asked for.
    pub(crate) fn finish(self) -> Result<()> {
        match self.fields.first() {
            None => Ok(()),
            Some((key, _)) => Err(CommandError::location(
                40415,
                format!("BSON field '{}.{key}' is an unknown field.", self.context),
            )),
        }
    }
}

/// Refuses what lies outside of the bounds, both included.
pub(crate) fn bounded<T: PartialOrd + std::fmt::Display>(
    name: &str,
    value: T,
    min: T,
    max: T,
) -> Result<()> {
    let (sign, bound) = if value < min {
        (">=", min)
    } else if value <= max {
        return Ok(());
    } else {
        // NaN is neither, and no better above than below.
        ("<=", max)
    };
    Err(CommandError::bad_value(format!(
        "BSON field '{name}' value must be {sign} {bound}, actual value '{value}'"
    )))
}

/// A number cut to an integer; what lies outside of int64 is clamped, NaN is zero.
pub(crate) fn saturating_i64(number: Number) -> i64 {
    number.to_i64_truncating().unwrap_or_else(|| number.to_f64() as i64)
}

#[cfg(test)]
mod tests {
    use super::{Fields, bounded};
    use quire_bson::{DocBuf, DocBuilder, doc};

    fn refusal(
        body: quire_bson::Document,
        read: impl FnOnce(&mut Fields<'_>) -> quire_errors::Result<()>,
    ) -> (i32, String) {
        let buf = DocBuf::from(&body);
        let mut fields = Fields::read("C", buf.as_raw()).unwrap();
        let error = read(&mut fields).and_then(|()| fields.finish()).unwrap_err();
        (error.code().number(), error.message().to_owned())
    }

    #[test]
    fn refusals_name_the_document_and_the_field() {
        assert_eq!(
            refusal(doc! {"a": 1}, |_| Ok(())),
            (40415, "BSON field 'C.a' is an unknown field.".to_owned())
        );
        assert_eq!(
            refusal(doc! {}, |f| f.required_text("a").map(drop)),
            (40414, "BSON field 'C.a' is missing but a required field".to_owned())
        );
        assert_eq!(
            refusal(doc! {"a": 1}, |f| f.text("a").map(drop)),
            (14, "BSON field 'C.a' is the wrong type 'int', expected type 'string'".to_owned())
        );
        assert_eq!(
            refusal(doc! {"a": 2}, |f| f.integer("a", 0..=1).map(drop)),
            (2, "BSON field 'a' value must be <= 1, actual value '2'".to_owned())
        );
        assert_eq!(
            refusal(doc! {"a": -1}, |f| f.integer("a", 0..=1).map(drop)),
            (2, "BSON field 'a' value must be >= 0, actual value '-1'".to_owned())
        );
    }

    #[test]
    fn a_field_given_twice_is_refused() {
        let mut b = DocBuilder::new();
        b.append_i32("a", 1).append_i32("a", 1);
        let error = Fields::read("C", b.finish().as_raw()).err().unwrap();
        assert_eq!(error.code().number(), 40413);
    }

    #[test]
    fn a_flag_may_be_a_number_and_null_counts_as_absent() {
        let buf = DocBuf::from(&doc! {"a": 1.0, "b": 0, "c": null, "d": "x"});
        let mut fields = Fields::read("C", buf.as_raw()).unwrap();
        assert_eq!(fields.flag("a").unwrap(), Some(true));
        assert_eq!(fields.flag("b").unwrap(), Some(false));
        assert_eq!(fields.flag("c").unwrap(), None);
        assert!(fields.flag("d").is_err());
    }

    #[test]
    fn what_is_no_number_is_in_no_range() {
        assert!(bounded("a", f64::NAN, 0.0, 1.0).is_err());
        assert!(bounded("a", 0.5, 0.0, 1.0).is_ok());
    }
}
