use super::*;
use crate::{Bson, DocBuf, Document, ObjectId, RawValue, doc};
use proptest::collection::vec;
use proptest::prelude::*;

fn check(bytes: &[u8]) -> Result<(), Reason> {
    validate(bytes, Limits::default()).map(|_| ()).map_err(|invalid| invalid.reason)
}

/// A document around the given element bytes, with the right length.
fn around(elements: &[u8]) -> Vec<u8> {
    let mut bytes = i32::try_from(elements.len() + 5).unwrap().to_le_bytes().to_vec();
    bytes.extend_from_slice(elements);
    bytes.push(0);
    bytes
}

fn nested(levels: usize, tag: u8) -> Vec<u8> {
    (1..levels).fold(around(&[]), |inner, _| {
        let mut element = vec![tag, b'a', 0];
        element.extend_from_slice(&inner);
        around(&element)
    })
}

fn every_type() -> DocBuf {
    let id = ObjectId::from_bytes([1; 12]);
    let scope = DocBuf::from(&doc! { "x": [1, { "y": "z" }] });
    let mut builder = crate::DocBuilder::new();
    for value in [
        RawValue::Double(1.5),
        RawValue::String("é\0"),
        RawValue::Document(scope.as_raw()),
        RawValue::Binary { subtype: 0, bytes: b"abc" },
        RawValue::Binary { subtype: 2, bytes: b"\x03\0\0\0abc" },
        RawValue::Undefined,
        RawValue::ObjectId(id),
        RawValue::Boolean(true),
        RawValue::DateTime(-1),
        RawValue::Null,
        RawValue::Regex { pattern: "a", options: "i" },
        RawValue::DbPointer { namespace: "n", id },
        RawValue::Code("c"),
        RawValue::Symbol("s"),
        RawValue::CodeWithScope { code: "c", scope: scope.as_raw() },
        RawValue::Int32(1),
        RawValue::Timestamp { time: 1, increment: 2 },
        RawValue::Int64(1),
        RawValue::Decimal128([0; 16]),
        RawValue::MinKey,
        RawValue::MaxKey,
    ] {
        builder.append(value.type_name(), value);
    }
    builder.finish()
}

#[test]
fn a_document_of_every_type_is_accepted_and_read_back_whole() {
    let doc = every_type();
    let raw = validate(doc.as_bytes(), Limits::default()).unwrap();
    assert_eq!(raw.count(), 21);
    for element in raw {
        assert_eq!(element.value().type_name(), element.key());
    }
}

#[test]
fn every_way_to_be_malformed_is_named() {
    use Reason::*;
    let length = |n: i32| n.to_le_bytes();
    let cases: Vec<(&str, Vec<u8>, Reason)> = vec![
        ("no bytes", vec![], Truncated),
        ("three bytes", vec![5, 0, 0], Truncated),
        ("length below five", vec![4, 0, 0, 0], Size { bytes: 4, bytes_max: BYTES_MAX }),
        ("negative length", length(-1).to_vec(), Size { bytes: -1, bytes_max: BYTES_MAX }),
        ("length beyond the bytes", vec![6, 0, 0, 0, 0], Truncated),
        ("bytes beyond the length", vec![5, 0, 0, 0, 0, 0], Length),
        ("no final NUL", vec![5, 0, 0, 0, 1], Unterminated),
        ("a NUL too early", vec![6, 0, 0, 0, 0, 0], Length),
        ("key without end", around(b"\x0Aabc"), Unterminated),
        ("key not UTF-8", around(b"\x0A\xFF\0"), Utf8),
        ("unknown type", around(b"\x14a\0"), UnknownType(0x14)),
        ("int32 cut", around(b"\x10a\0\x01\0\0"), Truncated),
        ("double cut", around(b"\x01a\0\x01\0\0"), Truncated),
        ("object id cut", around(b"\x07a\0\x01\0\0"), Truncated),
        ("decimal cut", around(b"\x13a\0\x01\0\0"), Truncated),
        ("boolean 2", around(b"\x08a\0\x02"), Boolean(2)),
        ("boolean missing", around(b"\x08a\0"), Truncated),
        ("text of length zero", around(b"\x02a\0\0\0\0\0"), Unterminated),
        ("text of negative length", around(b"\x02a\0\xFF\xFF\xFF\xFF"), Truncated),
        ("text beyond the document", around(b"\x02a\0\x09\0\0\0ab\0"), Truncated),
        ("text without NUL", around(b"\x02a\0\x02\0\0\0ab"), Unterminated),
        ("text not UTF-8", around(b"\x02a\0\x02\0\0\0\xC0\0"), Utf8),
        ("text with a surrogate", around(b"\x02a\0\x04\0\0\0\xED\xA0\x80\0"), Utf8),
        ("binary beyond", around(b"\x05a\0\x09\0\0\0\0ab"), Truncated),
        ("binary 2 too short", around(b"\x05a\0\x02\0\0\0\x02ab"), BinaryLength),
        ("binary 2 wrong", around(b"\x05a\0\x05\0\0\0\x02\x02\0\0\0a"), BinaryLength),
        ("document too short", around(b"\x03a\0\x04\0\0\0"), Length),
        ("document beyond", around(b"\x03a\0\x20\0\0\0\0"), Truncated),
        ("document without NUL", around(b"\x03a\0\x05\0\0\0\x01"), Unterminated),
        ("regex without options", around(b"\x0Ba\0x\0"), Unterminated),
        ("regex without end", around(b"\x0Ba\0xyz"), Unterminated),
        ("scope too long", around(b"\x0Fa\0\x0E\0\0\0\x01\0\0\0\0\x06\0\0\0\0\0"), Length),
        ("scope missing", around(b"\x0Fa\0\x09\0\0\0\x01\0\0\0\0"), Truncated),
    ];
    for (name, bytes, reason) in cases {
        assert_eq!(check(&bytes), Err(reason), "{name}");
    }
}

