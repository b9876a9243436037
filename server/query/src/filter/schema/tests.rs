//! Tables of schemas against documents, their errors, and what failures tell.

use super::*;
use quire_bson::{Bson, Document, bson, doc};

fn parse(schema: &Document) -> Result<Schema> {
    Schema::parse(DocBuf::from(schema).as_raw())
}

fn check(schema: Document, yes: &[Document], no: &[Document]) {
    let parsed = parse(&schema).unwrap_or_else(|e| panic!("{schema} is refused: {e:?}"));
    let matches = |doc: &Document| parsed.matches(DocBuf::from(doc).as_raw()).unwrap();
    for doc in yes {
        assert!(matches(doc), "{schema} should accept {doc}");
    }
    for doc in no {
        assert!(!matches(doc), "{schema} should refuse {doc}");
    }
}

/// A schema about the property `a` alone.
fn of_a(schema: Bson) -> Document {
    doc! {"properties": {"a": schema}}
}

#[test]
fn types_bind_present_properties_only() {
    check(
        of_a(bson!({"bsonType": "int"})),
        &[doc! {"a": 1}, doc! {}],
        &[doc! {"a": [1]}, doc! {"a": 1.5}],
    );
    check(
        of_a(bson!({"bsonType": ["int", "null"]})),
        &[doc! {"a": Bson::Null}],
        &[doc! {"a": "x"}],
    );
    check(
        of_a(bson!({"type": "number"})),
        &[doc! {"a": 1_i64}, doc! {"a": 2.5}],
        &[doc! {"a": "x"}],
    );
    check(
        of_a(bson!({"type": ["boolean", "object"]})),
        &[doc! {"a": true}, doc! {"a": {}}],
        &[doc! {"a": 1}],
    );
    check(
        of_a(bson!({"enum": [1, "x", {"k": 1}]})),
        &[doc! {"a": "x"}, doc! {"a": {"k": 1}}],
        &[doc! {"a": 2}],
    );
}

#[test]
fn rules_about_one_type_let_other_types_pass() {
    check(of_a(bson!({"minimum": 3})), &[doc! {"a": 3}, doc! {"a": "x"}], &[doc! {"a": 2.9}]);
    check(
        of_a(bson!({"minimum": 3, "exclusiveMinimum": true})),
        &[doc! {"a": 4}],
        &[doc! {"a": 3}],
    );
    check(
        of_a(bson!({"maximum": 3, "exclusiveMaximum": true})),
        &[doc! {"a": 2}],
        &[doc! {"a": 3}],
    );
    check(of_a(bson!({"multipleOf": 2.5})), &[doc! {"a": 5}, doc! {"a": 7.5}], &[doc! {"a": 6}]);
    check(
        of_a(bson!({"minLength": 2, "maxLength": 3})),
        &[doc! {"a": "äö"}, doc! {"a": 1}],
        &[doc! {"a": "a"}, doc! {"a": "abcd"}],
    );
    check(of_a(bson!({"pattern": "^x"})), &[doc! {"a": "xy"}, doc! {"a": 1}], &[doc! {"a": "y"}]);
}

#[test]
fn arrays_are_ruled_by_item_and_size() {
    check(
        of_a(bson!({"items": {"bsonType": "int"}})),
        &[doc! {"a": [1, 2]}, doc! {"a": []}, doc! {"a": "x"}],
        &[doc! {"a": [1, "x"]}],
    );
    check(
        of_a(
            bson!({"items": [{"bsonType": "int"}, {"bsonType": "string"}], "additionalItems": false}),
        ),
        &[doc! {"a": [1]}, doc! {"a": [1, "x"]}],
        &[doc! {"a": ["x"]}, doc! {"a": [1, "x", 2]}],
    );
    check(
        of_a(bson!({"minItems": 1, "maxItems": 2})),
        &[doc! {"a": [1]}],
        &[doc! {"a": []}, doc! {"a": [1, 2, 3]}],
    );
    check(of_a(bson!({"uniqueItems": true})), &[doc! {"a": [1, 2]}], &[doc! {"a": [1, 2, 1.0]}]);
}

#[test]
fn documents_are_ruled_by_property() {
    check(doc! {"required": ["a", "b"]}, &[doc! {"a": 1, "b": Bson::Null}], &[doc! {"a": 1}]);
    check(
        doc! {"properties": {"a": {}}, "patternProperties": {"^x_": {"bsonType": "int"}}, "additionalProperties": false},
        &[doc! {"a": 1, "x_1": 1}],
        &[doc! {"b": 1}, doc! {"x_1": "s"}],
    );
    check(
        doc! {"additionalProperties": {"bsonType": "int"}, "properties": {"a": {}}},
        &[doc! {"a": "x", "b": 1}],
        &[doc! {"b": "x"}],
    );
    check(
        doc! {"minProperties": 1, "maxProperties": 2},
        &[doc! {"a": 1}],
        &[doc! {}, doc! {"a": 1, "b": 1, "c": 1}],
    );
    check(
        doc! {"dependencies": {"a": ["b"], "c": {"required": ["d"]}}},
        &[doc! {}, doc! {"a": 1, "b": 1}, doc! {"c": 1, "d": 1}],
        &[doc! {"a": 1}, doc! {"c": 1}],
    );
}

