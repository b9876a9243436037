//! Values on their way in and back.

use super::{call, holds};
use quire_bson::{
    Binary, BinarySubtype, Bson, DateTime, Document, JavaScriptCodeWithScope, ObjectId, RawValue,
    Timestamp, bson, doc,
};
use std::slice::from_ref;
use std::str::FromStr;

fn id() -> ObjectId {
    ObjectId::parse_str("65a1b2c3d4e5f60718293a4b").unwrap()
}

/// Every type that there is.
fn all() -> Vec<Bson> {
    let scope = doc! {"x": 1.5};
    vec![
        Bson::Double(1.5),
        Bson::Double(f64::INFINITY),
        Bson::String("a\u{e9}\u{1F600}\0b".to_owned()),
        Bson::Document(doc! {"b": "x", "a": {"c": [1.0, null]}}),
        bson!([[1.5], {"a": "b"}]),
        Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: vec![0, 1, 255] }),
        Bson::Binary(Binary { subtype: BinarySubtype::Uuid, bytes: (0..16).collect() }),
        Bson::Undefined,
        Bson::ObjectId(id()),
        Bson::Boolean(true),
        Bson::DateTime(DateTime::from_millis(-62_135_596_800_001)),
        Bson::Null,
        RawValue::Regex { pattern: "^a/b", options: "im" }.to_bson(),
        RawValue::Regex { pattern: "(?<=a", options: "x" }.to_bson(),
        RawValue::DbPointer { namespace: "a.b", id: id() }.to_bson(),
        Bson::JavaScriptCode("function(){}".to_owned()),
        Bson::JavaScriptCodeWithScope(JavaScriptCodeWithScope { code: "x".to_owned(), scope }),
        Bson::Int64(i64::MAX),
        Bson::Int64(i64::MIN),
        Bson::Int64(0),
        Bson::Timestamp(Timestamp { time: u32::MAX, increment: 7 }),
        Bson::Decimal128(quire_bson::Decimal128::from_str("1.50E+100").unwrap()),
        Bson::MinKey,
        Bson::MaxKey,
    ]
}

#[test]
fn every_type_but_those_of_numbers_and_symbols_comes_back_as_it_was() {
    for value in all() {
        assert_eq!(call("function(x) { return x }", from_ref(&value)).unwrap(), value);
        let inside = call("x => ({ list: [x] })", from_ref(&value)).unwrap();
        assert_eq!(inside, Bson::Document(doc! {"list": [value]}));
    }
    assert_eq!(call("x => x", &[Bson::Int32(5)]).unwrap(), Bson::Double(5.0));
    assert_eq!(call("x => x", &[Bson::Symbol("s".into())]).unwrap(), Bson::String("s".into()));
}

#[test]
fn scripts_make_values_of_every_type() {
    for (source, expected) in [
        ("() => 1", Bson::Double(1.0)),
        ("() => 1n", Bson::Int64(1)),
        ("() => NumberInt(7.9)", Bson::Int32(7)),
        ("() => NumberLong('9007199254740993')", Bson::Int64(9_007_199_254_740_993)),
        ("() => new NumberLong(5)", Bson::Int64(5)),
        ("() => ObjectId('65a1b2c3d4e5f60718293a4b')", Bson::ObjectId(id())),
        ("() => ISODate('1970-01-01T00:00:01Z')", Bson::DateTime(DateTime::from_millis(1000))),
        ("() => new Date(5)", Bson::DateTime(DateTime::from_millis(5))),
        ("() => Timestamp(1, 2)", Bson::Timestamp(Timestamp { time: 1, increment: 2 })),
        (
            "() => HexData(0, 'ff00')",
            Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: vec![255, 0] }),
        ),
        (
            "() => UUID('00010203-0405-0607-0809-0a0b0c0d0e0f')",
            Bson::Binary(Binary { subtype: BinarySubtype::Uuid, bytes: (0..16).collect() }),
        ),
        (
            "() => new Uint8Array([1, 2])",
            Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: vec![1, 2] }),
        ),
        ("() => /a/gi", RawValue::Regex { pattern: "a", options: "i" }.to_bson()),
        ("() => DBRef('c', 1)", Bson::Document(doc! {"$ref": "c", "$id": 1.0})),
        ("() => MinKey", Bson::MinKey),
        ("() => undefined", Bson::Undefined),
        ("() => {}", Bson::Undefined),
        ("() => x => x", Bson::JavaScriptCode("x => x".to_owned())),
        ("() => [1, , 2]", bson!([1.0, Bson::Undefined, 2.0])),
        (
            "() => tojsononeline({a: [1, NumberLong(2)]})",
            Bson::String("{ \"a\" : [ 1, NumberLong(2) ] }".to_owned()),
        ),
        ("() => hex_md5('')", Bson::String("d41d8cd98f00b204e9800998ecf8427e".to_owned())),
        ("() => Array.sum([1, 2])", Bson::Double(3.0)),
        ("() => [3, 1, 2].sort()", bson!([1.0, 2.0, 3.0])),
        ("() => [[1], [[2]]].flat()", bson!([1.0, [2.0]])),
        ("() => [1].concat([2], 3)", bson!([1.0, 2.0, 3.0])),
        ("function() { return Array.prototype.slice.call(arguments, 1) }", bson!([])),
        ("() => [...new Set([1, 1, 2])]", bson!([1.0, 2.0])),
        ("() => new Map([[1, 2]]).get(1)", Bson::Double(2.0)),
        ("() => 'a-b-c'.split('-').join('')", Bson::String("abc".to_owned())),
        ("() => 'abc'.replace(/b/, 'x')", Bson::String("axc".to_owned())),
    ] {
        let value = call(source, &[]);
        assert_eq!(value.as_ref().ok(), Some(&expected), "{source}: {value:?}");
    }
}