#[test]
fn nesting_is_accepted_to_the_limit_and_no_deeper() {
    for tag in [0x03, 0x04] {
        assert_eq!(check(&nested(DEPTH_MAX + 1, tag)), Ok(()));
        let deeper = nested(DEPTH_MAX + 2, tag);
        assert_eq!(check(&deeper), Err(Reason::Depth { depth_max: DEPTH_MAX }));
        let error = validate(&deeper, Limits::default()).unwrap_err();
        assert_eq!(error.code(), 15);
        assert_eq!(error.to_string(), "BSONObj exceeded maximum nested object depth: 200");
        let strict = Limits { depth_max: 1, ..Limits::default() };
        assert!(validate(&nested(2, tag), strict).is_ok());
        assert!(validate(&nested(3, tag), strict).is_err());
    }
}

#[test]
fn empty_documents_do_not_count_as_a_level_of_a_stored_document() {
    for (levels, deeper) in [(180, false), (181, false), (182, true)] {
        // The innermost of `nested` is empty.
        let bytes = nested(levels, 0x03);
        let doc = RawDoc::from_validated(&bytes);
        assert_eq!(is_nested_deeper_than(doc, STORED_LEVELS_MAX), deeper, "{levels}");
    }
}

#[test]
fn a_document_beyond_the_size_limit_is_refused_by_its_prefix_alone() {
    let limits = Limits { bytes_max: 100, ..Limits::default() };
    let error = validate(&101i32.to_le_bytes(), limits).unwrap_err();
    assert_eq!((error.code(), error.reason), (10334, Reason::Size { bytes: 101, bytes_max: 100 }));
}

#[test]
fn the_first_of_several_documents_is_split_off() {
    let mut bytes = every_type().into_bytes();
    let length = bytes.len();
    bytes.extend_from_slice(b"more");
    let (doc, rest) = validate_first(&bytes, Limits::default()).unwrap();
    assert_eq!((doc.as_bytes().len(), rest), (length, &b"more"[..]));
}

/// Reads everything a view gives, to see that nothing panics.
fn read_all(doc: RawDoc<'_>) -> usize {
    doc.iter()
        .map(|element| match element.value() {
            RawValue::Document(doc) | RawValue::Array(doc) => element.key().len() + read_all(doc),
            other => element.key().len() + other.type_name().len(),
        })
        .sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_accepted_is_what_the_crate_decodes_and_survives_a_round_trip(
        at in 0usize..400, byte in any::<u8>(), cut in 0usize..400,
    ) {
        let mut bytes = every_type().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        bytes.truncate(bytes.len().min(cut.max(200)));
        if let Ok(doc) = validate(&bytes, Limits::default()) {
            read_all(doc);
            let decoded = Document::from_reader(bytes.as_slice());
            prop_assert!(decoded.is_ok(), "{:?}", decoded);
            let rebuilt = DocBuf::from(&doc.to_document());
            prop_assert_eq!(rebuilt.as_raw().count(), doc.to_document().len());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(prop_oneof![0u8..0x20, any::<u8>()], 0..64)) {
        let _ = validate(&around(&bytes), Limits::default());
        let _ = validate(&bytes, Limits::default());
        read_all(RawDoc::from_validated(&around(&bytes)));
    }
}

#[test]
fn a_decoded_value_writes_what_validation_accepts() {
    let id = RawValue::DbPointer { namespace: "a.b", id: ObjectId::from_bytes([7; 12]) };
    for value in [id.to_bson(), Bson::Int32(1), Bson::Array(vec![Bson::Null])] {
        assert_eq!(check(DocBuf::of_value(&value).as_bytes()), Ok(()), "{value:?}");
    }
}
