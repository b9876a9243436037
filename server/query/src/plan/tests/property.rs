//! Plans against random documents: none that matches is missed, and a promised order is kept.
//!
//! Strategies are boxed: their nested types make frames that a test thread has no stack for.

use super::*;
use crate::sort::SortPattern;
use proptest::prelude::*;
use quire_bson::RawValue;
use quire_keys::{encode_value, encode_value_descending};
use std::collections::BTreeSet;

/// How far one field of an index has come in a document.
#[derive(Clone)]
enum Slot {
    Path(String),
    Elements,
    Value(Bson),
}

/// The keys of a document in an index, by the rules of the manual; `None` for parallel arrays.
/// Sets the bits of fields that lead through arrays.
fn keys_of(
    doc: &Document,
    mut slots: Vec<Slot>,
    multikey: &mut u32,
    sparse: bool,
    mut missing: usize,
) -> Option<Vec<Vec<Bson>>> {
    let mut met: Option<&Vec<Bson>> = None;
    let mut through = 0_u32;
    for (n, slot) in slots.iter_mut().enumerate() {
        let Slot::Path(path) = slot.clone() else { continue };
        let mut doc = doc;
        let mut rest = path.as_str();
        *slot = loop {
            let (name, after) = rest.split_once('.').map_or((rest, None), |(n, r)| (n, Some(r)));
            match (doc.get(name), after) {
                (Some(Bson::Array(items)), after) => {
                    if met.is_some_and(|other| !std::ptr::eq(other, items)) {
                        return None;
                    }
                    met = Some(items);
                    through |= 1 << n;
                    break after.map_or(Slot::Elements, |after| Slot::Path(after.to_owned()));
                }
                (Some(value), None) => break Slot::Value(value.clone()),
                (Some(Bson::Document(inner)), Some(after)) => {
                    doc = inner;
                    rest = after;
                }
                _ => {
                    missing += 1;
                    break Slot::Value(Bson::Null);
                }
            }
        };
    }
    let Some(items) = met else {
        if sparse && missing == slots.len() {
            return Some(vec![]);
        }
        let values = slots.into_iter().map(|slot| match slot {
            Slot::Value(value) => value,
            Slot::Path(_) | Slot::Elements => Bson::Null,
        });
        return Some(vec![values.collect()]);
    };
    *multikey |= through;
    let elements = if items.is_empty() { vec![Bson::Undefined] } else { items.clone() };
    let mut keys = Vec::new();
    for element in elements {
        let inner = element.as_document().cloned().unwrap_or_default();
        let slots = slots.iter().map(|slot| match slot {
            Slot::Elements => Slot::Value(element.clone()),
            slot => slot.clone(),
        });
        keys.extend(keys_of(&inner, slots.collect(), multikey, sparse, missing)?);
    }
    Some(keys)
}

fn encoded(index: &IndexDescription, values: &[Bson]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (field, value) in index.fields.iter().zip(values) {
        let wrapped = DocBuf::of_value(value);
        let raw = wrapped.as_raw().iter().next().unwrap().value();
        match field.order {
            FieldOrder::Descending => encode_value_descending(&mut bytes, raw),
            _ => encode_value(&mut bytes, raw),
        }
    }
    bytes
}

fn row_key(id: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_value(&mut bytes, RawValue::Int32(i32::try_from(id).unwrap()));
    bytes
}

/// The entries of an index: key bytes with the row key behind them.
type Entries = BTreeSet<(Vec<u8>, usize)>;

/// Fills an index from documents; those that it cannot hold are taken out of the collection.
fn build(index: &mut IndexDescription, docs: &mut Vec<Document>) -> Entries {
    let mut entries = BTreeSet::new();
    docs.retain(|doc| {
        let slots = index.fields.iter().map(|f| Slot::Path(f.path.as_str().to_owned())).collect();
        keys_of(doc, slots, &mut 0, index.sparse, 0).is_some()
    });
    for (id, doc) in docs.iter().enumerate() {
        let buf = DocBuf::from(doc);
        if !index.partial.as_ref().is_none_or(|f| f.matches(buf.as_raw()).unwrap()) {
            continue;
        }
        let slots = index.fields.iter().map(|f| Slot::Path(f.path.as_str().to_owned())).collect();
        let keys = keys_of(doc, slots, &mut index.multikey, index.sparse, 0).unwrap();
        for key in keys {
            let mut bytes = encoded(index, &key);
            bytes.extend(row_key(id));
            entries.insert((bytes, id));
        }
    }
    entries
}

