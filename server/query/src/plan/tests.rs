//! Tables of filters, sorts and indexes against the plans they get.

use super::*;
use crate::Constants;
use crate::filter::Filter;
use quire_bson::{Bson, Document, Regex, bson, doc};
use quire_errors::CommandError;
use std::sync::Arc;

mod collated;
mod property;

fn parse(filter: &Document) -> Filter {
    let buf = DocBuf::from(filter);
    Filter::parse(buf.as_raw(), &Arc::new(Constants::default())).unwrap()
}

fn index(key: Document) -> IndexDescription {
    let name: Vec<String> = key.iter().map(|(path, order)| format!("{path}_{order}")).collect();
    IndexDescription::new(&name.join("_"), DocBuf::from(&key).as_raw())
}

/// An index with arrays on the fields whose bits are set.
fn multikey(key: Document, fields: u32) -> IndexDescription {
    IndexDescription { multikey: fields, ..index(key) }
}

fn unique(key: Document) -> IndexDescription {
    IndexDescription { unique: true, ..index(key) }
}

fn sparse(key: Document) -> IndexDescription {
    IndexDescription { sparse: true, ..index(key) }
}

fn partial(key: Document, filter: Document) -> IndexDescription {
    IndexDescription { partial: Some(parse(&filter)), ..index(key) }
}

fn options() -> PlanOptions<'static> {
    PlanOptions {
        namespace: "test.c",
        clustered: true,
        hint: None,
        min: None,
        max: None,
        limited: false,
        sort_order: &ValueOrder::BYTES,
    }
}

fn sort_of(sort: &Document) -> Vec<(String, i32)> {
    sort.iter().map(|(path, order)| (path.clone(), order.as_i32().unwrap())).collect()
}

fn shown_bounds(bounds: &Bounds) -> String {
    let fields = bounds.to_bson().as_raw().to_document().into_iter().map(|(path, list)| {
        let list = list.as_array().unwrap().iter().map(|text| text.as_str().unwrap());
        format!("{path}: {}", list.collect::<Vec<_>>().join(" "))
    });
    fields.collect::<Vec<_>>().join(", ")
}

fn shown_access(access: &Access, indexes: &[IndexDescription]) -> String {
    let way = |backwards: &bool| if *backwards { " backwards" } else { "" };
    match access {
        Access::Nothing => "nothing".to_owned(),
        Access::Rows { backwards } => format!("rows{}", way(backwards)),
        Access::RowLookups { bounds, backwards, .. } => {
            format!("lookup {}{}", shown_bounds(bounds), way(backwards))
        }
        Access::RowRanges { bounds, backwards, .. } => {
            format!("row range {}{}", shown_bounds(bounds), way(backwards))
        }
        Access::Index(scan) => {
            let name = &indexes[scan.index].name;
            format!("{name}: {}{}", shown_bounds(&scan.bounds), way(&scan.backwards))
        }
        Access::Union(parts) => {
            let parts: Vec<String> = parts.iter().map(|p| shown_access(p, indexes)).collect();
            format!("union of {}", parts.join(" and "))
        }
    }
}

/// The plan as text, with `, sorted` behind it when it gives the order of a sort.
fn planned(
    filter: &Document,
    sort: &Document,
    indexes: &[IndexDescription],
    options: &PlanOptions<'_>,
) -> String {
    let sort = sort_of(sort);
    let plan = choose(&parse(filter), Some(&sort), indexes, options).unwrap();
    let sorted = if plan.provides_sort && !sort.is_empty() { ", sorted" } else { "" };
    format!("{}{sorted}", shown_access(&plan.access, indexes))
}

fn check(filter: Document, indexes: &[IndexDescription], expected: &str) {
    assert_eq!(planned(&filter, &doc! {}, indexes, &options()), expected, "{filter}");
}

fn check_sorted(filter: Document, sort: Document, indexes: &[IndexDescription], expected: &str) {
    assert_eq!(planned(&filter, &sort, indexes, &options()), expected, "{filter} by {sort}");
}

fn regex(pattern: &str) -> Bson {
    Bson::RegularExpression(Regex {
        pattern: pattern.try_into().unwrap(),
        options: "".try_into().unwrap(),
    })
}

