//! Tables of cases: conversion.

use super::*;
use quire_bson::{Binary, BinarySubtype, DateTime, Decimal128, ObjectId, bson};

fn date(millis: i64) -> Bson {
    Bson::DateTime(DateTime::from_millis(millis))
}

fn decimal(text: &str) -> Bson {
    Bson::Decimal128(text.parse::<Decimal128>().unwrap())
}

const HEX: &str = "65a1b2c3d4e5f60718293a4b";

#[test]
fn short_forms_convert_between_all_types() {
    let id = ObjectId::parse_str(HEX).unwrap();
    let uuid = Binary { subtype: BinarySubtype::Uuid, bytes: (0..16).collect() };
    let uuid_text = "00010203-0405-0607-0809-0a0b0c0d0e0f";
    gives(
        doc! { "id": id, "uuid": uuid.clone() },
        [
            (bson!({ "$toInt": 1.9 }), bson!(1)),
            (bson!({ "$toInt": "-12" }), bson!(-12)),
            (bson!({ "$toInt": true }), bson!(1)),
            (bson!({ "$toInt": null }), Bson::Null),
            (bson!({ "$toLong": "9007199254740993" }), bson!(9_007_199_254_740_993_i64)),
            (bson!({ "$toLong": date(5) }), bson!(5_i64)),
            (bson!({ "$toDouble": "1.5e3" }), bson!(1500.0)),
            (bson!({ "$toDouble": decimal("2.5") }), bson!(2.5)),
            (bson!({ "$toDecimal": "1.10" }), decimal("1.10")),
            (bson!({ "$toDecimal": 1 }), decimal("1")),
            (bson!({ "$toString": 1.5 }), bson!("1.5")),
            (bson!({ "$toString": 1e30 }), bson!("1e+30")),
            (bson!({ "$toString": true }), bson!("true")),
            (bson!({ "$toString": date(1) }), bson!("1970-01-01T00:00:00.001Z")),
            (bson!({ "$toString": "$id" }), bson!(HEX)),
            (bson!({ "$toString": "$uuid" }), bson!(uuid_text)),
            (bson!({ "$toUUID": uuid_text }), Bson::Binary(uuid)),
            (bson!({ "$toObjectId": HEX }), bson!(id)),
            (bson!({ "$toDate": 5_i64 }), date(5)),
            (bson!({ "$toDate": "1970-01-02" }), date(86_400_000)),
            (bson!({ "$toDate": "$id" }), date(id.timestamp().timestamp_millis())),
            (bson!({ "$toBool": "false" }), bson!(true)),
            (bson!({ "$toBool": 0 }), bson!(false)),
            (bson!({ "$isNumber": 1 }), bson!(true)),
            (bson!({ "$isNumber": "1" }), bson!(false)),
            (bson!({ "$type": "$gone" }), bson!("missing")),
            (bson!({ "$type": 1.0 }), bson!("double")),
        ],
    );
    fails(
        doc! {},
        [
            (
                bson!({ "$toInt": "1.5" }),
                241,
                "Failed to parse number '1.5' in $convert with no onError value: Did not consume whole \
          string.",
            ),
            (
                bson!({ "$toInt": 3e9 }),
                241,
                "Conversion would overflow target type in $convert with no onError value: 3000000000",
            ),
            (
                bson!({ "$toInt": f64::NAN }),
                241,
                "Attempt to convert NaN value to integer type in $convert with no onError value",
            ),
            (
                bson!({ "$toInt": [[1]] }),
                241,
                "Unsupported conversion from array to int in $convert with no onError value",
            ),
            (
                bson!({ "$toDate": 5 }),
                241,
                "Unsupported conversion from int to date in $convert with no onError value",
            ),
            (
                bson!({ "$toObjectId": "xyz" }),
                241,
                "Failed to parse objectId 'xyz' in $convert with no onError value: Invalid string length \
          for parsing to OID, expected 24 but found 3",
            ),
        ],
    );
}

#[test]
fn convert_takes_a_type_by_name_or_number_and_catches_failures() {
    let binary = Binary { subtype: BinarySubtype::Generic, bytes: b"hi?".to_vec() };
    gives(
        doc! { "b": binary.clone() },
        [
            (bson!({ "$convert": { "input": "7", "to": "int" } }), bson!(7)),
            (bson!({ "$convert": { "input": "7", "to": 18 } }), bson!(7_i64)),
            (
                bson!({ "$convert": { "input": "x", "to": "int", "onError": "oops" } }),
                bson!("oops"),
            ),
            (
                bson!({ "$convert": { "input": null, "to": "int", "onNull": "none" } }),
                bson!("none"),
            ),
            (bson!({ "$convert": { "input": "x", "to": null } }), Bson::Null),
            (
                bson!({ "$convert": { "input": "$b", "to": "string", "format": "base64" } }),
                bson!("aGk/"),
            ),
            (
                bson!({ "$convert": { "input": "aGk_", "to": { "type": "binData", "subtype": 0 },
                               "format": "base64url" } }),
                Bson::Binary(binary),
            ),
            (
                bson!({ "$convert": { "input": "$b", "to": "string", "format": "hex" } }),
                bson!("68693F"),
            ),
        ],
    );
    fails(
        doc! {},
        [
            (
                bson!({ "$convert": { "input": 1, "to": "nothing" } }),
                2,
                "Unknown type name: nothing",
            ),
            (bson!({ "$convert": { "input": 1 } }), 9, "Missing 'to' parameter to $convert"),
            (
                bson!({ "$convert": { "input": 1, "to": "int", "x": 1 } }),
                9,
                "$convert found an unknown argument: x",
            ),
            (
                bson!({ "$convert": { "input": 1, "to": "regex" } }),
                241,
                "Unsupported conversion from int to regex in $convert with no onError value",
            ),
            (
                bson!({ "$convert": 5 }),
                9,
                "$convert expects an object of named arguments but found: int",
            ),
        ],
    );
}
