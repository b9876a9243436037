use super::*;
use crate::{DateTime, DocBuf, ObjectId, Regex, Timestamp, doc};

fn decimal(text: &str) -> Bson {
    Bson::Decimal128(text.parse().unwrap())
}

fn binary(subtype: u8, bytes: &[u8]) -> Bson {
    Bson::Binary(bson::Binary { subtype: subtype.into(), bytes: bytes.to_vec() })
}

fn pointer(namespace: &str, id: u8) -> Bson {
    let id = ObjectId::from_bytes([id; 12]);
    RawValue::DbPointer { namespace, id }.to_bson()
}

fn regex(pattern: &str, options: &str) -> Bson {
    RawValue::Regex { pattern, options }.to_bson()
}

fn with_scope(code: &str, scope: Document) -> Bson {
    Bson::JavaScriptCodeWithScope(bson::JavaScriptCodeWithScope { code: code.into(), scope })
}

/// Groups of equal values, the groups in ascending order.
fn ladder() -> Vec<Vec<Bson>> {
    let id = |n| Bson::ObjectId(ObjectId::from_bytes([n; 12]));
    let ts = |time, increment| Bson::Timestamp(Timestamp { time, increment });
    let date = |n| Bson::DateTime(DateTime::from_millis(n));
    vec![
        vec![Bson::MinKey],
        vec![Bson::Undefined],
        vec![Bson::Null],
        vec![Bson::Double(f64::NAN), Bson::Double(-f64::NAN), decimal("NaN")],
        vec![Bson::Double(f64::NEG_INFINITY), decimal("-Infinity")],
        vec![decimal("-1E+400")],
        vec![Bson::Double(f64::MIN)],
        vec![Bson::Int64(i64::MIN), Bson::Double(-9223372036854775808.0)],
        vec![Bson::Int64(i64::MIN + 1)],
        vec![decimal("-1.5"), Bson::Double(-1.5)],
        vec![Bson::Int32(-1), Bson::Int64(-1), Bson::Double(-1.0), decimal("-1.00")],
        vec![decimal("-1E-400")],
        vec![Bson::Int32(0), Bson::Double(0.0), Bson::Double(-0.0), decimal("-0E+9")],
        vec![decimal("1E-6176")],
        vec![Bson::Double(5e-324)],
        vec![decimal("0.1")],
        vec![Bson::Double(0.1)],
        vec![Bson::Int32(1), Bson::Int64(1), Bson::Double(1.0), decimal("1.000")],
        vec![Bson::Double(9007199254740992.0), Bson::Int64(9007199254740992)],
        vec![decimal("9007199254740992.5")],
        vec![Bson::Int64(9007199254740993), decimal("9007199254740993")],
        vec![Bson::Double(9007199254740994.0)],
        vec![Bson::Int64(i64::MAX), decimal("9223372036854775807")],
        vec![decimal("9223372036854775807.5")],
        vec![Bson::Double(9223372036854775808.0)],
        vec![decimal("1E+23")],
        vec![Bson::Double(1.0000000000000001e23)],
        vec![Bson::Double(f64::MAX)],
        vec![decimal("1.8E+308")],
        vec![decimal("9.999999999999999999999999999999999E+6144")],
        vec![Bson::Double(f64::INFINITY), decimal("Infinity")],
        vec![Bson::String(String::new()), Bson::Symbol(String::new())],
        vec![Bson::String("a".into()), Bson::Symbol("a".into())],
        vec![Bson::String("a\0".into())],
        vec![Bson::String("b".into())],
        vec![Bson::String("é".into())],
        vec![Bson::Document(doc! {})],
        vec![Bson::Document(doc! { "b": 1 }), Bson::Document(doc! { "b": 1.0 })],
        vec![Bson::Document(doc! { "b": 1, "a": 1 })],
        vec![Bson::Document(doc! { "b": 2 })],
        vec![Bson::Document(doc! { "c": 0 })],
        vec![Bson::Document(doc! { "a": "x" })],
        vec![Bson::Array(vec![])],
        vec![Bson::Array(vec![Bson::Int32(1)])],
        vec![Bson::Array(vec![Bson::Int32(1), Bson::Null])],
        vec![Bson::Array(vec![Bson::Int32(2)])],
        vec![Bson::Array(vec![Bson::String("a".into())])],
        vec![binary(0, b"")],
        vec![binary(0, b"b")],
        vec![binary(5, b"a")],
        vec![binary(0, b"aa")],
        vec![id(1)],
        vec![id(0xFF)],
        vec![Bson::Boolean(false)],
        vec![Bson::Boolean(true)],
        vec![date(-1)],
        vec![date(0)],
        vec![date(i64::MAX)],
        vec![ts(0, u32::MAX)],
        vec![ts(1, 0)],
        vec![ts(u32::MAX, 0)],
        vec![regex("a", "")],
        vec![regex("a", "i")],
        vec![Bson::RegularExpression(Regex {
            pattern: "b".try_into().unwrap(),
            options: "".try_into().unwrap(),
        })],
        vec![pointer("b", 1)],
        vec![pointer("b", 2)],
        vec![pointer("aa", 1)],
        vec![Bson::JavaScriptCode("a".into())],
        vec![Bson::JavaScriptCode("b".into())],
        vec![with_scope("a", doc! { "z": 1 })],
        vec![with_scope("a", doc! { "z": 2 })],
        vec![with_scope("b", doc! {})],
        vec![Bson::MaxKey],
    ]
}

#[test]
fn every_pair_of_the_ladder_compares_as_its_rungs_do() {
    let ladder = ladder();
    for (i, left) in ladder.iter().enumerate() {
        for (j, right) in ladder.iter().enumerate() {
            for (a, b) in left.iter().flat_map(|a| right.iter().map(move |b| (a, b))) {
                assert_eq!(compare_bson(a, b), i.cmp(&j), "decoded: {a:?} and {b:?}");
                let (x, y) = (DocBuf::of_value(a), DocBuf::of_value(b));
                assert_eq!(compare_docs(x.as_raw(), y.as_raw()), i.cmp(&j), "raw: {a:?} {b:?}");
            }
        }
    }
}

#[test]
fn an_elements_type_outweighs_its_name_and_its_name_outweighs_its_value() {
    let order = compare_documents(&doc! { "z": 1 }, &doc! { "a": "x" });
    assert_eq!(order, Ordering::Less);
    let order = compare_documents(&doc! { "a": 9 }, &doc! { "b": 1 });
    assert_eq!(order, Ordering::Less);
}

#[test]
fn nesting_beyond_the_limit_is_compared_without_recursing_into_it() {
    let mut deep = vec![5u8, 0, 0, 0, 0];
    for _ in 0..5_000 {
        let mut outer = i32::try_from(deep.len() + 8).unwrap().to_le_bytes().to_vec();
        outer.extend_from_slice(b"\x03a\0");
        outer.extend_from_slice(&deep);
        outer.push(0);
        deep = outer;
    }
    let doc = RawDoc::from_validated(&deep);
    assert_eq!(compare_docs(doc, doc), Ordering::Equal);
}