#[test]
fn conditions_on_the_id_are_served_by_the_rows() {
    check(doc! {}, &[], "rows");
    check(doc! {"x": 1}, &[], "rows");
    check(doc! {"_id": 5}, &[], "lookup _id: [5, 5]");
    check(doc! {"_id": {"$in": [3, 1, 3.0]}}, &[], "lookup _id: [1, 1] [3, 3]");
    check(doc! {"_id": {"$gt": 5}}, &[], "row range _id: (5, inf.0]");
    check(doc! {"_id": {"$gte": 5, "$lt": 9}}, &[], "row range _id: [5, 9)");
    check(doc! {"_id": 5, "a": 1}, &[index(doc! {"a": 1})], "lookup _id: [5, 5]");
    check(doc! {"_id": {"$in": []}}, &[], "nothing");
    check(doc! {"_id": {"$gt": 5, "$lt": 3}}, &[], "lookup _id: ");
    check(
        doc! {"$or": [{"_id": 1}, {"_id": 2}]},
        &[],
        "union of lookup _id: [1, 1] and lookup _id: [2, 2]",
    );
}

#[test]
fn every_kind_of_condition_has_its_bounds() {
    let indexes = [multikey(doc! {"a": 1}, 1)];
    let cases: Vec<(Bson, &str)> = vec![
        (bson!(5), "[5, 5]"),
        (bson!(5.0), "[5.0, 5.0]"),
        (bson!("x"), "[\"x\", \"x\"]"),
        (Bson::Null, "[null, null]"),
        (bson!({"$gt": 5}), "(5, inf.0]"),
        (bson!({"$lte": 5}), "[-inf.0, 5]"),
        (bson!({"$lt": "b"}), "[\"\", \"b\")"),
        (bson!({"$gte": "b"}), "[\"b\", {})"),
        (bson!({"$lt": {"b": 1}}), "[{}, { b: 1 })"),
        (bson!({"$gt": {"b": 1}}), "({ b: 1 }, [])"),
        (bson!({"$gte": true}), "[true, true]"),
        (bson!({"$gte": Bson::Null}), "[null, null]"),
        (bson!({"$gte": f64::NAN}), "[nan.0, nan.0]"),
        (bson!({"$in": [7, 3, "x"]}), "[3, 3] [7, 7] [\"x\", \"x\"]"),
        (bson!({"$in": [7, regex("^ab")]}), "[7, 7] [\"ab\", \"ac\") [/^ab/, /^ab/]"),
        (bson!([1, 2]), "[1, 1] [[ 1, 2 ], [ 1, 2 ]]"),
        (bson!([]), "[undefined, undefined] [[], []]"),
        (regex("^ab"), "[\"ab\", \"ac\") [/^ab/, /^ab/]"),
        (regex("ab"), "[\"\", {}) [/ab/, /ab/]"),
        (bson!({"$exists": false}), "[undefined, null]"),
        (bson!({"$type": "string"}), "[\"\", {})"),
        (bson!({"$type": ["number", "null"]}), "[null, null] [nan.0, inf.0]"),
        (bson!({"$elemMatch": {"$gt": 1, "$lt": 5}}), "(1, 5)"),
        (bson!({"$all": [5, 6]}), "[5, 5]"),
    ];
    for (condition, bounds) in cases {
        check(doc! {"a": condition}, &indexes, &format!("a_1: a: {bounds}"));
    }
    for unbounded in [
        bson!({"$ne": 5}),
        bson!({"$exists": true}),
        bson!({"$size": 1}),
        bson!({"$mod": [2, 1]}),
        bson!({"$gt": [1]}),
        bson!({"$gt": Bson::MinKey}),
        bson!({"$type": "array"}),
        bson!({"$not": {"$gt": 5}}),
    ] {
        check(doc! {"a": unbounded}, &indexes, "rows");
    }
}

#[test]
fn conditions_on_one_field_are_narrowed_only_where_there_are_no_arrays() {
    let filter = doc! {"a": {"$gt": 1, "$lt": 5}};
    check(filter.clone(), &[index(doc! {"a": 1})], "a_1: a: (1, 5)");
    check(filter, &[multikey(doc! {"a": 1}, 1)], "a_1: a: (1, inf.0]");
    check(
        doc! {"a": {"$gt": 1, "$in": [3, 0]}},
        &[multikey(doc! {"a": 1}, 1)],
        "a_1: a: [0, 0] [3, 3]",
    );
}

