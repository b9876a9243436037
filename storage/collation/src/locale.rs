//! Which locales a collation may name, and the tables that stand for them.
//!
//! Owns reading a locale's name, strictly as ICU writes it: `en`, `en_US`, `zh_Hant`,
//! `es@collation=traditional`. Also what a locale decides where a collation leaves it open.

use crate::settings::{Alternate, CaseFirst};
use icu_locale_core::Locale;

/// The languages that have an order, by their codes, ascending.
const LANGUAGES: &[&str] = &[
    "af", "am", "ar", "as", "az", "be", "bg", "bn", "bo", "bs", "ca", "chr", "cs", "cy", "da",
    "de", "dsb", "dz", "ee", "el", "en", "eo", "es", "et", "fa", "fi", "fil", "fo", "fr", "ga",
    "gl", "gu", "ha", "haw", "he", "hi", "hr", "hsb", "hu", "hy", "id", "ig", "is", "it", "ja",
    "ka", "kk", "kl", "km", "kn", "ko", "kok", "ky", "lb", "lkt", "ln", "lo", "lt", "lv", "mk",
    "ml", "mn", "mr", "ms", "mt", "my", "nb", "ne", "nl", "nn", "om", "or", "pa", "pl", "ps", "pt",
    "ro", "ru", "se", "si", "sk", "sl", "smn", "sq", "sr", "sv", "sw", "ta", "te", "th", "to",
    "tr", "ug", "uk", "ur", "vi", "wae", "yi", "yo", "zh", "zu",
];

/// The variants of a language's order: language, name, and the name of its table if there is one.
const VARIANTS: &[(&str, &str, Option<&str>)] = &[
    ("ar", "compat", Some("compat")),
    ("bn", "traditional", Some("trad")),
    ("de", "eor", Some("eor")),
    ("de", "phonebook", Some("phonebk")),
    ("es", "traditional", Some("trad")),
    ("fi", "traditional", Some("trad")),
    ("ja", "unihan", Some("unihan")),
    ("kn", "traditional", Some("trad")),
    ("ko", "unihan", Some("unihan")),
    ("ln", "phonetic", None),
    ("ko", "searchjl", None),
    ("si", "dictionary", Some("dict")),
    ("vi", "traditional", Some("trad")),
    ("zh", "big5han", None),
    ("zh", "gb2312han", None),
    ("zh", "pinyin", Some("pinyin")),
    ("zh", "stroke", Some("stroke")),
    ("zh", "unihan", Some("unihan")),
    ("zh", "zhuyin", Some("zhuyin")),
];

/// Languages whose text is normalized unless a collation says otherwise.
const NORMALIZED: &[&str] = &[
    "as", "bn", "el", "fa", "gu", "he", "hi", "kn", "kok", "ml", "mr", "ne", "or", "pa", "ps",
    "si", "ta", "te", "th", "ur", "vi", "yi",
];

/// Why a name means no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such locale, or its name is not written as it must be.
    Unknown,
    /// There is such an order, but not here.
    Missing,
}

/// A locale by its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    language: &'a str,
    script: Option<&'a str>,
    region: Option<&'a str>,
    /// `en_US_POSIX`: upper case before lower case, as in C.
    posix: bool,
    /// The name of a table.
    table: Option<&'static str>,
}

/// Reads a locale's name.
pub fn parse(name: &str) -> Result<Parts<'_>, Refusal> {
    let (base, keywords) = match name.split_once('@') {
        Some((base, keywords)) => (base, Some(keywords)),
        None => (name, None),
    };
    let mut parts = base.split('_').peekable();
    let language = parts.next().filter(|code| LANGUAGES.binary_search(code).is_ok());
    let language = language.ok_or(Refusal::Unknown)?;
    let script = parts.next_if(|part| is_script(part));
    let region = parts.next_if(|part| is_region(part));
    let posix = language == "en" && region == Some("US") && parts.next_if_eq(&"POSIX").is_some();
    if parts.next().is_some() {
        return Err(Refusal::Unknown);
    }
    let table = keywords.map(|keywords| table_of(language, keywords)).transpose()?.flatten();
    Ok(Parts { language, script, region, posix, table })
}

fn is_script(part: &str) -> bool {
    let mut letters = part.chars();
    part.len() == 4
        && letters.next().is_some_and(|first| first.is_ascii_uppercase())
        && letters.all(|letter| letter.is_ascii_lowercase())
}

