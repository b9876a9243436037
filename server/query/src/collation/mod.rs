//! The `collation` option of commands.
//!
//! Owns reading it, with the refusals and words that clients know, and filling in what it leaves
//! open. What a collation does is `quire_collation`'s.

use quire_bson::{Number, RawDoc, RawElement};
use quire_collation::{
    Alternate, CaseFirst, Collation, MaxVariable, Settings, Unavailable, locale,
};
use quire_errors::{Code, CommandError, Result};
use std::sync::Arc;

/// The version of collations that clients may name.
const VERSION: &str = "57.1";

/// The fields as they were given.
#[derive(Default)]
struct Given<'a> {
    locale: Option<&'a str>,
    case_level: Option<bool>,
    case_first: Option<CaseFirst>,
    strength: Option<u8>,
    numeric_ordering: Option<bool>,
    alternate: Option<Alternate>,
    max_variable: Option<MaxVariable>,
    normalization: Option<bool>,
    backwards: Option<bool>,
}

/// Reads a collation; `None` is the simple one, which compares bytes.
pub fn collation(spec: RawDoc<'_>) -> Result<Option<Arc<Collation>>> {
    let mut given = Given::default();
    for element in spec {
        read(element, &mut given)?;
    }
    let Some(name) = given.locale else {
        return Err(CommandError::location(
            40414,
            "BSON field 'collation.locale' is missing but a required field",
        ));
    };
    if name == "simple" {
        if spec.count() > 1 {
            return Err(CommandError::failed_to_parse(format!(
                "The 'simple' collation cannot be combined with other fields: {}",
                crate::render::document(spec)
            )));
        }
        return Ok(None);
    }
    let settings = complete(&given, name, spec)?;
    check(&settings, spec)?;
    match Collation::new(settings) {
        Ok(collation) => Ok(Some(Arc::new(collation))),
        Err(missing @ (Unavailable::Variant(_) | Unavailable::Backwards(_))) => {
            Err(CommandError::new(Code::CommandNotSupported, missing.to_string()))
        }
        Err(Unavailable::Locale(_) | Unavailable::Form) => Err(invalid_locale(spec)),
    }
}

fn read<'a>(element: RawElement<'a>, given: &mut Given<'a>) -> Result<()> {
    match element.key() {
        "locale" => given.locale = Some(text(element)?),
        "caseLevel" => given.case_level = Some(flag(element)?),
        "caseFirst" => given.case_first = Some(named(element, CaseFirst::named)?),
        "strength" => given.strength = Some(strength(element)?),
        "numericOrdering" => given.numeric_ordering = Some(flag(element)?),
        "alternate" => given.alternate = Some(named(element, Alternate::named)?),
        "maxVariable" => given.max_variable = Some(named(element, MaxVariable::named)?),
        "normalization" => given.normalization = Some(flag(element)?),
        "backwards" => given.backwards = Some(flag(element)?),
        "version" => check_version(text(element)?)?,
        unknown => {
            return Err(CommandError::location(
                40415,
                format!("BSON field 'collation.{unknown}' is an unknown field."),
            ));
        }
    }
    Ok(())
}

fn wrong_type(element: RawElement<'_>, expected: &str) -> CommandError {
    CommandError::type_mismatch(format!(
        "BSON field 'collation.{}' is the wrong type '{}', expected type{expected}",
        element.key(),
        element.value().type_name()
    ))
}

fn text(element: RawElement<'_>) -> Result<&str> {
    element.value().as_str().ok_or_else(|| wrong_type(element, " 'string'"))
}

/// Flags may be given as numbers.
fn flag(element: RawElement<'_>) -> Result<bool> {
    let number = Number::from_raw(element.value());
    let flag = element.value().as_bool();
    flag.or_else(|| number.map(|n| !n.compare(Number::Int32(0)).is_eq()))
        .ok_or_else(|| wrong_type(element, "s '[bool, long, int, decimal, double]'"))
}

fn named<T>(element: RawElement<'_>, find: fn(&str) -> Option<T>) -> Result<T> {
    let name = text(element)?;
    find(name).ok_or_else(|| {
        CommandError::bad_value(format!(
            "Enumeration value '{name}' for field 'collation.{}' is not a valid value.",
            element.key()
        ))
    })
}

fn strength(element: RawElement<'_>) -> Result<u8> {
    let value = element.value();
    if !value.is_number() {
        return Err(wrong_type(element, "s '[long, int, decimal, double]'"));
    }
    let whole = quire_bson::as_exact_i64(value).and_then(|n| u8::try_from(n).ok());
    whole.filter(|n| (1..=5).contains(n)).ok_or_else(|| {
        CommandError::failed_to_parse(format!(
            "Field 'strength' must be an integer 1 through 5. Got: {}",
            crate::render::value(value)
        ))
    })
}

fn check_version(version: &str) -> Result<()> {
    if version == VERSION {
        return Ok(());
    }
    Err(CommandError::new(
        Code::IncompatibleCollationVersion,
        format!(
            "Requested collation version {version} but the only available collator version was \
             {VERSION}"
        ),
    ))
}

fn invalid_locale(spec: RawDoc<'_>) -> CommandError {
    CommandError::bad_value(format!(
        "Field 'locale' is invalid in: {}",
        crate::render::document(spec)
    ))
}

/// What is left open is as the locale has it.
fn complete(given: &Given<'_>, name: &str, spec: RawDoc<'_>) -> Result<Settings> {
    let parts = match locale::parse(name) {
        Ok(parts) => parts,
        Err(locale::Refusal::Unknown) => return Err(invalid_locale(spec)),
        Err(locale::Refusal::Missing) => {
            let missing = Unavailable::Variant(name.to_owned());
            return Err(CommandError::new(Code::CommandNotSupported, missing.to_string()));
        }
    };
    Ok(Settings {
        locale: name.to_owned(),
        case_level: given.case_level.unwrap_or(false),
        case_first: given.case_first.unwrap_or(parts.case_first()),
        strength: given.strength.unwrap_or(3),
        numeric_ordering: given.numeric_ordering.unwrap_or(false),
        alternate: given.alternate.unwrap_or(parts.alternate()),
        max_variable: given.max_variable.unwrap_or(MaxVariable::Punct),
        normalization: given.normalization.unwrap_or(parts.normalization()),
        backwards: given.backwards.unwrap_or(parts.backwards()),
    })
}

/// Refuses settings that cannot be meant together.
fn check(settings: &Settings, spec: RawDoc<'_>) -> Result<()> {
    let refused = |why: &str| {
        Err(CommandError::bad_value(format!("{why} in: {}", crate::render::document(spec))))
    };
    if settings.backwards && settings.strength == 1 {
        return refused("'backwards' is invalid with 'strength' of 1");
    }
    if settings.case_first != CaseFirst::Off && !settings.case_level && settings.strength < 3 {
        return refused(
            "'caseFirst' is invalid unless 'caseLevel' is on or 'strength' is greater than 2",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