#[test]
fn the_longest_equality_wins_then_the_sort_then_the_range() {
    let (a, ab, b) = (index(doc! {"a": 1}), index(doc! {"a": 1, "b": 1}), index(doc! {"b": 1}));
    let all = [a.clone(), b.clone(), ab.clone()];
    check(doc! {"a": 1, "b": 2}, &all, "a_1_b_1: a: [1, 1], b: [2, 2]");
    check(doc! {"a": 1}, &all, "a_1: a: [1, 1]");
    check(doc! {"a": 1, "b": {"$gt": 2}}, &all, "a_1_b_1: a: [1, 1], b: (2, inf.0]");
    check(doc! {"a": {"$gt": 1}, "b": 2}, &all, "b_1: b: [2, 2]");
    check_sorted(
        doc! {"a": 1},
        doc! {"b": -1},
        &all,
        "a_1_b_1: a: [1, 1], b: [MaxKey, MinKey] backwards, sorted",
    );
    check(doc! {"a": 1, "u": 2}, &[a, unique(doc! {"u": 1})], "u_1: u: [2, 2]");
    check(
        doc! {"a": {"$ne": 1}, "b": 1},
        &[index(doc! {"b": 1, "a": 1})],
        "b_1_a_1: b: [1, 1], a: [MinKey, 1) (1, MaxKey]",
    );
}

#[test]
fn a_scan_gives_the_order_of_its_keys_forwards_and_backwards() {
    let abc = [index(doc! {"a": 1, "b": -1, "c": 1})];
    check_sorted(
        doc! {},
        doc! {"a": 1, "b": -1},
        &abc,
        "a_1_b_-1_c_1: a: [MinKey, MaxKey], b: [MaxKey, MinKey], c: [MinKey, MaxKey], sorted",
    );
    check_sorted(
        doc! {},
        doc! {"a": -1},
        &abc,
        "a_1_b_-1_c_1: a: [MaxKey, MinKey], b: [MinKey, MaxKey], c: [MaxKey, MinKey] backwards, sorted",
    );
    check_sorted(doc! {}, doc! {"a": 1, "b": 1}, &abc, "rows");
    check_sorted(
        doc! {"a": 1},
        doc! {"b": 1, "c": -1},
        &abc,
        "a_1_b_-1_c_1: a: [1, 1], b: [MinKey, MaxKey], c: [MaxKey, MinKey] backwards, sorted",
    );
    check_sorted(
        doc! {"a": 1, "b": 2},
        doc! {"a": -1, "c": 1},
        &abc,
        "a_1_b_-1_c_1: a: [1, 1], b: [2, 2], c: [MinKey, MaxKey], sorted",
    );
    check_sorted(
        doc! {"a": {"$in": [1, 2]}},
        doc! {"b": 1},
        &abc,
        "a_1_b_-1_c_1: a: [1, 1] [2, 2], b: [MaxKey, MinKey], c: [MinKey, MaxKey]",
    );
    check_sorted(
        doc! {"a": {"$gt": 1}},
        doc! {"a": -1},
        &abc,
        "a_1_b_-1_c_1: a: [inf.0, 1), b: [MinKey, MaxKey], c: [MaxKey, MinKey] backwards, sorted",
    );
}