/// The rows in the order that a plan visits them, each once.
fn visited(access: &Access, entries: &[Entries], rows: usize) -> Vec<usize> {
    let all: Vec<(Vec<u8>, usize)> = (0..rows).map(|id| (row_key(id), id)).collect();
    let (mut found, backwards): (Vec<usize>, bool) = match access {
        Access::Nothing => (vec![], false),
        Access::Rows { backwards } => ((0..rows).collect(), *backwards),
        Access::RowLookups { keys, backwards, .. } => {
            let known = |key| all.iter().find(|(k, _)| k == key).map(|(_, id)| *id);
            (keys.iter().filter_map(known).collect(), *backwards)
        }
        Access::RowRanges { ranges, backwards, .. } => (in_ranges(ranges, all.iter()), *backwards),
        Access::Index(scan) => {
            let found = in_ranges(&scan.ranges, entries[scan.index].iter());
            let distinct: BTreeSet<_> = found.iter().collect();
            assert!(scan.repeats || distinct.len() == found.len(), "an unannounced repetition");
            (found, scan.backwards)
        }
        Access::Union(parts) => {
            (parts.iter().flat_map(|part| visited(part, entries, rows)).collect(), false)
        }
    };
    if backwards {
        found.reverse();
    }
    let mut seen = BTreeSet::new();
    found.retain(|id| seen.insert(*id));
    found
}

fn in_ranges<'e>(
    ranges: &[Range],
    entries: impl Iterator<Item = &'e (Vec<u8>, usize)> + Clone,
) -> Vec<usize> {
    let within = |range: &Range| -> Vec<usize> {
        entries.clone().filter(|(key, _)| range.contains(key)).map(|(_, id)| *id).collect()
    };
    ranges.iter().flat_map(within).collect()
}

fn scalar() -> BoxedStrategy<Bson> {
    prop_oneof![
        5 => (0..4_i32).prop_map(Bson::Int32),
        1 => prop_oneof![Just(0.5), Just(f64::NAN), Just(2.0)].prop_map(Bson::Double),
        3 => "[xy]{0,2}".prop_map(Bson::String),
        1 => Just(Bson::Null),
        1 => Just(Bson::Boolean(true)),
        1 => Just(Bson::MinKey),
        1 => Just(Bson::MaxKey),
    ]
    .boxed()
}

fn value() -> BoxedStrategy<Bson> {
    scalar()
        .prop_recursive(3, 10, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Bson::Array),
                prop::collection::vec(("[abc]", inner), 0..3)
                    .prop_map(|fields| Bson::Document(fields.into_iter().collect::<Document>())),
            ]
        })
        .boxed()
}

/// Small documents below `a`, often several in an array: where multikey rules matter.
fn items() -> BoxedStrategy<Bson> {
    let few = prop_oneof![4 => (0..3_i32).prop_map(Bson::Int32), 1 => value()];
    let few = few.boxed();
    let list = prop::collection::vec(few.clone(), 0..3).prop_map(Bson::Array);
    let item =
        prop::collection::vec(("[bc]", prop_oneof![3 => few.clone(), 1 => list.clone()]), 0..3)
            .prop_map(|fields| Bson::Document(fields.into_iter().collect::<Document>()))
            .boxed();
    prop_oneof![
        2 => prop::collection::vec(item.clone(), 0..3).prop_map(Bson::Array),
        1 => item,
        2 => few,
        2 => list,
    ]
    .boxed()
}

fn document() -> BoxedStrategy<Document> {
    prop::collection::vec(("[abc]", prop_oneof![4 => items(), 1 => value()]), 0..4)
        .prop_map(|fields| fields.into_iter().collect::<Document>())
        .boxed()
}

fn path() -> BoxedStrategy<String> {
    prop_oneof![
        4 => Just("a"), 2 => Just("b"), 1 => Just("c"), 4 => Just("a.b"), 3 => Just("a.c"),
        1 => Just("a.0"), 1 => Just("b.a.c"),
    ]
    .prop_map(str::to_owned)
    .boxed()
}

fn comparison() -> BoxedStrategy<Document> {
    let op =
        prop_oneof![Just("$eq"), Just("$gt"), Just("$gte"), Just("$lt"), Just("$lte"), Just("$ne")];
    prop_oneof![
        6 => (op.clone(), 0..3_i32).prop_map(|(op, value)| doc! { op: value }),
        3 => (op, value()).prop_map(|(op, value)| doc! { op: value }),
        2 => prop::collection::vec(value(), 0..4).prop_map(|list| doc! { "$in": list }),
        1 => prop::collection::vec(scalar(), 0..3).prop_map(|list| doc! { "$nin": list }),
        1 => any::<bool>().prop_map(|flag| doc! { "$exists": flag }),
        1 => prop_oneof![Just("string"), Just("number"), Just("array"), Just("null"), Just("object")]
            .prop_map(|name| doc! { "$type": name }),
        1 => "\\^?[xy]{1,2}".prop_map(|source| doc! { "$regex": source }),
        1 => (0..3_i32).prop_map(|size| doc! { "$size": size }),
    ]
        .boxed()
}

