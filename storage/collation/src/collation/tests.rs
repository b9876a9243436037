use crate::{Alternate, CaseFirst, Collation, MaxVariable, Settings, Unavailable, locale};
use quire_bson::{Bson, DocBuf, RawValue, doc};
use std::cmp::Ordering::{Equal, Greater, Less};

fn settings(locale: &str) -> Settings {
    let parts = locale::parse(locale).unwrap();
    Settings {
        locale: locale.to_owned(),
        case_level: false,
        case_first: parts.case_first(),
        strength: 3,
        numeric_ordering: false,
        alternate: parts.alternate(),
        max_variable: MaxVariable::Punct,
        normalization: parts.normalization(),
        backwards: parts.backwards(),
    }
}

fn collation(locale: &str, change: impl FnOnce(&mut Settings)) -> Collation {
    let mut settings = settings(locale);
    change(&mut settings);
    Collation::new(settings).unwrap()
}

#[test]
fn every_language_has_an_order_of_its_own() {
    for (locale, less, more) in [
        ("en", "apple", "Banana"),
        ("en", "a", "A"),
        ("en_US_POSIX", "Z", "a"),
        ("da", "A", "a"),
        ("sv", "z", "ö"),
        ("de", "ö", "z"),
        ("nb", "z", "å"),
        ("et", "z", "u"),
        ("es", "n", "ñ"),
        ("es", "ch", "cz"),
        ("es@collation=traditional", "cz", "ch"),
        ("de@collation=phonebook", "ad", "ä"),
        ("fr", "cote", "coté"),
        ("fr", "coté", "côte"),
        ("fr_CA", "côte", "coté"),
        ("zh", "啊", "中"),
        ("th", "เก", "ขา"),
    ] {
        let order = collation(locale, |_| {}).compare_text(less, more);
        assert_eq!(order, Less, "{locale}: {less} {more}");
    }
}

#[test]
fn settings_decide_what_counts() {
    type Change = fn(&mut Settings);
    let cases: &[(Change, &str, &str, std::cmp::Ordering)] = &[
        (|s| s.strength = 1, "Cafe", "café", Equal),
        (|s| s.strength = 2, "Cafe", "cafe", Equal),
        (|s| s.strength = 2, "cafe", "café", Less),
        (|s| s.strength = 3, "cafe", "Cafe", Less),
        (|s| (s.strength, s.case_level) = (1, true), "cafe", "café", Equal),
        (|s| (s.strength, s.case_level) = (1, true), "cafe", "Cafe", Less),
        (|s| s.case_first = CaseFirst::Upper, "cafe", "Cafe", Greater),
        (|s| s.case_first = CaseFirst::Lower, "cafe", "Cafe", Less),
        (|s| s.numeric_ordering = true, "a10", "a9", Greater),
        (|_| {}, "a10", "a9", Less),
        (|s| s.alternate = Alternate::Shifted, "a b", "ab", Equal),
        (|s| s.alternate = Alternate::Shifted, "a-b", "ab", Equal),
        (
            |s| (s.alternate, s.max_variable) = (Alternate::Shifted, MaxVariable::Space),
            "a-b",
            "ab",
            Less,
        ),
        (|s| (s.alternate, s.strength) = (Alternate::Shifted, 4), "a b", "ab", Less),
        (|s| s.backwards = true, "côte", "coté", Less),
        (|_| {}, "coté", "côte", Less),
        (|s| s.strength = 5, "a\u{1}", "a", Greater),
        (|_| {}, "a\u{1}", "a", Equal),
        (|_| {}, "e\u{301}", "é", Equal),
    ];
    for (change, a, b, expected) in cases {
        let collation = collation("en", change);
        assert_eq!(collation.compare_text(a, b), *expected, "{a} {b} {collation:?}");
    }
}

#[test]
fn canadian_accents_can_be_compared_from_the_front() {
    let forward = collation("fr_CA", |settings| settings.backwards = false);
    assert_eq!(forward.compare_text("coté", "côte"), Less);
}

#[test]
fn strings_inside_of_other_values_compare_alike() {
    let collation = collation("en", |settings| settings.strength = 2);
    for (a, b, expected) in [
        (Bson::from("A"), Bson::from("a"), Equal),
        (Bson::from(doc! {"x": ["A", 1]}), Bson::from(doc! {"x": ["a", 1.0]}), Equal),
        (Bson::from(doc! {"X": "a"}), Bson::from(doc! {"x": "a"}), Less),
        (Bson::from(vec!["b"]), Bson::from(vec!["A", "z"]), Greater),
        (Bson::from(1), Bson::from("a"), Less),
        (Bson::from(1), Bson::from(1.0), Equal),
    ] {
        assert_eq!(collation.compare_bson(&a, &b), expected, "{a} {b}");
        let (x, y) = (DocBuf::of_value(&a), DocBuf::of_value(&b));
        let value = |doc: &DocBuf| doc.as_raw().nth(0).unwrap().value().to_bson();
        assert_eq!(collation.compare_bson(&value(&x), &value(&y)), expected);
        let raw = |doc| RawValue::Document(DocBuf::as_raw(doc));
        assert_eq!(collation.compare(raw(&x), raw(&y)), expected, "{a} {b} inside");
    }
}

#[test]
fn what_is_not_there_is_told_apart_from_what_there_never_was() {
    let refused = |change: fn(&mut Settings)| {
        let mut settings = settings("sv");
        change(&mut settings);
        Collation::new(settings).unwrap_err()
    };
    assert_eq!(refused(|s| s.locale = "xx".into()), Unavailable::Locale("xx".into()));
    let search = refused(|s| s.locale = "sv@collation=search".into());
    assert_eq!(search, Unavailable::Variant("sv@collation=search".into()));
    assert_eq!(refused(|s| s.backwards = true), Unavailable::Backwards("sv".into()));
}
