//! Reading a point's `data` strictly.
//!
//! Owns the rule that a field is known and of its type, or refused: a fault that silently is not the
//! one that was asked for makes a test mean nothing.

use quire_bson::{RawDoc, RawValue};
use quire_errors::{CommandError, Result};
use std::time::Duration;

/// The fields nobody has taken yet.
#[derive(Debug)]
pub struct Fields<'a>(Vec<(&'a str, RawValue<'a>)>);

impl<'a> Fields<'a> {
    pub(crate) fn new(data: RawDoc<'a>) -> Fields<'a> {
        let given = data.iter().map(|element| (element.key(), element.value()));
        Fields(given.filter(|(_, value)| !matches!(value, RawValue::Null)).collect())
    }

    fn take<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl FnOnce(RawValue<'a>) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(place) = self.0.iter().position(|(key, _)| *key == name) else {
            return Ok(None);
        };
        let (_, value) = self.0.swap_remove(place);
        let wrong = || {
            CommandError::type_mismatch(format!(
                "the field '{name}' of a fail point's 'data' must be {expected}, not {}",
                value.type_name()
            ))
        };
        read(value).map(Some).ok_or_else(wrong)
    }

    /// False when it is not there.
    pub fn flag(&mut self, name: &str) -> Result<bool> {
        Ok(self.optional_flag(name)?.unwrap_or(false))
    }

    pub fn optional_flag(&mut self, name: &str) -> Result<Option<bool>> {
        self.take(name, "a boolean", RawValue::as_bool)
    }

    pub fn string(&mut self, name: &str) -> Result<Option<String>> {
        self.take(name, "a string", |value| value.as_str().map(str::to_owned))
    }

    pub fn strings(&mut self, name: &str) -> Result<Option<Vec<String>>> {
        self.take(name, "an array of strings", |value| {
            let items = value.as_array()?.iter();
            items.map(|item| item.value().as_str().map(str::to_owned)).collect()
        })
    }

    /// One of a few words.
    pub fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Result<Option<T>> {
        let given = self.string(name)?;
        given.map(|given| meaning(name, &given, words)).transpose()
    }

    /// The same for a field without which the data means nothing.
    pub fn required_word<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Result<T> {
        self.word(name, words)?.ok_or_else(|| {
            CommandError::bad_value(format!("this fail point's 'data' needs the field '{name}'"))
        })
    }

    /// Several of a few words.
    pub fn words<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Result<Option<Vec<T>>> {
        let Some(given) = self.strings(name)? else { return Ok(None) };
        given.iter().map(|given| meaning(name, given, words)).collect::<Result<_>>().map(Some)
    }

    /// A duration in milliseconds.
    pub fn millis(&mut self, name: &str) -> Result<Option<Duration>> {
        let Some(millis) = self.whole_number(name)? else { return Ok(None) };
        match u64::try_from(millis) {
            Ok(millis) => Ok(Some(Duration::from_millis(millis))),
            Err(_) => Err(CommandError::bad_value(format!("'{name}' must not be negative"))),
        }
    }

    pub fn document(&mut self, name: &str) -> Result<Option<RawDoc<'a>>> {
        self.take(name, "an object", RawValue::as_document)
    }

    pub fn whole_number(&mut self, name: &str) -> Result<Option<i64>> {
        self.take(name, "a whole number", |value| match value {
            RawValue::Int32(n) => Some(i64::from(n)),
            RawValue::Int64(n) => Some(n),
            RawValue::Double(x) if x.fract() == 0.0 => Some(x as i64),
            _ => None,
        })
    }

    pub(crate) fn finish(self) -> Result<()> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(CommandError::bad_value(format!(
                "this fail point's 'data' has no field '{name}'"
            ))),
        }
    }
}

fn meaning<T: Copy>(name: &str, given: &str, words: &[(&str, T)]) -> Result<T> {
    let found = words.iter().find(|(word, _)| *word == given);
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        CommandError::bad_value(format!(
            "'{name}' of a fail point's 'data' must be one of {}, not '{given}'",
            known.join(", ")
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::Fields;
    use quire_bson::{DocBuf, doc};

    #[test]
    fn a_field_of_another_type_is_refused_and_null_is_none() {
        let data = DocBuf::from(&doc! {
            "flag": 1, "text": 1, "list": ["a", 1], "doc": [], "number": 0.5, "null": null,
        });
        let mut fields = Fields::new(data.as_raw());
        assert!(fields.flag("flag").is_err() && fields.string("text").is_err());
        assert!(fields.strings("list").is_err() && fields.document("doc").is_err());
        assert!(fields.whole_number("number").is_err());
        assert_eq!(fields.string("null").unwrap(), None);
        assert!(fields.finish().is_ok());
    }

    #[test]
    fn a_field_nobody_took_is_refused_by_its_name() {
        let data = DocBuf::from(&doc! { "erorCode": 1 });
        let refused = Fields::new(data.as_raw()).finish().unwrap_err();
        assert!(refused.message().contains("'erorCode'"), "{refused}");
    }
}