fn condition() -> BoxedStrategy<Document> {
    let operators = prop_oneof![
        6 => comparison(),
        1 => (comparison(), comparison()).prop_map(|(mut a, b)| { a.extend(b); a }),
        1 => comparison().prop_map(|inner| doc! { "$not": inner }),
        2 => (comparison(), comparison())
            .prop_map(|(mut a, b)| { a.extend(b); doc! { "$elemMatch": a } }),
        2 => prop::collection::vec(("[abc]|b\\.c", comparison()), 0..3).prop_map(|fields| {
            let inner: Document =
                fields.into_iter().map(|(name, test)| (name, Bson::Document(test))).collect();
            doc! { "$elemMatch": inner }
        }),
        1 => prop::collection::vec(value(), 1..3).prop_map(|list| doc! { "$all": list }),
    ];
    (path(), operators).prop_map(|(path, operators)| doc! { path: operators }).boxed()
}

fn filter() -> BoxedStrategy<Document> {
    let clauses = prop::collection::vec(condition(), 1..4);
    let ids = prop_oneof![
        3 => Just(None),
        1 => (0..8_i32).prop_map(|n| Some(doc! { "_id": { "$gte": n } })),
        1 => prop::collection::vec(0..8_i32, 1..3).prop_map(|l| Some(doc! { "_id": { "$in": l } })),
    ];
    prop_oneof![
        4 => (clauses, ids).prop_map(|(mut clauses, ids)| {
            clauses.extend(ids);
            doc! { "$and": clauses }
        }),
        1 => (condition(), condition(), condition())
            .prop_map(|(a, b, c)| doc! { "$and": [a, { "$or": [b, c] }] }),
        1 => (condition(), condition()).prop_map(|(a, b)| doc! { "$or": [a, b] }),
    ]
    .boxed()
}

fn order() -> BoxedStrategy<i32> {
    prop_oneof![Just(1), Just(-1)].boxed()
}

fn an_index() -> BoxedStrategy<IndexDescription> {
    let fields = prop::collection::btree_map(path(), order(), 1..3);
    let partial_filter = prop_oneof![
        5 => Just(None),
        2 => condition().prop_map(Some),
        1 => path().prop_map(|path| Some(doc! { path: { "$exists": true } })),
    ];
    (fields, any::<bool>(), partial_filter)
        .prop_filter_map("positions have keys of their own", |(fields, sparse, partial)| {
            if fields.keys().any(|path| path.contains('0')) {
                return None;
            }
            let key: Document = fields.into_iter().map(|(p, o)| (p, Bson::Int32(o))).collect();
            let partial = partial.as_ref().map(parse);
            Some(IndexDescription { sparse: sparse && partial.is_none(), partial, ..index(key) })
        })
        .boxed()
}

fn a_sort() -> BoxedStrategy<Document> {
    let field = prop_oneof![3 => path(), 1 => Just("_id".to_owned())];
    prop::collection::btree_map(field, order(), 0..3)
        .prop_map(|fields| fields.into_iter().map(|(p, o)| (p, Bson::Int32(o))).collect())
        .boxed()
}

/// Documents that differ in little but where their arrays are.
fn dense_document() -> BoxedStrategy<Document> {
    let number = (0..3_i32).prop_map(Bson::Int32);
    let numbers = prop::collection::vec(number.clone(), 1..3).prop_map(Bson::Array);
    let leaf = prop_oneof![3 => number.clone(), 1 => numbers.clone()].boxed();
    let object = |leaf: BoxedStrategy<Bson>| {
        (leaf.clone(), leaf).prop_map(|(b, c)| bson!({ "b": b, "c": c })).boxed()
    };
    let list =
        |item: BoxedStrategy<Bson>| prop::collection::vec(item, 1..4).prop_map(Bson::Array).boxed();
    let inner = prop_oneof![2 => leaf.clone(), 1 => list(object(number.clone().boxed()))].boxed();
    let a = prop_oneof![
        2 => leaf.clone(),
        1 => object(leaf.clone()),
        3 => list(object(number.boxed())),
        2 => list(object(inner)),
    ];
    (a, leaf).prop_map(|(a, b)| doc! { "a": a, "b": b }).boxed()
}

