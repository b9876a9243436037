//! What each operator does to values of each type, and what it refuses.

use super::{Outcome, error, is_no_change, update, update_at};
use quire_bson::{Bson, DateTime, Decimal128, Document, Timestamp, doc};

fn decimal(text: &str) -> Bson {
    Bson::Decimal128(text.parse::<Decimal128>().unwrap())
}

/// Applies each update to its document and compares with what is expected.
fn check(table: Vec<(Document, Document, Outcome)>) {
    for (before, change, expected) in table {
        assert_eq!(update(before.clone(), change.clone()), expected, "{before} {change}");
    }
}

#[test]
fn set_puts_values_of_any_type() {
    check(vec![
        (doc! { "a": 1 }, doc! { "$set": { "a": "x" } }, Ok(doc! { "a": "x" })),
        (doc! { "a": 1 }, doc! { "$set": { "b": [1] } }, Ok(doc! { "a": 1, "b": [1] })),
        (doc! { "a": 1 }, doc! { "$set": { "a": 1i64 } }, Ok(doc! { "a": 1i64 })),
        (doc! {}, doc! { "$set": { "a.$b": 1 } }, Ok(doc! { "a": { "$b": 1 } })),
        (
            doc! {},
            doc! { "$set": { "a": { "$b": 1, "c.d": 2 } } },
            Ok(doc! { "a": { "$b": 1, "c.d": 2 } }),
        ),
    ]);
}

#[test]
fn an_update_that_changes_nothing_is_told_apart() {
    for (doc, change) in [
        (doc! { "a": 1 }, doc! { "$set": { "a": 1 } }),
        (doc! { "a": { "b": 1 } }, doc! { "$set": { "a.b": 1 } }),
        (doc! { "a": 1 }, doc! { "$set": {} }),
        (doc! { "a": 1 }, doc! { "$unset": { "b": 1, "a.b": 1 } }),
        (doc! { "a": 1 }, doc! { "$inc": { "a": 0 } }),
        (doc! { "a": 1 }, doc! { "$mul": { "a": 1 } }),
        (doc! { "a": 1 }, doc! { "$min": { "a": 1.0 } }),
        (doc! { "a": 1 }, doc! { "$max": { "a": 0 } }),
        (doc! { "a": [1] }, doc! { "$addToSet": { "a": 1.0 } }),
        (doc! { "a": [1] }, doc! { "$pullAll": { "a": [2] } }),
        (doc! { "a": [] }, doc! { "$pop": { "a": 1 } }),
        (doc! { "a": [1] }, doc! { "$push": { "a": { "$each": [] } } }),
        (doc! { "a": [1, 2] }, doc! { "$push": { "a": { "$each": [], "$sort": 1, "$slice": 5 } } }),
        (doc! { "a": 1 }, doc! { "$rename": { "b": "c" } }),
        (doc! { "a": 1 }, doc! { "$setOnInsert": { "a": 2 } }),
        (doc! { "a": 5 }, doc! { "$bit": { "a": { "and": 7 } } }),
        (doc! {}, doc! { "$pull": { "a": 1 }, "$pop": { "b": 1 }, "$pullAll": { "c": [1] } }),
    ] {
        assert!(is_no_change(doc.clone(), change.clone()), "{doc} {change}");
    }
}

#[test]
fn unset_removes_fields_and_leaves_null_in_arrays() {
    check(vec![
        (doc! { "a": 1, "b": 2 }, doc! { "$unset": { "a": "" } }, Ok(doc! { "b": 2 })),
        (doc! { "a": { "b": 1 } }, doc! { "$unset": { "a.b": "" } }, Ok(doc! { "a": {} })),
        (doc! { "a": [1, 2] }, doc! { "$unset": { "a.0": "" } }, Ok(doc! { "a": [Bson::Null, 2] })),
    ]);
}

