use super::{IndexKeys, KeyError, encode_field, keys_of, split_entry};
use crate::{CollectionId, Index, IndexId, IndexPlace, IndexSpec, IndexState};
use quire_bson::{Bson, DocBuf, Document, RawDoc, doc};

fn index(pattern: &Document, options: &Document) -> Index {
    let mut spec = doc! { "v": 2, "key": pattern.clone(), "name": "test" };
    spec.extend(options.clone());
    Index {
        id: IndexId(7),
        collection: CollectionId(1),
        spec: IndexSpec::parse(DocBuf::from(&spec)).unwrap(),
        state: IndexState::Ready,
        place: IndexPlace::Entries,
        multikey: 0,
    }
}

fn keys(index: &Index, doc: &Document) -> Result<IndexKeys, KeyError> {
    keys_of(index, DocBuf::from(doc).as_raw())
}

/// The bytes that a key of these values has.
fn encoded(index: &Index, values: &[Bson]) -> Vec<u8> {
    let mut out = Vec::new();
    for (field, value) in index.spec.fields.iter().zip(values) {
        let holder = DocBuf::from(&doc! { "": value.clone() });
        let value = RawDoc::from_validated(holder.as_bytes()).get("").unwrap();
        encode_field(&mut out, field.order, value);
    }
    out
}

/// Pattern, document, expected keys in any order, fields seen as multikey.
type Case = (Document, Document, Vec<Vec<Bson>>, u32);

fn check(options: &Document, cases: Vec<Case>) {
    for (pattern, doc, expected, multikey) in cases {
        let index = index(&pattern, options);
        let found = keys(&index, &doc).unwrap_or_else(|e| panic!("{pattern} {doc}: {e}"));
        let mut expected: Vec<_> = expected.iter().map(|key| encoded(&index, key)).collect();
        expected.sort();
        let listed: Vec<_> = found.iter().map(<[u8]>::to_vec).collect();
        assert_eq!(listed, expected, "{pattern} over {doc}");
        assert_eq!(found.multikey(), multikey, "{pattern} over {doc}");
        assert!(expected.iter().all(|key| found.contains(key)));
    }
}

fn key(value: impl Into<Bson>) -> Vec<Bson> {
    vec![value.into()]
}

fn pair(a: impl Into<Bson>, b: impl Into<Bson>) -> Vec<Bson> {
    vec![a.into(), b.into()]
}

#[test]
fn single_values_give_one_key() {
    check(
        &doc! {},
        vec![
            (doc! {"a": 1}, doc! {"a": 5}, vec![key(5)], 0),
            (doc! {"a": 1}, doc! {"a": 5.0}, vec![key(5)], 0),
            (doc! {"a": 1}, doc! {}, vec![key(Bson::Null)], 0),
            (doc! {"a": 1}, doc! {"a": null}, vec![key(Bson::Null)], 0),
            (doc! {"a": 1}, doc! {"a": {"b": 1}}, vec![key(doc! {"b": 1})], 0),
            (doc! {"a.b": 1}, doc! {"a": {"b": 1}}, vec![key(1)], 0),
            (doc! {"a.b": 1}, doc! {"a": 3}, vec![key(Bson::Null)], 0),
            (doc! {"a.b": 1}, doc! {"a": {"c": 1}}, vec![key(Bson::Null)], 0),
            (doc! {"a": 1, "b": -1}, doc! {"a": 1, "b": "x"}, vec![pair(1, "x")], 0),
            (doc! {"a": 1, "b": 1}, doc! {"b": 2}, vec![pair(Bson::Null, 2)], 0),
        ],
    );
}

#[test]
fn arrays_give_a_key_for_each_different_element() {
    check(
        &doc! {},
        vec![
            (doc! {"a": 1}, doc! {"a": [3, 1, 3, 2]}, vec![key(1), key(2), key(3)], 1),
            (doc! {"a": -1}, doc! {"a": [1, 2]}, vec![key(1), key(2)], 1),
            (doc! {"a": 1}, doc! {"a": []}, vec![key(Bson::Undefined)], 1),
            (doc! {"a": 1}, doc! {"a": [[1, 2], 3]}, vec![key(vec![1, 2]), key(3)], 1),
            (doc! {"a": 1}, doc! {"a": [[]]}, vec![key(Bson::Array(vec![]))], 1),
            (doc! {"a": 1, "b": 1}, doc! {"a": [1, 2], "b": 9}, vec![pair(1, 9), pair(2, 9)], 1),
            (doc! {"a": 1, "b": 1}, doc! {"a": 9, "b": [1, 2]}, vec![pair(9, 1), pair(9, 2)], 2),
        ],
    );
}

