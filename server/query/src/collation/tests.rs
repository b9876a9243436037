use super::collation;
use quire_bson::{DocBuf, Document, doc};

fn full(spec: Document) -> Document {
    let collation = collation(DocBuf::from(&spec).as_raw()).unwrap().unwrap();
    collation.to_document().as_raw().to_document()
}

fn refused(spec: Document) -> (i32, String) {
    let error = collation(DocBuf::from(&spec).as_raw()).unwrap_err();
    (error.code().number(), error.message().to_owned())
}

#[test]
fn what_is_left_open_is_as_the_locale_has_it() {
    assert_eq!(
        full(doc! {"locale": "en_US"}),
        doc! {
            "locale": "en_US", "caseLevel": false, "caseFirst": "off", "strength": 3,
            "numericOrdering": false, "alternate": "non-ignorable", "maxVariable": "punct",
            "normalization": false, "backwards": false, "version": "57.1",
        }
    );
    for (locale, field, value) in [
        ("da", "caseFirst", "upper".into()),
        ("th", "alternate", "shifted".into()),
        ("fr_CA", "backwards", true.into()),
        ("vi", "normalization", true.into()),
    ] {
        let full: Document = full(doc! {"locale": locale});
        assert_eq!(full.get(field), Some(&value), "{locale}");
    }
    let given = doc! {"locale": "da", "caseFirst": "off", "strength": 2.0, "caseLevel": 1};
    let full = full(given);
    assert_eq!(full.get_str("caseFirst").unwrap(), "off");
    assert_eq!(full.get_i32("strength").unwrap(), 2);
    assert!(full.get_bool("caseLevel").unwrap());
}

#[test]
fn the_simple_collation_is_none() {
    let simple = doc! {"locale": "simple"};
    assert!(collation(DocBuf::from(&simple).as_raw()).unwrap().is_none());
    assert_eq!(refused(doc! {"locale": "simple", "strength": 1}).0, 9);
}

#[test]
fn refusals_name_the_field() {
    for (spec, code, words) in [
        (doc! {"strength": 1}, 40414, "collation.locale"),
        (doc! {"locale": 1}, 14, "wrong type 'int', expected type 'string'"),
        (doc! {"locale": "xx"}, 2, "Field 'locale' is invalid in: { locale: \"xx\" }"),
        (doc! {"locale": "en_us"}, 2, "'locale'"),
        (doc! {"locale": "en", "level": 1}, 40415, "collation.level"),
        (doc! {"locale": "en", "strength": 6}, 9, "'strength'"),
        (doc! {"locale": "en", "strength": 0}, 9, "1 through 5. Got: 0"),
        (doc! {"locale": "en", "strength": 2.5}, 9, "'strength'"),
        (doc! {"locale": "en", "strength": "2"}, 14, "collation.strength"),
        (doc! {"locale": "en", "caseFirst": "both"}, 2, "'both'"),
        (doc! {"locale": "en", "alternate": "x"}, 2, "collation.alternate"),
        (doc! {"locale": "en", "maxVariable": "x"}, 2, "collation.maxVariable"),
        (doc! {"locale": "en", "caseLevel": "x"}, 14, "collation.caseLevel"),
        (doc! {"locale": "en", "version": "58"}, 161, "57.1"),
        (doc! {"locale": "fr", "backwards": true, "strength": 1}, 2, "'backwards'"),
        (doc! {"locale": "en", "caseFirst": "upper", "strength": 2}, 2, "'caseFirst'"),
        (doc! {"locale": "de@collation=search"}, 115, "not supported"),
        (doc! {"locale": "sv", "backwards": true}, 115, "'backwards'"),
    ] {
        let (found, message) = refused(spec.clone());
        assert_eq!(found, code, "{spec}: {message}");
        assert!(message.contains(words), "{spec}: {message}");
    }
}