#[test]
fn inc_adds_in_the_wider_type() {
    check(vec![
        (doc! { "a": 1 }, doc! { "$inc": { "a": 2 } }, Ok(doc! { "a": 3 })),
        (
            doc! { "a": i32::MAX },
            doc! { "$inc": { "a": 1 } },
            Ok(doc! { "a": i64::from(i32::MAX) + 1 }),
        ),
        (doc! { "a": 1i64 }, doc! { "$inc": { "a": 1 } }, Ok(doc! { "a": 2i64 })),
        (doc! { "a": 1 }, doc! { "$inc": { "a": 0.5 } }, Ok(doc! { "a": 1.5 })),
        (
            doc! { "a": 1 },
            doc! { "$inc": { "a": decimal("0.1") } },
            Ok(doc! { "a": decimal("1.1") }),
        ),
        (doc! {}, doc! { "$inc": { "a": 2i64 } }, Ok(doc! { "a": 2i64 })),
    ]);
}

#[test]
fn mul_multiplies_and_makes_zero_of_nothing() {
    check(vec![
        (doc! { "a": 3 }, doc! { "$mul": { "a": 2 } }, Ok(doc! { "a": 6 })),
        (
            doc! { "a": i32::MAX },
            doc! { "$mul": { "a": 2 } },
            Ok(doc! { "a": i64::from(i32::MAX) * 2 }),
        ),
        (doc! { "a": 3 }, doc! { "$mul": { "a": 1.5 } }, Ok(doc! { "a": 4.5 })),
        (
            doc! { "a": decimal("1.5") },
            doc! { "$mul": { "a": 2 } },
            Ok(doc! { "a": decimal("3.0") }),
        ),
        (doc! {}, doc! { "$mul": { "a": 7 } }, Ok(doc! { "a": 0 })),
        (doc! {}, doc! { "$mul": { "a": 7i64 } }, Ok(doc! { "a": 0i64 })),
        (doc! {}, doc! { "$mul": { "a": 7.5 } }, Ok(doc! { "a": 0.0 })),
    ]);
}

#[test]
fn arithmetic_refuses_what_is_no_number_or_does_not_fit() {
    check(vec![
        (
            doc! { "_id": 1, "a": "x" },
            doc! { "$inc": { "a": 1 } },
            error(
                14,
                "Cannot apply $inc to a value of non-numeric type. {_id: 1} has the field 'a' of \
             non-numeric type string",
            ),
        ),
        (
            doc! { "_id": 1, "a": { "b": Bson::Null } },
            doc! { "$mul": { "a.b": 1 } },
            error(
                14,
                "Cannot apply $mul to a value of non-numeric type. {_id: 1} has the field 'b' of \
             non-numeric type null",
            ),
        ),
        (
            doc! {},
            doc! { "$inc": { "a": "x" } },
            error(14, "Cannot increment with non-numeric argument: {a: \"x\"}"),
        ),
        (
            doc! {},
            doc! { "$mul": { "a": true } },
            error(14, "Cannot multiply with non-numeric argument: {a: true}"),
        ),
        (
            doc! { "_id": 1, "a": i64::MAX },
            doc! { "$inc": { "a": 1 } },
            error(
                2,
                "Failed to apply $inc operations to current value ((NumberLong)9223372036854775807) \
             for document {_id: 1}",
            ),
        ),
        (
            doc! { "_id": 1, "a": i64::MAX },
            doc! { "$mul": { "a": 2 } },
            error(
                2,
                "Failed to apply $mul operations to current value ((NumberLong)9223372036854775807) \
             for document {_id: 1}",
            ),
        ),
    ]);
}

#[test]
fn min_and_max_compare_across_types() {
    check(vec![
        (doc! { "a": 5 }, doc! { "$min": { "a": 3 } }, Ok(doc! { "a": 3 })),
        (doc! { "a": 5 }, doc! { "$min": { "a": Bson::Null } }, Ok(doc! { "a": Bson::Null })),
        (doc! { "a": 5 }, doc! { "$max": { "a": "x" } }, Ok(doc! { "a": "x" })),
        (doc! { "a": 5 }, doc! { "$max": { "a": 5.5 } }, Ok(doc! { "a": 5.5 })),
        (doc! {}, doc! { "$min": { "a": 3 }, "$max": { "b": 4 } }, Ok(doc! { "a": 3, "b": 4 })),
    ]);
}