#[test]
fn rows_give_the_order_of_ids_and_break_ties_of_indexes() {
    check_sorted(doc! {}, doc! {"_id": 1}, &[], "rows, sorted");
    check_sorted(doc! {}, doc! {"_id": -1, "x": 1}, &[], "rows backwards, sorted");
    check_sorted(
        doc! {"_id": {"$gt": 3}},
        doc! {"_id": -1},
        &[],
        "row range _id: [inf.0, 3) backwards, sorted",
    );
    check_sorted(
        doc! {"_id": {"$in": [1, 2]}},
        doc! {"_id": -1},
        &[],
        "lookup _id: [2, 2] [1, 1] backwards, sorted",
    );
    check_sorted(doc! {"_id": 1}, doc! {"x": 1}, &[], "lookup _id: [1, 1], sorted");
    let a = [index(doc! {"a": 1})];
    check_sorted(doc! {"a": 1}, doc! {"_id": 1}, &a, "a_1: a: [1, 1], sorted");
    check_sorted(doc! {"a": {"$gt": 1}}, doc! {"a": 1, "_id": 1}, &a, "a_1: a: (1, inf.0], sorted");
    check_sorted(doc! {"a": {"$gt": 1}}, doc! {"a": 1, "_id": -1}, &a, "a_1: a: (1, inf.0]");
    let unclustered = PlanOptions { clustered: false, ..options() };
    assert_eq!(planned(&doc! {}, &doc! {"_id": 1}, &[], &unclustered), "rows");
    let by_id = [unique(doc! {"_id": 1})];
    assert_eq!(planned(&doc! {"_id": 1}, &doc! {}, &by_id, &unclustered), "_id_1: _id: [1, 1]");
}

#[test]
fn an_order_over_arrays_is_not_that_of_the_keys() {
    let tags = [multikey(doc! {"t": 1, "d": 1}, 1)];
    check_sorted(doc! {}, doc! {"t": 1}, &tags, "rows");
    check_sorted(
        doc! {"t": "x"},
        doc! {"d": 1},
        &tags,
        "t_1_d_1: t: [\"x\", \"x\"], d: [MinKey, MaxKey], sorted",
    );
    check_sorted(
        doc! {"t": "x"},
        doc! {"t": 1, "d": 1},
        &tags,
        "t_1_d_1: t: [\"x\", \"x\"], d: [MinKey, MaxKey]",
    );
    let trailing = [multikey(doc! {"d": 1, "t": 1}, 2)];
    check_sorted(
        doc! {},
        doc! {"d": 1},
        &trailing,
        "d_1_t_1: d: [MinKey, MaxKey], t: [MinKey, MaxKey], sorted",
    );
    check_sorted(
        doc! {"d": {"$gt": 1}, "t": "x"},
        doc! {"d": 1, "_id": 1},
        &trailing,
        "d_1_t_1: d: (1, inf.0], t: [\"x\", \"x\"]",
    );
}

#[test]
fn a_limit_makes_an_order_worth_more_than_a_range() {
    let indexes = [index(doc! {"a": 1}), index(doc! {"b": 1})];
    let (filter, sort) = (doc! {"a": {"$gt": 1}}, doc! {"b": 1});
    assert_eq!(planned(&filter, &sort, &indexes, &options()), "a_1: a: (1, inf.0]");
    let limited = PlanOptions { limited: true, ..options() };
    assert_eq!(planned(&filter, &sort, &indexes, &limited), "b_1: b: [MinKey, MaxKey], sorted");
}

#[test]
fn fields_below_one_array_are_bounded_together_only_by_one_elem_match() {
    let indexes = [multikey(doc! {"a.b": 1, "a.c": 1}, 3)];
    check(doc! {"a.b": 1, "a.c": 2}, &indexes, "a.b_1_a.c_1: a.b: [1, 1], a.c: [MinKey, MaxKey]");
    check(
        doc! {"a": {"$elemMatch": {"b": 1, "c": 2}}},
        &indexes,
        "a.b_1_a.c_1: a.b: [1, 1], a.c: [2, 2]",
    );
    check(
        doc! {"$and": [{"a": {"$elemMatch": {"b": 1}}}, {"a": {"$elemMatch": {"c": 2}}}]},
        &indexes,
        "a.b_1_a.c_1: a.b: [1, 1], a.c: [MinKey, MaxKey]",
    );
    check(
        doc! {"a.b": 1, "a.c": 2},
        &[index(doc! {"a.b": 1, "a.c": 1})],
        "a.b_1_a.c_1: a.b: [1, 1], a.c: [2, 2]",
    );
    check(
        doc! {"a": 1, "d": 2},
        &[multikey(doc! {"a": 1, "d": 1}, 1)],
        "a_1_d_1: a: [1, 1], d: [2, 2]",
    );
    let deep = [multikey(doc! {"a.b.c": 1, "a.b.d": 1}, 3)];
    check(
        doc! {"a": {"$elemMatch": {"b.c": 1, "b.d": 2}}},
        &deep,
        "a.b.c_1_a.b.d_1: a.b.c: [1, 1], a.b.d: [MinKey, MaxKey]",
    );
    check(
        doc! {"a": {"$elemMatch": {"b": {"$gt": 1, "$lt": 5}}}},
        &[multikey(doc! {"a.b": 1}, 1)],
        "a.b_1: a.b: (1, inf.0]",
    );
}