fn is_region(part: &str) -> bool {
    match part.len() {
        2 => part.bytes().all(|letter| letter.is_ascii_uppercase()),
        3 => part.bytes().all(|digit| digit.is_ascii_digit()),
        _ => false,
    }
}

fn table_of(language: &str, keywords: &str) -> Result<Option<&'static str>, Refusal> {
    let variant = keywords.strip_prefix("collation=").ok_or(Refusal::Unknown)?;
    match variant {
        "standard" => return Ok(None),
        // Made for finding text inside of text; there is a table for every language in ICU.
        "search" => return Err(Refusal::Missing),
        _ => {}
    }
    let known = VARIANTS.iter().find(|(of, name, _)| *of == language && *name == variant);
    match known {
        Some((_, _, Some(table))) => Ok(Some(table)),
        Some((_, _, None)) => Err(Refusal::Missing),
        None => Err(Refusal::Unknown),
    }
}

impl Parts<'_> {
    pub(crate) fn to_locale(self) -> Option<Locale> {
        let mut tag = self.language.to_owned();
        for part in [self.script, self.region, self.posix.then_some("posix")].into_iter().flatten()
        {
            tag.push('-');
            tag.push_str(part);
        }
        if let Some(table) = self.table {
            tag.push_str("-u-co-");
            tag.push_str(table);
        }
        tag.parse().ok()
    }

    /// The locale whose order is this one's with accents compared from the end of the text; `None`
    /// where there is none.
    pub(crate) fn with_backward_accents(self) -> Option<Self> {
        const ROOT_ORDER: &[&str] = &["de", "en", "fr", "id", "it", "ms", "nl", "pt", "sw"];
        let fits = ROOT_ORDER.contains(&self.language) && !self.posix && self.table.is_none();
        fits.then_some(Parts { language: "fr", script: None, region: Some("CA"), ..self })
    }

    /// The locale whose order is this one's without what it says of accents.
    pub(crate) fn with_forward_accents(self) -> Self {
        if self.is_canadian_french() { Parts { region: None, ..self } } else { self }
    }

    fn is_canadian_french(self) -> bool {
        self.language == "fr" && self.region == Some("CA")
    }

    /// The order of cases, where the collation leaves it open.
    pub fn case_first(self) -> CaseFirst {
        if matches!(self.language, "da" | "mt") { CaseFirst::Upper } else { CaseFirst::Off }
    }

    /// Whether punctuation counts, where the collation leaves it open.
    pub fn alternate(self) -> Alternate {
        if self.language == "th" { Alternate::Shifted } else { Alternate::NonIgnorable }
    }

    /// Whether text is normalized, where the collation leaves it open.
    pub fn normalization(self) -> bool {
        NORMALIZED.contains(&self.language)
    }

    /// Whether accents are compared from the end, where the collation leaves it open.
    pub fn backwards(self) -> bool {
        self.is_canadian_french()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_ascend_for_the_search() {
        assert!(LANGUAGES.is_sorted());
    }

    #[test]
    fn a_locale_is_read_as_icu_writes_it() {
        for (name, tag) in [
            ("en", "en"),
            ("en_US", "en-US"),
            ("en_US_POSIX", "en-US-posix"),
            ("zh_Hant", "zh-Hant"),
            ("zh_Hant_TW", "zh-Hant-TW"),
            ("es_419", "es-419"),
            ("es@collation=traditional", "es-u-co-trad"),
            ("de_AT@collation=phonebook", "de-AT-u-co-phonebk"),
            ("de@collation=standard", "de"),
        ] {
            let locale = parse(name).unwrap().to_locale().unwrap();
            assert_eq!(locale.to_string(), tag);
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for name in [
            "",
            "xx",
            "EN",
            "en_us",
            "en-US",
            "en_",
            "_US",
            "en_US_",
            "english",
            "en\0",
            "root",
            "fr_US_POSIX",
            "de@phonebook",
            "de@collation=",
            "de@collation=traditional",
            "de@colStrength=primary",
            "en_US_Latn",
        ] {
            assert_eq!(parse(name), Err(Refusal::Unknown), "{name}");
        }
        for name in ["de@collation=search", "zh@collation=big5han"] {
            assert_eq!(parse(name), Err(Refusal::Missing), "{name}");
        }
    }
}