#[test]
fn rename_moves_a_value() {
    check(vec![
        (doc! { "a": 1, "b": 2 }, doc! { "$rename": { "a": "c" } }, Ok(doc! { "b": 2, "c": 1 })),
        (doc! { "a": 1, "b": 2 }, doc! { "$rename": { "a": "b" } }, Ok(doc! { "b": 1 })),
        (
            doc! { "a": { "b": 1 } },
            doc! { "$rename": { "a.b": "c.d" } },
            Ok(doc! { "a": {}, "c": { "d": 1 } }),
        ),
        (doc! { "a": 1, "b": 1 }, doc! { "$rename": { "a": "b" } }, Ok(doc! { "b": 1 })),
    ]);
}

#[test]
fn rename_refuses_arrays_and_overlapping_paths() {
    check(vec![
        (
            doc! { "_id": 1, "a": [1] },
            doc! { "$rename": { "a.0": "b" } },
            error(
                2,
                "The source field cannot be an array element, 'a.0' in doc with _id: 1 has an array \
             field called 'a'",
            ),
        ),
        (
            doc! { "_id": 1, "a": [1], "b": 1 },
            doc! { "$rename": { "b": "a.0" } },
            error(
                2,
                "The destination field cannot be an array element, 'a.0' in doc with _id: 1 has an \
             array field called 'a'",
            ),
        ),
        (
            doc! {},
            doc! { "$rename": { "a": 1 } },
            error(2, "The 'to' field for $rename must be a string: a: 1"),
        ),
        (
            doc! {},
            doc! { "$rename": { "a": "a" } },
            error(2, "The source and target field for $rename must differ: a: \"a\""),
        ),
        (
            doc! {},
            doc! { "$rename": { "a": "a.b" } },
            error(
                2,
                "The source and target field for $rename must not be on the same path: a: \"a.b\"",
            ),
        ),
        (
            doc! {},
            doc! { "$rename": { "a.$": "b" } },
            error(2, "The source field for $rename may not be dynamic: a.$"),
        ),
        (
            doc! {},
            doc! { "$rename": { "a": "b.$[]" } },
            error(2, "The destination field for $rename may not be dynamic: b.$[]"),
        ),
        (
            doc! { "a": 1, "b": 2 },
            doc! { "$rename": { "a": "b.c" } },
            error(28, "Cannot create field 'c' in element {b: 2}"),
        ),
        (
            doc! {},
            doc! { "$rename": { "a": "b" }, "$set": { "a": 1 } },
            error(40, "Updating the path 'a' would create a conflict at 'a'"),
        ),
    ]);
}

#[test]
fn current_date_writes_the_time_of_the_command() {
    let date = Bson::DateTime(DateTime::from_millis(1_700_000_000_123));
    let timestamp = Bson::Timestamp(Timestamp { time: 1_700_000_000, increment: 5 });
    check(vec![
        (doc! {}, doc! { "$currentDate": { "a": true } }, Ok(doc! { "a": date.clone() })),
        (doc! {}, doc! { "$currentDate": { "a": { "$type": "date" } } }, Ok(doc! { "a": date })),
        (
            doc! { "a": 1 },
            doc! { "$currentDate": { "a": { "$type": "timestamp" } } },
            Ok(doc! { "a": timestamp }),
        ),
        (
            doc! {},
            doc! { "$currentDate": { "a": "date" } },
            error(
                2,
                "string is not valid type for $currentDate. Please use a boolean ('true') or a $type \
             expression ({$type: 'timestamp/date'}).",
            ),
        ),
        (
            doc! {},
            doc! { "$currentDate": { "a": { "$type": "x" } } },
            error(
                2,
                "The '$type' string field is required to be 'date' or 'timestamp': \
             {$currentDate: {field : {$type: 'date'}}}",
            ),
        ),
        (
            doc! {},
            doc! { "$currentDate": { "a": { "x": 1 } } },
            error(2, "Unrecognized $currentDate option: x"),
        ),
    ]);
}

