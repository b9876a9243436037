use crate::{Collation, Settings};
use proptest::prelude::*;
use quire_bson::{Bson, DocBuf, RawValue, compare, doc};

fn collation(locale: &str, strength: i32, extra: (&str, Bson)) -> Collation {
    let mut form = doc! {
        "locale": locale, "caseLevel": false, "caseFirst": "off", "strength": strength,
        "numericOrdering": false, "alternate": "non-ignorable", "maxVariable": "punct",
        "normalization": false, "backwards": locale == "fr_CA",
    };
    form.insert(extra.0, extra.1);
    let settings = Settings::from_document(DocBuf::from(&form).as_raw()).unwrap();
    Collation::new(settings).unwrap()
}

fn collations() -> Vec<Collation> {
    let none = || ("strength", Bson::Int32(3));
    vec![
        collation("en", 3, none()),
        collation("en", 1, ("strength", 1.into())),
        collation("en", 1, ("strength", 2.into())),
        collation("en", 5, ("strength", 5.into())),
        collation("en", 3, ("numericOrdering", true.into())),
        collation("en", 3, ("caseFirst", "upper".into())),
        collation("en", 4, ("alternate", "shifted".into())),
        collation("fr_CA", 3, none()),
        collation("sv", 3, none()),
        collation("zh", 3, none()),
        collation("ja", 3, none()),
    ]
}

/// These bytes are in indexes on disk: other ones are another format.
#[test]
fn keys_stay_as_they_are() {
    let hex = |collation: &Collation, text: &str| -> String {
        collation.text_key(text).chars().map(|c| format!("{:02x}", u32::from(c))).collect()
    };
    for (at, text, expected) in [
        (0, "", "0101"),
        (0, "Quire", "4b533b4d33010901dc08"),
        (1, "Quire", "4b533b4d33"),
        (2, "Café", "2f2b3533014288"),
        (4, "a10", "2b100c01060106"),
        (8, "ö", "5e7f0401050105"),
    ] {
        let collations = collations();
        assert_eq!(hex(&collations[at], text), expected, "{text} by {:?}", collations[at]);
    }
}

#[test]
fn only_strings_change() {
    let english = collation("en", 2, ("strength", 2.into()));
    let value = doc! {"a": "X", "X": [1, "x", {"b": "X"}], "c": null};
    let buf = DocBuf::from(&value);
    let key = english.key(RawValue::Document(buf.as_raw())).value().to_bson();
    let x = english.text_key("x");
    assert_eq!(key, Bson::from(doc! {"a": &x, "X": [1, &x, {"b": &x}], "c": null}));
    assert_eq!(english.key(RawValue::Int32(7)).value().to_bson(), Bson::Int32(7));
}

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-cA-C]{0,3}",
        2 => "[0-9]{0,3}",
        2 => "[ \\-_.,!]{0,2}",
        2 => "[éèêôöåäßñçø]{0,2}",
        1 => "[\u{0}\u{1}\u{301}\u{308}\u{323}]{0,2}",
        1 => "[中啊日本あアｱ]{0,2}",
        1 => "\\PC{0,2}",
    ];
    proptest::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn keys_order_as_their_strings_do(a in text(), b in text()) {
        for collation in collations() {
            let (x, y) = (collation.text_key(&a), collation.text_key(&b));
            let by_keys = compare(RawValue::String(&x), RawValue::String(&y));
            prop_assert_eq!(by_keys, collation.compare_text(&a, &b), "{:?}", collation);
        }
    }
}