#[test]
fn schemas_combine() {
    let (int, big) = (bson!({"bsonType": "int"}), bson!({"minimum": 10}));
    check(of_a(bson!({"allOf": [int.clone(), big.clone()]})), &[doc! {"a": 10}], &[doc! {"a": 9}]);
    check(
        of_a(bson!({"anyOf": [int.clone(), big.clone()]})),
        &[doc! {"a": 9}, doc! {"a": 10.5}],
        &[doc! {"a": 9.5}],
    );
    check(of_a(bson!({"oneOf": [int.clone(), big]})), &[doc! {"a": 9}], &[doc! {"a": 10}]);
    check(of_a(bson!({"not": int})), &[doc! {"a": "x"}], &[doc! {"a": 1}]);
}

#[test]
fn malformed_schemas_are_refused() {
    let cases: Vec<(Document, i32, &str)> = vec![
        (doc! {"foo": 1}, 9, "Unknown $jsonSchema keyword: foo"),
        (of_a(bson!({"foo": 1})), 9, "Unknown $jsonSchema keyword: foo"),
        (doc! {"format": "email"}, 9, "$jsonSchema keyword 'format' is not currently supported"),
        (doc! {"required": 1}, 14, "$jsonSchema keyword 'required' must be an array"),
        (doc! {"required": []}, 9, "$jsonSchema keyword 'required' cannot be an empty array"),
        (doc! {"bsonType": "foo"}, 2, "Unknown type name alias: foo"),
        (doc! {"type": "int"}, 2, "Unknown type name alias: int"),
        (doc! {"type": "integer"}, 9, "$jsonSchema type 'integer' is not currently supported."),
        (
            doc! {"type": "object", "bsonType": "object"},
            9,
            "Cannot specify both $jsonSchema keywords 'type' and 'bsonType'",
        ),
        (doc! {"properties": 1}, 14, "$jsonSchema keyword 'properties' must be an object"),
        (
            doc! {"properties": {"a": 1}},
            14,
            "Nested schema for $jsonSchema property 'a' must be an object",
        ),
        (doc! {"minimum": "x"}, 14, "$jsonSchema keyword 'minimum' must be a number"),
        (
            doc! {"exclusiveMinimum": true},
            9,
            "$jsonSchema keyword 'minimum' must be a present if exclusiveMinimum is present",
        ),
        (doc! {"title": 1}, 14, "$jsonSchema keyword 'title' must be a string"),
    ];
    for (schema, code, message) in cases {
        let error = parse(&schema).err().unwrap_or_else(|| panic!("{schema} is accepted"));
        assert_eq!((error.code().number(), error.message()), (code, message), "{schema}");
    }
}

#[test]
fn failures_name_the_broken_rules() {
    let schema = doc! {
        "title": "person",
        "bsonType": "object",
        "required": ["name", "age"],
        "properties": {
            "age": {"bsonType": "int", "minimum": 18, "description": "must be an adult"},
            "tags": {"items": {"bsonType": "string"}},
        },
        "additionalProperties": false,
    };
    let doc = DocBuf::from(&doc! {"age": 7, "tags": ["x", 1], "zip": 1});
    let details = parse(&schema).unwrap().details(doc.as_raw()).unwrap();
    let expected = doc! {
        "operatorName": "$jsonSchema",
        "title": "person",
        "schemaRulesNotSatisfied": [
            {"operatorName": "properties", "propertiesNotSatisfied": [
                {"propertyName": "age", "description": "must be an adult", "details": [
                    {
                        "operatorName": "minimum",
                        "specifiedAs": {"minimum": 18},
                        "reason": "comparison failed",
                        "consideredValue": 7,
                    },
                ]},
                {"propertyName": "tags", "details": [
                    {
                        "operatorName": "items",
                        "reason": "At least one item did not match the sub-schema",
                        "itemIndex": 1,
                        "details": [
                            {
                                "operatorName": "bsonType",
                                "specifiedAs": {"bsonType": "string"},
                                "reason": "type did not match",
                                "consideredValue": 1,
                                "consideredType": "int",
                            },
                        ],
                    },
                ]},
            ]},
            {
                "operatorName": "additionalProperties",
                "specifiedAs": {"additionalProperties": false},
                "additionalProperties": ["zip"],
            },
            {
                "operatorName": "required",
                "specifiedAs": {"required": ["name", "age"]},
                "missingProperties": ["name"],
            },
        ],
    };
    assert_eq!(details, expected);
}