#[test]
fn push_appends_and_its_modifiers_place_sort_and_cut() {
    let push = |spec: Bson| doc! { "$push": { "a": spec } };
    let each = |spec: Document| push(Bson::Document(spec));
    check(vec![
        (doc! { "a": [1] }, push(Bson::Int32(2)), Ok(doc! { "a": [1, 2] })),
        (doc! {}, push(Bson::Int32(2)), Ok(doc! { "a": [2] })),
        (doc! { "a": [1] }, push(Bson::Array(vec![Bson::Int32(2)])), Ok(doc! { "a": [1, [2]] })),
        (doc! { "a": [] }, each(doc! { "b": 1 }), Ok(doc! { "a": [{ "b": 1 }] })),
        (doc! { "a": [1] }, each(doc! { "$each": [2, 3] }), Ok(doc! { "a": [1, 2, 3] })),
        (doc! {}, each(doc! { "$each": [] }), Ok(doc! { "a": [] })),
        (
            doc! { "a": [1, 2] },
            each(doc! { "$each": [9], "$position": 0 }),
            Ok(doc! { "a": [9, 1, 2] }),
        ),
        (
            doc! { "a": [1, 2] },
            each(doc! { "$each": [9], "$position": -1 }),
            Ok(doc! { "a": [1, 9, 2] }),
        ),
        (doc! { "a": [1] }, each(doc! { "$each": [9], "$position": 50 }), Ok(doc! { "a": [1, 9] })),
        (
            doc! { "a": [1] },
            each(doc! { "$each": [9], "$position": -50 }),
            Ok(doc! { "a": [9, 1] }),
        ),
        (doc! { "a": [1, 2] }, each(doc! { "$each": [3], "$slice": 2 }), Ok(doc! { "a": [1, 2] })),
        (doc! { "a": [1, 2] }, each(doc! { "$each": [3], "$slice": -2 }), Ok(doc! { "a": [2, 3] })),
        (doc! { "a": [1, 2] }, each(doc! { "$each": [3], "$slice": 0 }), Ok(doc! { "a": [] })),
        (
            doc! { "a": [3, 1] },
            each(doc! { "$each": [2], "$sort": 1 }),
            Ok(doc! { "a": [1, 2, 3] }),
        ),
        (
            doc! { "a": [3, 1] },
            each(doc! { "$each": [2], "$sort": -1, "$slice": 2 }),
            Ok(doc! { "a": [3, 2] }),
        ),
        (
            doc! { "a": [{ "b": { "c": 2 } }, { "b": { "c": 1 } }] },
            each(doc! { "$each": [{ "b": 5 }, 7], "$sort": { "b.c": 1 } }),
            Ok(doc! { "a": [{ "b": 5 }, 7, { "b": { "c": 1 } }, { "b": { "c": 2 } }] }),
        ),
        (
            doc! {},
            each(doc! { "$each": [3, 1, 2], "$sort": 1, "$slice": -2 }),
            Ok(doc! { "a": [2, 3] }),
        ),
    ]);
}