#[test]
fn values_behave_as_their_users_expect() {
    let document: Document = doc! {
        "long": 5_i64, "int": 5, "id": id(), "when": DateTime::from_millis(1000),
        "ts": Timestamp { time: 7, increment: 8 },
        "big": 9_007_199_254_740_993_i64,
        "bin": Binary { subtype: BinarySubtype::Generic, bytes: vec![1, 2, 3] },
    };
    for source in [
        "this.long > 4 && this.long < 6 && this.long + 1 == 6",
        "this.long == 5 && this.long !== 5",
        "this.long.toNumber() === 5",
        "this.long.toString() == 'NumberLong(5)'",
        "this.big.toString() == 'NumberLong(\"9007199254740993\")'",
        "this.big.compare(NumberLong('9007199254740992')) == 1",
        "this.long instanceof NumberLong",
        "this.int === 5 && isNumber(this.int)",
        "this.id.str == '65a1b2c3d4e5f60718293a4b'",
        "this.id.equals(ObjectId('65a1b2c3d4e5f60718293a4b'))",
        "this.id.toString() == 'ObjectId(\"65a1b2c3d4e5f60718293a4b\")'",
        "this.id.getTimestamp() instanceof Date",
        "this.when.getTime() === 1000 && this.when < new Date()",
        "this.ts.t === 7 && this.ts.i === 8",
        "this.bin.length() === 3 && this.bin.base64() == 'AQID' && this.bin.hex() == '010203'",
        "isObject(this) && isString('x') && !isString(5)",
        "JSON.stringify({a: this.int}) == '{\"a\":5}'",
        "new Date().getTime() > 1600000000000",
    ] {
        let held = holds(source, document.clone());
        assert_eq!(held.as_ref().ok(), Some(&true), "{source}: {held:?}");
    }
}

#[test]
fn field_names_are_only_names() {
    let document = doc! {"__proto__": {"x": 1}, "constructor": 2, "toString": 3, "": 4};
    let given = Bson::Document(document);
    let seen = call("x => [x.x === undefined, Object.keys(x).length, x.constructor]", &[given]);
    assert_eq!(seen.unwrap(), bson!([true, 4.0, 2.0]));
}

#[test]
fn what_does_not_fit_into_a_document_is_refused() {
    for (source, code) in [
        ("() => { var a = {}; a.a = a; return a }", 17279),
        ("() => { var a = []; a.push(a); return a }", 17279),
        ("() => 'x'.repeat(17 << 20)", 17260),
        ("() => { var a = []; a.length = 4294967295; return a }", 17260),
        ("() => ({ ['a\\0b']: 1 })", 2),
    ] {
        assert_eq!(call(source, &[]).map_err(|error| error.code().number()), Err(code), "{source}");
    }
}

#[test]
fn a_script_that_makes_up_its_types_confuses_only_itself() {
    for source in [
        "() => { Array.prototype[Symbol.iterator] = null; return [1] }",
        "() => { Object.prototype.toString = null; Date = null; RegExp = 5; return /a/ }",
        "() => Object.create(NumberLong.prototype)",
        "() => { var x = NumberLong(1);
                 var k = Object.getOwnPropertySymbols(x)[0];
                 return { [k]: ['NumberLong', 'x'] } }",
        "() => { var k = Object.getOwnPropertySymbols(NumberLong(1))[0];
                 return { a: Object.assign({}, { [k]: ['ObjectId', 5] }) } }",
        "() => { var k = Object.getOwnPropertySymbols(NumberLong(1))[0];
                 var x = { }; x[k] = ['Timestamp', {}, []]; return x }",
    ] {
        // Whatever comes of it: the server goes on.
        let _ = call(source, &[]);
        assert_eq!(call("() => 1", &[]).unwrap(), Bson::Double(1.0));
    }
}
