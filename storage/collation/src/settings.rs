//! What a collation says, and its one full form as a document.
//!
//! The full form is what catalogues keep and clients are shown: every field, in one order. Two
//! collations are the same when their full forms are.

use quire_bson::{DocBuf, DocBuilder, RawDoc, RawValue};

/// Which case comes first where only case differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseFirst {
    Upper,
    Lower,
    Off,
}

/// Whether spaces and punctuation count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alternate {
    NonIgnorable,
    Shifted,
}

/// What [`Alternate::Shifted`] ignores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxVariable {
    Punct,
    Space,
}

/// A value with a name on the wire.
trait Named: Copy + PartialEq + 'static {
    const NAMES: &'static [(&'static str, Self)];

    fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, value)| *value == self).map_or("", |(name, _)| name)
    }

    fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

impl Named for CaseFirst {
    const NAMES: &'static [(&'static str, CaseFirst)] =
        &[("upper", CaseFirst::Upper), ("lower", CaseFirst::Lower), ("off", CaseFirst::Off)];
}

impl Named for Alternate {
    const NAMES: &'static [(&'static str, Alternate)] =
        &[("non-ignorable", Alternate::NonIgnorable), ("shifted", Alternate::Shifted)];
}

impl Named for MaxVariable {
    const NAMES: &'static [(&'static str, MaxVariable)] =
        &[("punct", MaxVariable::Punct), ("space", MaxVariable::Space)];
}

impl CaseFirst {
    /// The setting with this name on the wire.
    pub fn named(name: &str) -> Option<CaseFirst> {
        Named::named(name)
    }
}

impl Alternate {
    /// The setting with this name on the wire.
    pub fn named(name: &str) -> Option<Alternate> {
        Named::named(name)
    }
}

impl MaxVariable {
    /// The setting with this name on the wire.
    pub fn named(name: &str) -> Option<MaxVariable> {
        Named::named(name)
    }
}

/// A collation other than the simple one, with everything decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// As given: `en_US`, `de@collation=phonebook`.
    pub locale: String,
    pub case_level: bool,
    pub case_first: CaseFirst,
    /// 1 to 5: base letters, accents, case, punctuation, code points.
    pub strength: u8,
    pub numeric_ordering: bool,
    pub alternate: Alternate,
    pub max_variable: MaxVariable,
    /// Shown again; text is always compared as if it were normalized.
    pub normalization: bool,
    pub backwards: bool,
}

/// The version of the collation tables that clients of MongoDB 8.0 see.
pub const VERSION: &str = "57.1";

impl Settings {
    /// The full form.
    pub fn to_document(&self) -> DocBuf {
        let mut b = DocBuilder::new();
        b.append_str("locale", &self.locale);
        b.append_bool("caseLevel", self.case_level);
        b.append_str("caseFirst", self.case_first.name());
        b.append_i32("strength", i32::from(self.strength));
        b.append_bool("numericOrdering", self.numeric_ordering);
        b.append_str("alternate", self.alternate.name());
        b.append_str("maxVariable", self.max_variable.name());
        b.append_bool("normalization", self.normalization);
        b.append_bool("backwards", self.backwards);
        b.append_str("version", VERSION);
        b.finish()
    }

    /// Reads the full form back; `None` for anything else.
    pub fn from_document(doc: RawDoc<'_>) -> Option<Settings> {
        let text = |name: &str| doc.get(name).and_then(RawValue::as_str);
        let flag = |name: &str| doc.get(name).and_then(RawValue::as_bool);
        let RawValue::Int32(strength) = doc.get("strength")? else { return None };
        Some(Settings {
            locale: text("locale")?.to_owned(),
            case_level: flag("caseLevel")?,
            case_first: CaseFirst::named(text("caseFirst")?)?,
            strength: u8::try_from(strength).ok()?,
            numeric_ordering: flag("numericOrdering")?,
            alternate: Alternate::named(text("alternate")?)?,
            max_variable: MaxVariable::named(text("maxVariable")?)?,
            normalization: flag("normalization")?,
            backwards: flag("backwards")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_full_form_is_read_back_and_nothing_less_is() {
        let settings = Settings {
            locale: "fr_CA".to_owned(),
            case_level: true,
            case_first: CaseFirst::Upper,
            strength: 2,
            numeric_ordering: true,
            alternate: Alternate::Shifted,
            max_variable: MaxVariable::Space,
            normalization: true,
            backwards: true,
        };
        let full = settings.to_document();
        assert_eq!(Settings::from_document(full.as_raw()), Some(settings));
        assert_eq!(full.as_raw().get("version").and_then(RawValue::as_str), Some("57.1"));
        for without in ["locale", "strength", "caseFirst", "backwards"] {
            let mut less = full.as_raw().to_document();
            less.remove(without);
            assert_eq!(Settings::from_document(DocBuf::from(&less).as_raw()), None, "{without}");
        }
    }
}
