//! Finds over random documents and indexes, held against a scan that looks at everything.

use crate::testing::Rig;
use proptest::prelude::*;
use quire_bson::{Bson, DocBuf, Document, doc};
use quire_query::Constants;
use quire_query::filter::Filter;
use quire_query::sort::SortPattern;
use std::sync::Arc;

fn scalar() -> impl Strategy<Value = Bson> {
    prop_oneof![
        6 => (-3..6_i32).prop_map(Bson::Int32),
        2 => prop_oneof![Just(0.5), Just(2.0), Just(f64::NAN)].prop_map(Bson::Double),
        2 => "[ab]{0,2}".prop_map(Bson::String),
        2 => Just(Bson::Null),
        1 => any::<bool>().prop_map(Bson::Boolean),
    ]
}

fn value() -> impl Strategy<Value = Bson> {
    let inner = || prop_oneof![3 => scalar(), 1 => field_of_b()];
    prop_oneof![
        6 => scalar(),
        2 => prop::collection::vec(inner(), 0..4).prop_map(Bson::Array),
        2 => field_of_b(),
    ]
}

fn field_of_b() -> impl Strategy<Value = Bson> {
    ("[bc]", scalar()).prop_map(|(name, value)| Bson::Document(doc! { name: value }))
}

fn fields() -> impl Strategy<Value = Document> {
    prop::collection::vec(("[abc]", value()), 0..4).prop_map(|fields| fields.into_iter().collect())
}

fn path() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "a.b", "b.c", "c", "_id"])
}

fn condition() -> impl Strategy<Value = Document> {
    let list = || prop::collection::vec(scalar(), 0..3);
    let operand = prop_oneof![
        4 => value(),
        6 => (prop::sample::select(vec!["$gt", "$gte", "$lt", "$lte", "$ne", "$eq"]), scalar())
            .prop_map(|(operator, value)| Bson::Document(doc! { operator: value })),
        2 => list().prop_map(|list| Bson::Document(doc! { "$in": list })),
        1 => list().prop_map(|list| Bson::Document(doc! { "$nin": list })),
        1 => any::<bool>().prop_map(|flag| Bson::Document(doc! { "$exists": flag })),
        2 => (scalar(), scalar())
            .prop_map(|(a, b)| Bson::Document(doc! { "$gte": a, "$lt": b })),
        1 => (scalar(), scalar())
            .prop_map(|(a, b)| Bson::Document(doc! { "$elemMatch": { "$gte": a, "$lt": b } })),
    ];
    (path(), operand).prop_map(|(path, operand)| doc! { path: operand })
}

fn filter() -> impl Strategy<Value = Document> {
    let several = || prop::collection::vec(condition(), 1..4);
    prop_oneof![
        1 => Just(Document::new()),
        4 => condition(),
        4 => several().prop_map(|all| doc! { "$and": all }),
        2 => several().prop_map(|any| doc! { "$or": any }),
        2 => (condition(), several()).prop_map(|(one, any)| doc! { "$and": [one], "$or": any }),
    ]
}

fn sort() -> impl Strategy<Value = Document> {
    prop::collection::vec((path(), prop::sample::select(vec![1, -1])), 0..3)
        .prop_map(|fields| fields.into_iter().map(|(path, n)| (path.into(), n.into())).collect())
}

fn indexes() -> impl Strategy<Value = Vec<Document>> {
    let all = vec![
        doc! {"key": {"a": 1}, "name": "a"},
        doc! {"key": {"a": -1, "b": 1}, "name": "a_b"},
        doc! {"key": {"a.b": 1}, "name": "ab"},
        doc! {"key": {"b.c": -1, "a": 1}, "name": "bc_a"},
        doc! {"key": {"c": 1}, "name": "sparse", "sparse": true},
        doc! {"key": {"b": 1}, "name": "part", "partialFilterExpression": {"a": {"$gt": 0}}},
    ];
    prop::sample::subsequence(all, 0..=4)
}