#[test]
fn push_refuses_what_it_cannot_do() {
    let push = |spec: Document| doc! { "$push": { "a": spec } };
    check(vec![
        (
            doc! { "_id": 1, "a": 5 },
            doc! { "$push": { "a": 1 } },
            error(2, "The field 'a' must be an array but is of type int in document {_id: 1}"),
        ),
        (
            doc! {},
            push(doc! { "$each": 1 }),
            error(2, "The argument to $each in $push must be an array but it was of type: int"),
        ),
        (
            doc! {},
            push(doc! { "$each": [], "$foo": 1 }),
            error(2, "Unrecognized clause in $push: $foo"),
        ),
        (
            doc! {},
            push(doc! { "$each": [], "$slice": "x" }),
            error(2, "The value for $slice must be an integer value but was given type: string"),
        ),
        (
            doc! {},
            push(doc! { "$each": [], "$position": 1.5 }),
            error(2, "The value for $position must be an integer value, not of type: double"),
        ),
        (
            doc! {},
            push(doc! { "$each": [], "$sort": 2 }),
            error(2, "The $sort element value must be either 1 or -1"),
        ),
        (
            doc! {},
            push(doc! { "$each": [], "$sort": {} }),
            error(2, "The $sort pattern is empty when it should be a set of fields."),
        ),
        (
            doc! {},
            push(doc! { "$each": [], "$sort": { "a..b": 1 } }),
            error(2, "The $sort field is a dotted field but has an empty part: a..b"),
        ),
        (
            doc! {},
            push(doc! { "$each": [], "$sort": "a" }),
            error(
                2,
                "The $sort is invalid: use 1/-1 to sort the whole element, or {field:1/-1} to sort \
             embedded fields",
            ),
        ),
    ]);
}

#[test]
fn pop_takes_from_either_end() {
    check(vec![
        (doc! { "a": [1, 2, 3] }, doc! { "$pop": { "a": 1 } }, Ok(doc! { "a": [1, 2] })),
        (doc! { "a": [1, 2, 3] }, doc! { "$pop": { "a": -1.0 } }, Ok(doc! { "a": [2, 3] })),
        (
            doc! { "a": 1 },
            doc! { "$pop": { "a": 1 } },
            error(14, "Path 'a' contains an element of non-array type 'int'"),
        ),
        (doc! {}, doc! { "$pop": { "a": 5 } }, error(9, "$pop expects 1 or -1, found: 5")),
        (doc! {}, doc! { "$pop": { "a": "x" } }, error(9, "Expected a number in: a: \"x\"")),
        (doc! {}, doc! { "$pop": { "a": 1.5 } }, error(9, "Expected an integer: a: 1.5")),
        (
            doc! { "a": "foo" },
            doc! { "$pop": { "a.b": 1 } },
            error(28, "Cannot use the part (b) of (a.b) to traverse the element ({a: \"foo\"})"),
        ),
    ]);
}

#[test]
fn pull_all_and_pull_take_equal_values() {
    check(vec![
        (doc! { "a": [1, 2, 1, 3] }, doc! { "$pullAll": { "a": [1.0, 3] } }, Ok(doc! { "a": [2] })),
        (doc! { "a": [1, "x", 1.0] }, doc! { "$pull": { "a": 1 } }, Ok(doc! { "a": ["x"] })),
        (doc! { "a": [[1], [2]] }, doc! { "$pull": { "a": [1] } }, Ok(doc! { "a": [[2]] })),
        (
            doc! { "a": [{ "b": 1, "c": 2 }] },
            doc! { "$pullAll": { "a": [{ "c": 2, "b": 1 }] } },
            Ok(doc! { "a": [{ "b": 1, "c": 2 }] }),
        ),
        (
            doc! { "a": 1 },
            doc! { "$pull": { "a": 1 } },
            error(2, "Cannot apply $pull to a non-array value"),
        ),
        (
            doc! {},
            doc! { "$pullAll": { "a": 1 } },
            error(2, "$pullAll requires an array argument but was given a int"),
        ),
    ]);
}

