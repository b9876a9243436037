use super::*;
use crate::{Limits, doc, validate};

#[test]
fn what_is_written_in_several_calls_is_as_if_it_were_written_in_one() {
    let (mut nested, around_nested) = DocBuilder::new().open("a");
    nested.append_i32("x", 1);
    let (mut list, around_list) = nested.open_array("l");
    list.push(RawValue::Int32(2)).push(RawValue::Null);
    let mut nested = list.close(around_list);
    nested.append_i32("y", 3);
    let mut outer = nested.close(around_nested);
    outer.append_i32("b", 4);
    let keys: Vec<_> = outer.elements().map(|element| element.key().to_owned()).collect();
    assert_eq!(keys, ["a", "b"]);
    let expected = doc! { "a": { "x": 1, "l": [2, Bson::Null], "y": 3 }, "b": 4 };
    assert_eq!(outer.finish().as_raw().to_document(), expected);
}

#[test]
fn items_of_an_array_are_named_by_their_positions() {
    let mut builder = DocBuilder::new();
    builder.append_array("a", |items| {
        for n in 0..1_001 {
            items.push(RawValue::Int32(n));
        }
    });
    let doc = builder.finish();
    let items = doc.as_raw().get("a").unwrap().as_array().unwrap();
    for (position, item) in items.iter().enumerate() {
        assert_eq!(item.key(), position.to_string());
    }
    assert_eq!(items.count(), 1_001);
    assert_eq!(&*PositionKey::of(u32::MAX), "4294967295");
}

#[test]
fn a_document_built_in_place_is_the_one_the_crate_writes() {
    let expected = doc! { "a": 1, "b": { "c": [1.5, "x", { "d": true }] }, "e": null };
    let mut builder = DocBuilder::new();
    builder.append_i32("a", 1);
    builder.append_with("b", |b| {
        b.append_array("c", |c| {
            c.push(RawValue::Double(1.5)).push(RawValue::String("x"));
            c.push_with(|d| {
                d.append_bool("d", true);
            });
        });
    });
    builder.append("e", RawValue::Null);
    let built = builder.finish();
    let mut theirs = Vec::new();
    expected.to_writer(&mut theirs).unwrap();
    assert_eq!(built.as_bytes(), theirs);
    assert_eq!(DocBuf::from(&expected).as_bytes(), theirs);
    assert_eq!(built.as_raw().to_document(), expected);
}

#[test]
fn a_builder_adds_to_what_a_buffer_already_holds() {
    let mut builder = DocBuilder::in_buffer(b"header".to_vec());
    assert!(builder.is_empty());
    builder.append_str("a", "b");
    let length = builder.len();
    let buffer = builder.finish_buffer();
    let (header, document) = buffer.split_at(6);
    assert_eq!((header, document.len()), (&b"header"[..], length));
    assert!(validate(document, Limits::default()).is_ok());
}

#[test]
fn a_key_is_cut_at_a_nul_so_the_document_stays_well_formed() {
    let mut builder = DocBuilder::new();
    builder.append_i32("a\0b", 1);
    let doc = builder.finish();
    assert_eq!(doc.as_raw().get("a").map(RawValue::tag), Some(0x10));
    assert!(validate(doc.as_bytes(), Limits::default()).is_ok());
}

#[test]
fn bytes_that_are_not_one_document_become_an_empty_one() {
    assert_eq!(DocBuf::from_validated(vec![1, 2, 3]), DocBuf::new());
    assert_eq!(DocBuf::from_validated(vec![6, 0, 0, 0, 0]), DocBuf::new());
}