/// Everything that matches, in the order of the sort; `None` when a document has two arrays and
/// cannot be sorted.
fn expected(documents: &[Document], filter: &Document, sort: &Document) -> Option<Vec<Document>> {
    let constants = Arc::new(Constants::default());
    let filter = Filter::parse(DocBuf::from(filter).as_raw(), &constants).unwrap();
    let sort =
        SortPattern::parse(DocBuf::from(sort).as_raw(), &quire_query::ValueOrder::BYTES).unwrap();
    let raw: Vec<DocBuf> = documents.iter().map(DocBuf::from).collect();
    let mut found: Vec<&DocBuf> =
        raw.iter().filter(|doc| filter.matches(doc.as_raw()).unwrap()).collect();
    if found.iter().any(|doc| sort.key(doc.as_raw()).is_err()) {
        return None;
    }
    found.sort_by_key(|doc| sort.key(doc.as_raw()).unwrap());
    Some(found.iter().map(|doc| doc.as_raw().to_document()).collect())
}

fn keys(documents: &[Document], sort: &Document) -> Vec<Vec<u8>> {
    let sort =
        SortPattern::parse(DocBuf::from(sort).as_raw(), &quire_query::ValueOrder::BYTES).unwrap();
    documents.iter().map(|doc| sort.key(DocBuf::from(doc).as_raw()).unwrap()).collect()
}

/// All batches of a find.
fn found(rig: &Rig, find: Document) -> Vec<Document> {
    let mut reply = rig.ok("db", find);
    let mut all = Vec::new();
    loop {
        let cursor = reply.get_document("cursor").unwrap();
        let batch = cursor.get_array("firstBatch").or_else(|_| cursor.get_array("nextBatch"));
        all.extend(batch.unwrap().iter().map(|doc| doc.as_document().unwrap().clone()));
        match cursor.get_i64("id").unwrap() {
            0 => return all,
            id => {
                reply = rig.ok("db", doc! {"getMore": id, "collection": "c", "batchSize": 2});
            }
        }
    }
}

fn ids(documents: &[Document]) -> Vec<i32> {
    let mut ids: Vec<i32> = documents.iter().map(|doc| doc.get_i32("_id").unwrap()).collect();
    ids.sort_unstable();
    ids
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn a_find_is_a_scan_and_a_sort_whatever_the_indexes(
        bodies in prop::collection::vec(fields(), 0..14),
        indexes in indexes(),
        queries in prop::collection::vec((filter(), sort(), 0..4_i32, 0..4_i32), 6),
    ) {
        let rig = Rig::new();
        let mut stored = Vec::new();
        for (n, body) in bodies.into_iter().enumerate() {
            let mut document = doc! {"_id": i32::try_from(n).unwrap()};
            document.extend(body);
            // Documents with two arrays that an index would have to multiply are refused.
            if !indexes.is_empty() && stored.is_empty() {
                rig.ok("db", doc! {"createIndexes": "c", "indexes": indexes.clone()});
            }
            let reply = rig.run("db", doc! {"insert": "c", "documents": [document.clone()]});
            if reply.get("writeErrors").is_none() {
                stored.push(document);
            }
        }
        for (filter, sort, skip, limit) in queries {
            let Some(all) = expected(&stored, &filter, &sort) else { continue };
            let find = doc! {"find": "c", "filter": &filter, "sort": &sort, "batchSize": 2};
            let got = found(&rig, find.clone());
            prop_assert_eq!(ids(&got), ids(&all), "{}", find);
            prop_assert_eq!(keys(&got, &sort), keys(&all, &sort), "{}", find);
            let count = rig.ok("db", doc! {"count": "c", "query": &filter});
            prop_assert_eq!(count.get_i32("n").unwrap() as usize, all.len(), "{}", filter);
            let mut find = find;
            find.extend(doc! {"skip": skip, "limit": limit});
            let got = found(&rig, find.clone());
            let rest: Vec<Document> = all.into_iter().skip(skip as usize).collect();
            let most = if limit == 0 { rest.len() } else { (limit as usize).min(rest.len()) };
            prop_assert_eq!(keys(&got, &sort), &keys(&rest, &sort)[..most], "{}", find);
        }
    }
}