#[test]
fn a_number_in_a_path_is_left_to_the_filter() {
    check(doc! {"a.0": 1}, &[index(doc! {"a.0": 1})], "rows");
    check(doc! {"a.0.b": Bson::Null}, &[index(doc! {"a.0.b": 1})], "rows");
}

#[test]
fn a_sparse_index_serves_only_filters_that_need_a_value() {
    let indexes = [sparse(doc! {"a": 1})];
    check(doc! {"a": 5}, &indexes, "a_1: a: [5, 5]");
    check(doc! {"a": Bson::Null}, &indexes, "rows");
    check(doc! {"a": {"$exists": false}}, &indexes, "rows");
    check(doc! {"a": {"$ne": 5}}, &indexes, "rows");
    check(doc! {"a": {"$exists": true}}, &indexes, "a_1: a: [MinKey, MaxKey]");
    check(doc! {"a": {"$ne": Bson::Null}}, &indexes, "a_1: a: [MinKey, null) (null, MaxKey]");
    check_sorted(doc! {}, doc! {"a": 1}, &indexes, "rows");
    check(
        doc! {"a": Bson::Null, "b": 1},
        &[sparse(doc! {"a": 1, "b": 1})],
        "a_1_b_1: a: [null, null], b: [1, 1]",
    );
    check(doc! {"a.b": {"$ne": Bson::Null}}, &[sparse(doc! {"a.b": 1})], "rows");
}

#[test]
fn a_partial_index_serves_only_filters_that_imply_its_own() {
    let over_18 = [partial(doc! {"a": 1}, doc! {"age": {"$gte": 18}})];
    let used = "a_1: a: [1, 1]";
    for (condition, expected) in [
        (bson!(20), used),
        (bson!({"$gte": 18}), used),
        (bson!({"$gt": 18}), used),
        (bson!({"$gt": 20, "$lt": 30}), used),
        (bson!({"$in": [19, 20]}), used),
        (bson!({"$in": [17, 20]}), "rows"),
        (bson!({"$gt": 17}), "rows"),
        (bson!({"$lt": 20}), "rows"),
        (bson!({"$gt": "x"}), "rows"),
        (bson!({"$exists": true}), "rows"),
        (bson!({"$gt": f64::NAN}), "rows"),
    ] {
        check(doc! {"a": 1, "age": condition}, &over_18, expected);
    }
    check(doc! {"a": 1}, &over_18, "rows");
    check(doc! {"a": 1, "$or": [{"age": 20}, {"age": 30}]}, &over_18, used);
    check(doc! {"a": 1, "$or": [{"age": 20}, {"age": 10}]}, &over_18, "rows");
    let present = [partial(doc! {"a": 1}, doc! {"a": {"$exists": true}})];
    check(doc! {"a": 1}, &present, used);
    check(doc! {"a": Bson::Null}, &present, "rows");
    let strings = [partial(doc! {"a": 1}, doc! {"a": {"$type": "string"}})];
    check(doc! {"a": "x"}, &strings, "a_1: a: [\"x\", \"x\"]");
    check(doc! {"a": 1}, &strings, "rows");
    let either = [partial(doc! {"a": 1}, doc! {"$or": [{"s": 1}, {"s": 2}]})];
    check(doc! {"a": 1, "s": 2}, &either, used);
    check(doc! {"a": 1, "s": 3}, &either, "rows");
    let ints = [partial(doc! {"a": 1}, doc! {"b": {"$type": "int"}})];
    check(doc! {"a": 1, "b": 5}, &ints, "rows");
    check(doc! {"b": {"$type": "int"}}, &ints, "a_1: a: [MinKey, MaxKey]");
}