#[test]
fn add_to_set_adds_what_is_missing() {
    check(vec![
        (doc! { "a": [1] }, doc! { "$addToSet": { "a": 2 } }, Ok(doc! { "a": [1, 2] })),
        (doc! {}, doc! { "$addToSet": { "a": 2 } }, Ok(doc! { "a": [2] })),
        (
            doc! { "a": [1] },
            doc! { "$addToSet": { "a": { "$each": [1, 2, 2.0, 3] } } },
            Ok(doc! { "a": [1, 2, 3] }),
        ),
        (doc! {}, doc! { "$addToSet": { "a": { "$each": [2, 2] } } }, Ok(doc! { "a": [2] })),
        (doc! {}, doc! { "$addToSet": { "a": { "$each": [] } } }, Ok(doc! { "a": [] })),
        (doc! { "a": [] }, doc! { "$addToSet": { "a": [1, 2] } }, Ok(doc! { "a": [[1, 2]] })),
        (
            doc! { "a": [{ "b": 1, "c": 2 }] },
            doc! { "$addToSet": { "a": { "c": 2, "b": 1 } } },
            Ok(doc! { "a": [{ "b": 1, "c": 2 }, { "c": 2, "b": 1 }] }),
        ),
        (
            doc! { "a": 1 },
            doc! { "$addToSet": { "a": 1 } },
            error(
                2,
                "Cannot apply $addToSet to non-array field. Field named 'a' has non-array type int",
            ),
        ),
        (
            doc! {},
            doc! { "$addToSet": { "a": { "$each": "x" } } },
            error(
                14,
                "The argument to $each in $addToSet must be an array but it was of type string",
            ),
        ),
        (
            doc! {},
            doc! { "$addToSet": { "a": { "$each": [], "b": 1 } } },
            error(2, "Found unexpected fields after $each in $addToSet: { $each: [], b: 1 }"),
        ),
    ]);
}

#[test]
fn bit_combines_integers() {
    check(vec![
        (doc! { "a": 13 }, doc! { "$bit": { "a": { "and": 10 } } }, Ok(doc! { "a": 8 })),
        (doc! { "a": 3 }, doc! { "$bit": { "a": { "or": 5 } } }, Ok(doc! { "a": 7 })),
        (doc! { "a": 1 }, doc! { "$bit": { "a": { "xor": 5i64 } } }, Ok(doc! { "a": 4i64 })),
        (doc! { "a": 1 }, doc! { "$bit": { "a": { "or": 6, "and": 4 } } }, Ok(doc! { "a": 4 })),
        (doc! {}, doc! { "$bit": { "a": { "or": 5 } } }, Ok(doc! { "a": 5 })),
    ]);
}

#[test]
fn bit_refuses_what_is_no_integer() {
    check(vec![
        (
            doc! { "_id": 1, "a": 1.5 },
            doc! { "$bit": { "a": { "or": 1 } } },
            error(
                2,
                "Cannot apply $bit to a value of non-integral type.{_id: 1} has the field a of \
             non-integer type double",
            ),
        ),
        (
            doc! {},
            doc! { "$bit": { "a": 1 } },
            error(
                2,
                "The $bit modifier is not compatible with a int. You must pass in an embedded \
             document: {$bit: {field: {and/or/xor: #}}",
            ),
        ),
        (
            doc! {},
            doc! { "$bit": { "a": { "foo": 1 } } },
            error(
                2,
                "The $bit modifier only supports 'and', 'or', and 'xor', not 'foo' which is an unknown \
             operator: {foo: 1}",
            ),
        ),
        (
            doc! {},
            doc! { "$bit": { "a": { "and": 1.0 } } },
            error(
                2,
                "The $bit modifier field must be an Integer(32/64 bit); a 'double' is not supported \
             here: {and: 1.0}",
            ),
        ),
        (
            doc! {},
            doc! { "$bit": { "a": {} } },
            error(
                2,
                "You must pass in at least one bitwise operation. The format is: {$bit: {field: \
             {and/or/xor: #}}, but given {a: {}}",
            ),
        ),
    ]);
}

#[test]
fn values_nobody_touches_stay_as_they_are_byte_for_byte() {
    let doc = doc! { "_id": 1, "d": decimal("1.10"), "n": { "deep": [1, { "x": 2i64 }] }, "z": 1 };
    let mut expected = doc.clone();
    expected.insert("z", 2);
    assert_eq!(update_at(&doc, doc! { "$inc": { "z": 1 } }, &[], None), Ok(expected));
}
