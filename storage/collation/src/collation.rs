//! Comparing by a collation.
//!
//! Owns the one use of the collator. Values without strings compare as they do everywhere; strings
//! compare by the collator wherever they stand, inside of documents and arrays too. Names of fields
//! are no strings and compare by their bytes.

use crate::locale;
use crate::settings::{Alternate, CaseFirst, MaxVariable, Settings};
use icu_collator::options::{
    AlternateHandling, CaseLevel, CollatorOptions, MaxVariable as IcuMaxVariable, Strength,
};
use icu_collator::preferences::{CollationCaseFirst, CollationNumericOrdering};
use icu_collator::{CollatorBorrowed, CollatorPreferences};
use quire_bson::{Bson, DocBuf, RawDoc, RawValue, canonical_type};
use std::cmp::Ordering;
use std::sync::Arc;

/// Why there is no such order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    #[error("there is no locale '{0}'")]
    Locale(String),
    #[error("the collation variant of locale '{0}' is not supported by this server")]
    Variant(String),
    #[error("'backwards' is not supported for locale '{0}' by this server")]
    Backwards(String),
    #[error("a collation without its full form")]
    Form,
}

/// An order of strings other than that of their bytes.
pub struct Collation {
    settings: Settings,
    pub(crate) collator: CollatorBorrowed<'static>,
}

impl PartialEq for Collation {
    fn eq(&self, other: &Collation) -> bool {
        self.settings == other.settings
    }
}

impl Eq for Collation {}

impl std::fmt::Debug for Collation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.settings.fmt(f)
    }
}

impl Collation {
    pub fn new(settings: Settings) -> Result<Collation, Unavailable> {
        let name = || settings.locale.clone();
        let parts = locale::parse(&settings.locale).map_err(|refusal| match refusal {
            locale::Refusal::Unknown => Unavailable::Locale(name()),
            locale::Refusal::Missing => Unavailable::Variant(name()),
        })?;
        let parts = match (settings.backwards, parts.backwards()) {
            (true, false) => {
                parts.with_backward_accents().ok_or_else(|| Unavailable::Backwards(name()))?
            }
            (false, true) => parts.with_forward_accents(),
            _ => parts,
        };
        let locale = parts.to_locale().ok_or_else(|| Unavailable::Locale(name()))?;
        let mut preferences = CollatorPreferences::from(&locale);
        preferences.case_first = Some(match settings.case_first {
            CaseFirst::Upper => CollationCaseFirst::Upper,
            CaseFirst::Lower => CollationCaseFirst::Lower,
            CaseFirst::Off => CollationCaseFirst::False,
        });
        preferences.numeric_ordering = Some(match settings.numeric_ordering {
            true => CollationNumericOrdering::True,
            false => CollationNumericOrdering::False,
        });
        let collator = CollatorBorrowed::try_new(preferences, options(&settings));
        let collator = collator.map_err(|_| Unavailable::Locale(name()))?;
        Ok(Collation { settings, collator })
    }

    /// The collation that a catalogue kept in its full form; `None` for the simple one.
    pub fn from_document(doc: RawDoc<'_>) -> Result<Option<Arc<Collation>>, Unavailable> {
        if doc.get("locale").and_then(RawValue::as_str) == Some("simple") {
            return Ok(None);
        }
        let settings = Settings::from_document(doc).ok_or(Unavailable::Form)?;
        Ok(Some(Arc::new(Collation::new(settings)?)))
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The full form.
    pub fn to_document(&self) -> DocBuf {
        self.settings.to_document()
    }

    pub fn compare_text(&self, a: &str, b: &str) -> Ordering {
        self.collator.compare(a, b)
    }

    /// [`quire_bson::compare`] by this collation.
    pub fn compare(&self, a: RawValue<'_>, b: RawValue<'_>) -> Ordering {
        use RawValue::{Array, Document, String, Symbol};
        match (a, b) {
            (String(a) | Symbol(a), String(b) | Symbol(b)) => self.compare_text(a, b),
            (Document(_), Document(_)) | (Array(_), Array(_)) => {
                quire_bson::compare(self.key(a).value(), self.key(b).value())
            }
            _ => quire_bson::compare(a, b),
        }
    }

    /// [`quire_bson::compare_bson`] by this collation.
    pub fn compare_bson(&self, a: &Bson, b: &Bson) -> Ordering {
        match (a, b) {
            (Bson::String(a) | Bson::Symbol(a), Bson::String(b) | Bson::Symbol(b)) => {
                self.compare_text(a, b)
            }
            (Bson::Document(_), Bson::Document(_)) | (Bson::Array(_), Bson::Array(_)) => {
                let (a, b) = (DocBuf::of_value(a), DocBuf::of_value(b));
                self.compare(only_value(&a), only_value(&b))
            }
            _ => quire_bson::compare_bson(a, b),
        }
    }

    /// Whether comparing with this value may depend on the collation.
    pub fn concerns(value: RawValue<'_>) -> bool {
        // Strings, documents and arrays.
        matches!(canonical_type(value), 15 | 20 | 25)
    }
}

fn only_value(doc: &DocBuf) -> RawValue<'_> {
    doc.as_raw().nth(0).map_or(RawValue::Null, |element| element.value())
}

fn options(settings: &Settings) -> CollatorOptions {
    let mut options = CollatorOptions::default();
    options.strength = Some(match settings.strength {
        1 => Strength::Primary,
        2 => Strength::Secondary,
        3 => Strength::Tertiary,
        4 => Strength::Quaternary,
        _ => Strength::Identical,
    });
    options.alternate_handling = Some(match settings.alternate {
        Alternate::NonIgnorable => AlternateHandling::NonIgnorable,
        Alternate::Shifted => AlternateHandling::Shifted,
    });
    options.max_variable = Some(match settings.max_variable {
        MaxVariable::Punct => IcuMaxVariable::Punctuation,
        MaxVariable::Space => IcuMaxVariable::Space,
    });
    options.case_level = Some(if settings.case_level { CaseLevel::On } else { CaseLevel::Off });
    options
}

#[cfg(test)]
mod tests;