#[test]
fn an_or_is_a_union_when_every_branch_is_bounded() {
    let indexes = [index(doc! {"a": 1}), index(doc! {"b": 1})];
    check(
        doc! {"$or": [{"a": 1}, {"b": 2}]},
        &indexes,
        "union of a_1: a: [1, 1] and b_1: b: [2, 2]",
    );
    check(doc! {"$or": [{"a": 1}, {"c": 2}]}, &indexes, "rows");
    check(
        doc! {"$or": [{"a": 1}, {"_id": 2}]},
        &indexes,
        "union of a_1: a: [1, 1] and lookup _id: [2, 2]",
    );
    check(
        doc! {"c": 1, "$or": [{"a": 1}, {"b": {"$gt": 2}}]},
        &indexes,
        "union of a_1: a: [1, 1] and b_1: b: (2, inf.0]",
    );
    check(doc! {"a": 3, "$or": [{"b": 1}, {"b": 2}]}, &indexes[..1], "a_1: a: [3, 3]");
    check(
        doc! {"$or": [{"a": 1}, {"$or": [{"b": 1}, {"a": 9}]}]},
        &indexes,
        "union of a_1: a: [1, 1] and b_1: b: [1, 1] and a_1: a: [9, 9]",
    );
    check(doc! {"$or": [{"a": 1}, {"b": {"$in": []}}]}, &indexes, "union of a_1: a: [1, 1]");
}

#[test]
fn what_can_never_match_is_not_looked_for() {
    check(doc! {"a": {"$in": []}}, &[], "nothing");
    check(doc! {"$alwaysFalse": 1}, &[], "nothing");
    check(doc! {"a": {"$all": []}}, &[index(doc! {"a": 1})], "nothing");
}

#[test]
fn hidden_and_special_indexes_are_not_used() {
    let hidden = IndexDescription { hidden: true, ..index(doc! {"a": 1}) };
    check(doc! {"a": 1}, &[hidden], "rows");
    check(doc! {"a": 1}, &[index(doc! {"a": "text"})], "rows");
    check(doc! {"a": 1}, &[index(doc! {"$**": 1})], "rows");
    let hashed = [index(doc! {"a": "hashed"})];
    assert!(planned(&doc! {"a": 1}, &doc! {}, &hashed, &options()).ends_with("a: [1, 1]"));
    check(doc! {"a": {"$gt": 1}}, &hashed, "rows");
    check_sorted(doc! {}, doc! {"a": 1}, &hashed, "rows");
}

fn hinted(
    hint: Bson,
    filter: Document,
    indexes: &[IndexDescription],
    ends: (Option<Document>, Option<Document>),
) -> Result<String, CommandError> {
    let wrapped = DocBuf::of_value(&hint);
    let hint = Hint::parse(wrapped.as_raw().iter().next().unwrap().value())?;
    let (min, max) = (ends.0.as_ref().map(DocBuf::from), ends.1.as_ref().map(DocBuf::from));
    let options = PlanOptions {
        hint: hint.as_ref(),
        min: min.as_ref().map(DocBuf::as_raw),
        max: max.as_ref().map(DocBuf::as_raw),
        ..options()
    };
    let plan = choose(&parse(&filter), None, indexes, &options)?;
    Ok(shown_access(&plan.access, indexes))
}

#[test]
fn a_hint_is_followed() {
    let indexes = [index(doc! {"a": 1}), sparse(doc! {"b": -1})];
    let none = (None, None);
    for (hint, filter, expected) in [
        (bson!("a_1"), doc! {"b": 1}, "a_1: a: [MinKey, MaxKey]"),
        (bson!({"b": -1}), doc! {"b": 1}, "b_-1: b: [1, 1]"),
        (bson!({"b": -1.0}), doc! {}, "b_-1: b: [MaxKey, MinKey]"),
        (bson!({"$natural": 1}), doc! {"a": 1}, "rows"),
        (bson!({"$natural": -1}), doc! {"a": 1}, "rows backwards"),
        (bson!("_id_"), doc! {"a": 1}, "rows"),
        (bson!({"_id": 1}), doc! {"_id": 1, "a": 1}, "lookup _id: [1, 1]"),
        (bson!({}), doc! {"a": 1}, "a_1: a: [1, 1]"),
    ] {
        let shown = hint.to_string();
        assert_eq!(hinted(hint, filter, &indexes, none.clone()).unwrap(), expected, "{shown}");
    }
}