/// Two conditions on the paths of an index with two fields, and a sort by them.
fn focused() -> BoxedStrategy<(IndexDescription, Document, Document)> {
    let small = || {
        let op = prop_oneof![Just("$eq"), Just("$gt"), Just("$gte"), Just("$lt"), Just("$ne")];
        (op, 0..3_i32).prop_map(|(op, value)| doc! { op: value })
    };
    let pairs = prop_oneof![
        Just(("a", "b")),
        Just(("a.b", "a.c")),
        Just(("a.b", "b")),
        Just(("a.b.c", "a.b.b")),
    ];
    (pairs, (order(), order()), prop::collection::vec(small(), 4), 0..8, 0..5)
        .prop_map(|((first, second), orders, tests, shape, sorted)| {
            let key = doc! { first: orders.0, second: orders.1 };
            let [a, b, c, d] = tests.try_into().unwrap_or_default();
            let both = |mut a: Document, b: Document| {
                a.extend(b);
                a
            };
            let filter = match shape {
                0 => doc! { first: both(a, b) },
                1 => doc! { first: both(a, b), second: both(c, d) },
                2 => doc! { first: { "$elemMatch": both(a, b) } },
                3 => doc! { "a": { "$elemMatch": { "b": a, "c": b } } },
                4 => doc! { "a": { "$elemMatch": { "b.b": a, "b.c": b } } },
                5 => doc! { "$and": [
                    { "a": { "$elemMatch": { "b": a } } },
                    { "a": { "$elemMatch": { "c": b } } },
                ] },
                6 => doc! { first: { "$eq": 1 }, second: a },
                _ => doc! {},
            };
            let sort = match sorted {
                0 => doc! {},
                1 => doc! { first: orders.0 },
                2 => doc! { second: -orders.1 },
                3 => doc! { first: orders.0, second: orders.1 },
                _ => doc! { first: -orders.0, "_id": -1 },
            };
            (index(key), filter, sort)
        })
        .boxed()
}

/// Builds the indexes over the documents, runs the plan and compares with looking at every document.
fn check_plan(
    mut docs: Vec<Document>,
    mut indexes: Vec<IndexDescription>,
    filter: &Document,
    sort: &Document,
    (limited, hinted): (bool, bool),
) -> Result<(), TestCaseError> {
    for index in &mut indexes {
        build(index, &mut docs);
        index.multikey = 0;
    }
    for (id, doc) in docs.iter_mut().enumerate() {
        let fields = std::mem::take(doc);
        *doc = doc! { "_id": i32::try_from(id).unwrap() };
        doc.extend(fields);
    }
    let entries: Vec<Entries> = indexes.iter_mut().map(|i| build(i, &mut docs)).collect();

    let parsed = parse(filter);
    // A hint forces scans that are not preferred; only an index of all documents has to find all.
    let complete = !indexes[0].sparse && indexes[0].partial.is_none();
    let hint = Hint::Name(indexes[0].name.clone());
    let hint = (hinted && complete).then_some(&hint);
    let options = PlanOptions { limited, hint, ..options() };
    let fields = sort_of(sort);
    let plan = choose(&parsed, Some(&fields), &indexes, &options).unwrap();
    let found = visited(&plan.access, &entries, docs.len());

    let raw: Vec<DocBuf> = docs.iter().map(DocBuf::from).collect();
    let matching: Vec<usize> =
        (0..docs.len()).filter(|id| parsed.matches(raw[*id].as_raw()).unwrap()).collect();
    for id in &matching {
        prop_assert!(found.contains(id), "{} misses {}: {:?}", filter, docs[*id], plan);
    }
    if plan.provides_sort && !fields.is_empty() {
        let pattern =
            SortPattern::parse(DocBuf::from(sort).as_raw(), &crate::ValueOrder::BYTES).unwrap();
        // Documents with two arrays in the sort have no key; then there is no order to keep.
        let keys = found.iter().filter(|id| matching.contains(id)).map(|id| raw[*id].as_raw());
        let ordered: Result<Vec<_>, _> = keys.map(|doc| pattern.key(doc)).collect();
        let ordered = ordered.unwrap_or_default();
        prop_assert!(ordered.is_sorted(), "{} by {}: {:?}", filter, sort, plan);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn a_plan_misses_no_document_and_keeps_its_order(
        docs in prop::collection::vec(document(), 1..8),
        indexes in prop::collection::vec(an_index(), 1..3),
        filter in filter(),
        sort in a_sort(),
        limited in any::<bool>(),
        hinted in any::<bool>(),
    ) {
        check_plan(docs, indexes, &filter, &sort, (limited, hinted))?;
    }

    #[test]
    fn bounds_of_several_fields_and_arrays_miss_nothing(
        docs in prop::collection::vec(dense_document(), 1..8),
        (index, filter, sort) in focused(),
    ) {
        check_plan(docs, vec![index], &filter, &sort, (true, true))?;
    }
}
