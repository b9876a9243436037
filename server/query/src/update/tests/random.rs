//! Whatever is applied to whatever, the outcome is a refusal or a valid document.

use super::{constants, parse};
use crate::update::{Applied, Options, Update};
use proptest::prelude::*;
use quire_bson::validate::{Limits, validate};
use quire_bson::{Bson, DocBuf, Document, RawValue, doc};

fn scalar() -> impl Strategy<Value = Bson> {
    prop_oneof![
        any::<i32>().prop_map(Bson::Int32),
        any::<i64>().prop_map(Bson::Int64),
        any::<f64>().prop_map(Bson::Double),
        "[a-c$.]{0,3}".prop_map(Bson::String),
        Just(Bson::Null),
        any::<bool>().prop_map(Bson::Boolean),
    ]
}

fn value() -> impl Strategy<Value = Bson> {
    scalar().prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Bson::Array),
            prop::collection::vec((name(), inner), 0..4)
                .prop_map(|fields| Bson::Document(fields.into_iter().collect())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[abc]",
        "[0-2]",
        Just("$each".to_owned()),
        Just("$slice".to_owned()),
        Just("$sort".to_owned()),
        Just("$position".to_owned()),
    ]
}

fn path() -> impl Strategy<Value = String> {
    let part = prop_oneof![4 => "[abc]", 2 => "[0-2]", 1 => Just("$".to_owned()),
        1 => Just("$[]".to_owned()), 1 => Just("_id".to_owned()), 1 => Just(String::new())];
    prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("."))
}

fn stored() -> impl Strategy<Value = Document> {
    prop::collection::vec(("[abc]", value()), 0..4).prop_map(|fields| {
        let mut doc = doc! { "_id": 1 };
        doc.extend(fields);
        doc
    })
}

fn change() -> impl Strategy<Value = Document> {
    let operator = prop::sample::select(vec![
        "$set",
        "$unset",
        "$inc",
        "$mul",
        "$min",
        "$max",
        "$rename",
        "$setOnInsert",
        "$currentDate",
        "$push",
        "$pop",
        "$pull",
        "$pullAll",
        "$addToSet",
        "$bit",
    ]);
    let arguments = prop::collection::vec((path(), value()), 0..3)
        .prop_map(|arguments| arguments.into_iter().collect::<Document>());
    prop::collection::vec((operator, arguments), 1..3)
        .prop_map(|all| all.into_iter().map(|(name, doc)| (name.to_owned(), doc.into())).collect())
}

proptest! {
    #[test]
    fn an_update_gives_a_valid_document_with_its_id_or_a_refusal(
        before in stored(), change in change(), position in prop::option::of(0usize..3),
    ) {
        let Ok(update) = parse(change, &[]) else { return Ok(()) };
        let before = DocBuf::from(&before);
        let Ok(applied) = update.apply(before.as_raw(), position) else { return Ok(()) };
        if let Applied::Changed(after) = applied {
            let after = validate(after.as_bytes(), Limits::default()).unwrap();
            prop_assert!(after.as_bytes() != before.as_bytes());
            prop_assert!(matches!(after.get("_id"), Some(RawValue::Int32(1))));
        }
    }

    #[test]
    fn setting_a_field_makes_it_what_was_set_and_once_is_enough(
        before in stored(), field in "[abc]", value in value(),
    ) {
        let change = DocBuf::from(&doc! { "$set": { &field: value } });
        let raw = RawValue::Document(change.as_raw());
        let update = Update::parse(raw, &constants(), Options::default()).unwrap();
        let before = DocBuf::from(&before);
        let after = match update.apply(before.as_raw(), None).unwrap() {
            Applied::Changed(after) => after,
            Applied::NoChange => before,
        };
        let wanted = change.as_raw().get("$set").and_then(RawValue::as_document).unwrap();
        let found = after.as_raw().iter().find(|element| element.key() == field).unwrap();
        prop_assert_eq!(Some(found.value_bytes()), wanted.nth(0).map(|e| e.value_bytes()));
        prop_assert_eq!(update.apply(after.as_raw(), None).unwrap(), Applied::NoChange);
    }
}