#[test]
fn a_hint_that_names_no_index_is_an_error() {
    let hidden = IndexDescription { hidden: true, ..index(doc! {"h": 1}) };
    for hint in [bson!("x_1"), bson!({"a": -1}), bson!({"a": 1, "b": 1}), bson!("h_1")] {
        let indexes = [index(doc! {"a": 1}), hidden.clone()];
        let error = hinted(hint, doc! {"a": 1}, &indexes, (None, None)).unwrap_err();
        assert_eq!(error.code().number(), 2);
        let message = error.message();
        assert!(message.starts_with("error processing query: ns=test.c"), "{message}");
        assert!(
            message.ends_with(
                "planner returned error :: caused by :: hint provided does not correspond to an \
                 existing index"
            ),
            "{message}"
        );
    }
    assert_eq!(hinted(bson!(5), doc! {}, &[], (None, None)).unwrap_err().code().number(), 9);
}

#[test]
fn min_and_max_need_a_hint_whose_fields_they_name() {
    let indexes = [index(doc! {"a": 1, "b": -1})];
    let code = |hint: Bson, min: Option<Document>, max: Option<Document>| {
        hinted(hint, doc! {}, &indexes, (min, max)).map_err(|error| error.code().number())
    };
    let (low, high) = (doc! {"a": 1, "b": 5}, doc! {"a": 1, "b": 3});
    assert!(code(bson!("a_1_b_-1"), Some(low.clone()), Some(high.clone())).is_ok());
    assert_eq!(code(bson!({}), Some(low.clone()), None), Err(51173));
    assert_eq!(code(bson!({"$natural": 1}), Some(low.clone()), None), Err(51173));
    assert_eq!(code(bson!("a_1_b_-1"), Some(doc! {"a": 1}), None), Err(51174));
    assert_eq!(code(bson!("a_1_b_-1"), None, Some(doc! {"b": 1, "a": 1})), Err(51174));
    assert_eq!(code(bson!("a_1_b_-1"), Some(high), Some(low)), Err(51175));
    assert!(code(bson!("_id_"), Some(doc! {"_id": 1}), None).unwrap().starts_with("row range"));
}

#[test]
fn ranges_hold_exactly_the_keys_between_the_bounds() {
    let key = |a: i32, b: i32| {
        let mut bytes = Vec::new();
        quire_keys::encode_value(&mut bytes, quire_bson::RawValue::Int32(a));
        quire_keys::encode_value_descending(&mut bytes, quire_bson::RawValue::Int32(b));
        bytes.extend_from_slice(b"row");
        bytes
    };
    let indexes = [index(doc! {"a": 1, "b": -1})];
    let ranges = |filter: Document| match choose(&parse(&filter), None, &indexes, &options()) {
        Ok(Plan { access: Access::Index(scan), .. }) => scan.ranges,
        other => panic!("{other:?}"),
    };
    let found = |ranges: &[Range], a, b| ranges.iter().any(|range| range.contains(&key(a, b)));
    let narrow = ranges(doc! {"a": {"$in": [1, 3]}, "b": {"$gt": 2, "$lte": 5}});
    assert_eq!(narrow.len(), 2);
    for a in 0..5 {
        for b in 0..8 {
            let expected = (a == 1 || a == 3) && b > 2 && b <= 5;
            assert_eq!(found(&narrow, a, b), expected, "{a} {b}");
        }
    }
    let half = ranges(doc! {"a": {"$gt": 1, "$lt": 3}});
    for a in 0..5 {
        assert_eq!(found(&half, a, 0), a == 2, "{a}");
    }
}

#[test]
fn long_lists_do_not_multiply() {
    let list: Vec<i32> = (0..1000).collect();
    let filter = doc! {"a": {"$in": &list}, "b": {"$in": &list}, "c": 1};
    let indexes = [index(doc! {"a": 1, "b": 1, "c": 1})];
    let plan = choose(&parse(&filter), None, &indexes, &options()).unwrap();
    let Access::Index(scan) = plan.access else { panic!("{plan:?}") };
    assert_eq!(scan.ranges.len(), 1000);
}