#[test]
fn paths_run_through_arrays_of_documents() {
    let rows = doc! {"a": [{"b": 1, "c": 2}, {"b": 3}, 7]};
    check(
        &doc! {},
        vec![
            (doc! {"a.b": 1}, rows.clone(), vec![key(1), key(3), key(Bson::Null)], 1),
            (
                doc! {"a.b": 1, "a.c": 1},
                rows,
                vec![pair(1, 2), pair(3, Bson::Null), pair(Bson::Null, Bson::Null)],
                3,
            ),
            (doc! {"a.b": 1}, doc! {"a": []}, vec![key(Bson::Null)], 1),
            (doc! {"a.b": 1}, doc! {"a": [[{"b": 1}]]}, vec![key(Bson::Null)], 1),
            (
                doc! {"a.b": 1},
                doc! {"a": [{"b": [1, 2]}, {"b": []}]},
                vec![key(1), key(2), key(Bson::Undefined)],
                1,
            ),
            (
                doc! {"a.b.c": 1},
                doc! {"a": {"b": [{"c": 1}, {"c": [4, 5]}]}},
                vec![key(1), key(4), key(5)],
                1,
            ),
            // the array itself beside a field of its elements
            (
                doc! {"a": 1, "a.b": 1},
                doc! {"a": [{"b": 1}, 2]},
                vec![pair(doc! {"b": 1}, 1), pair(2, Bson::Null)],
                3,
            ),
        ],
    );
}

#[test]
fn numbers_in_paths_name_positions_or_fields() {
    check(
        &doc! {},
        vec![
            (doc! {"a.0": 1}, doc! {"a": [5, 6]}, vec![key(5)], 0),
            (doc! {"a.1": 1}, doc! {"a": [5, 6]}, vec![key(6)], 0),
            (doc! {"a.2": 1}, doc! {"a": [5, 6]}, vec![key(Bson::Null)], 1),
            (doc! {"a.2": 1}, doc! {"a": [{"2": 8}]}, vec![key(8)], 1),
            (doc! {"a.0": 1}, doc! {"a": {"0": 4}}, vec![key(4)], 0),
            (doc! {"a.0.b": 1}, doc! {"a": [{"b": 4}, {"b": 5}]}, vec![key(4)], 0),
            (doc! {"a.0.b": 1}, doc! {"a": [{"b": [4, 5]}, 1]}, vec![key(4), key(5)], 1),
            (doc! {"a.0": 1}, doc! {"a": [[1, 2], 3]}, vec![key(vec![1, 2])], 1),
            (
                doc! {"a.0": 1, "a.b": 1},
                doc! {"a": [{"b": 1}, {"b": 2}]},
                vec![pair(doc! {"b": 1}, 1), pair(doc! {"b": 1}, 2)],
                2,
            ),
        ],
    );
    let ambiguous = index(&doc! {"a.0": 1, "a.b": 1}, &doc! {});
    let error = keys(&ambiguous, &doc! {"a": [{"0": 1}]}).unwrap_err();
    assert!(matches!(error, KeyError::AmbiguousField { .. }));
}

#[test]
fn sparse_indexes_leave_out_documents_without_any_field() {
    check(
        &doc! {"sparse": true},
        vec![
            (doc! {"a": 1}, doc! {}, vec![], 0),
            (doc! {"a": 1}, doc! {"a": null}, vec![key(Bson::Null)], 0),
            (doc! {"a": 1, "b": 1}, doc! {"b": 1}, vec![pair(Bson::Null, 1)], 0),
            (doc! {"a": 1, "b": 1}, doc! {"c": 1}, vec![], 0),
            (doc! {"a.b": 1}, doc! {"a": [{"c": 1}, {"b": 2}]}, vec![key(2)], 1),
            (doc! {"a": 1}, doc! {"a": []}, vec![key(Bson::Undefined)], 1),
        ],
    );
}

#[test]
fn hashed_indexes_keep_values_and_refuse_arrays() {
    check(
        &doc! {},
        vec![
            (doc! {"a": "hashed"}, doc! {"a": 5}, vec![key(5)], 0),
            (doc! {"a": "hashed", "b": -1}, doc! {"a": 5, "b": [1]}, vec![pair(5, 1)], 2),
        ],
    );
    let error = keys(&index(&doc! {"a": "hashed"}, &doc! {}), &doc! {"a": [1]}).unwrap_err();
    let text = "hashed indexes do not currently support array values. Found array at path: a";
    assert_eq!(error.to_string(), text);
}

#[test]
fn two_arrays_side_by_side_are_refused() {
    let index = index(&doc! {"a": 1, "b": 1}, &doc! {});
    let error = keys(&index, &doc! {"a": [1], "b": [2]}).unwrap_err();
    assert_eq!(error.to_string(), "cannot index parallel arrays [b] [a]");
    // an empty one counts as well
    assert!(keys(&index, &doc! {"a": [], "b": []}).is_err());
}

#[test]
fn the_product_of_a_long_array_and_a_long_field_is_refused_before_it_is_built() {
    let index = index(&doc! {"a": 1, "b": 1}, &doc! {});
    let numbers: Vec<i32> = (0..10_000).collect();
    let document = doc! {"a": numbers, "b": "x".repeat(1 << 20)};
    assert_eq!(keys(&index, &document), Err(KeyError::TooLarge));
}

#[test]
fn an_entry_is_split_where_its_fields_end() {
    let index = index(&doc! {"a": 1, "b": -1}, &doc! {});
    let fields = encoded(&index, &pair("x", 3));
    let entry = [fields.as_slice(), b"row"].concat();
    assert_eq!(split_entry(&index, &entry), Some((fields.as_slice(), b"row".as_slice())));
    assert_eq!(split_entry(&index, &fields[..fields.len() - 1]), None);
}
