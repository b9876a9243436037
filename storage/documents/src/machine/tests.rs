use crate::{
    CollectionId, Direction, Documents, Effect, Effects, IndexId, Layout, Namespace, OpenError,
    Range, ReadView,
};
use quire_bson::{DocBuf, Document, doc};
use quire_engine::{
    Batch, Call, Durability, Effect as Done, Engine, EngineError, Fault, FaultyEngine, KeyRange,
    MemoryEngine, Read, Space,
};
use quire_keys::KeySpace;
use quire_log::{Entry, EntryKind, LogIndex, StateMachine, Term, Timestamp};
use std::ops::ControlFlow;
use std::sync::Arc;

const COLLECTION: CollectionId = CollectionId(1);
const INDEX: IndexId = IndexId(20);

fn memory() -> Arc<MemoryEngine> {
    Arc::new(MemoryEngine::new(KeySpace::ALL.len()))
}

fn buf(doc: Document) -> DocBuf {
    DocBuf::from(&doc)
}

fn entry(index: u64, effects: Vec<Effect>) -> Entry {
    let payload = Effects { wall_millis: 0, effects, ..Effects::default() }.encode();
    Entry {
        index: LogIndex(index),
        term: Term(1),
        timestamp: Timestamp(index * 100),
        kind: EntryKind::Effects,
        payload: payload.into(),
    }
}

fn create(id: CollectionId, name: &str, layout: Layout) -> Effect {
    Effect::CreateCollection {
        id,
        namespace: Namespace::new("db", name).unwrap(),
        uuid: [0; 16],
        options: DocBuf::new(),
        layout,
        id_index: IndexId(id.0),
    }
}

fn create_index(spec: Document) -> Effect {
    Effect::CreateIndex { collection: COLLECTION, id: INDEX, spec: buf(spec) }
}

fn ready() -> Effect {
    Effect::IndexReady { collection: COLLECTION, index: INDEX }
}

fn insert(revision: u64, doc: Document) -> Effect {
    let revision = Timestamp(revision);
    Effect::InsertRow { collection: COLLECTION, revision, doc: buf(doc), partial: vec![] }
}

fn replace(revision: u64, doc: Document) -> Effect {
    let doc = buf(doc);
    let row_key = id_key(&doc);
    let revision = Timestamp(revision);
    Effect::ReplaceRow { collection: COLLECTION, row_key, revision, doc, partial: vec![] }
}

fn delete(id: i32) -> Effect {
    let row_key = id_key(&buf(doc! { "_id": id }));
    Effect::DeleteRow { collection: COLLECTION, row_key, revision: Timestamp(0), id: None }
}

fn id_key(doc: &DocBuf) -> Vec<u8> {
    crate::id_row_key(doc.as_raw().get("_id").unwrap())
}

/// A store with these effects applied, one entry each.
fn applied(effects: Vec<Effect>) -> (Arc<MemoryEngine>, Documents) {
    let engine = memory();
    let documents = Documents::open(Arc::clone(&engine) as _).unwrap();
    let entries: Vec<_> = (1..).zip(effects).map(|(n, effect)| entry(n, vec![effect])).collect();
    documents.apply(&entries).unwrap();
    (engine, documents)
}

fn rows(view: &ReadView) -> Vec<Document> {
    let mut found = Vec::new();
    view.scan_rows(COLLECTION, &Range::ALL, Direction::Forward, &mut |_, row| {
        found.push(row.doc.to_document());
        ControlFlow::Continue(())
    })
    .unwrap();
    found
}

/// The `_id`s that the index leads to, in its order.
fn ids(view: &ReadView) -> Vec<i32> {
    let catalog = view.catalog();
    let index = catalog.collection(COLLECTION).unwrap().index(INDEX).unwrap();
    let mut keys = Vec::new();
    view.scan_index(index, &Range::ALL, Direction::Forward, &mut |_, row_key| {
        keys.push(row_key.to_vec());
        ControlFlow::Continue(())
    })
    .unwrap();
    let mut ids = Vec::new();
    for key in keys {
        let known = view.get_row(COLLECTION, &key, &mut |row| {
            ids.push(row.doc.to_document().get_i32("_id").unwrap());
        });
        assert!(known.unwrap(), "an entry leads nowhere");
    }
    ids
}

fn is_sound(documents: &Documents) {
    let view = documents.view();
    for collection in view.catalog().collections() {
        let report = view.validate(collection, None).unwrap();
        assert!(report.is_valid(), "{report:?}");
    }
}

#[test]
fn rows_are_inserted_replaced_and_deleted() {
    let (_, documents) = applied(vec![
        create(COLLECTION, "c", Layout::ById),
        insert(1, doc! { "_id": 2, "a": "two" }),
        insert(2, doc! { "_id": 1, "a": "one" }),
        insert(3, doc! { "_id": 3 }),
        replace(4, doc! { "_id": 2, "a": "zwei", "b": 1 }),
        delete(3),
    ]);
    let view = documents.view();
    let left = [doc! { "_id": 1, "a": "one" }, doc! { "_id": 2, "a": "zwei", "b": 1 }];
    assert_eq!(rows(&view), left);
    let counts = view.counts(COLLECTION).unwrap();
    let bytes: usize = left.into_iter().map(|doc| buf(doc).as_bytes().len()).sum();
    assert_eq!((counts.documents, counts.bytes), (2, bytes as u64));
    let mut revision = None;
    let key = id_key(&buf(doc! { "_id": 2 }));
    view.get_row(COLLECTION, &key, &mut |row| revision = Some(row.revision)).unwrap();
    assert_eq!(revision, Some(Timestamp(4)));
    assert_eq!(documents.refused_effects(), 0);
    is_sound(&documents);
}

#[test]
fn index_entries_follow_the_rows() {
    let (_, documents) = applied(vec![
        create(COLLECTION, "c", Layout::ById),
        create_index(doc! { "key": { "a": -1 }, "name": "a" }),
        ready(),
        insert(1, doc! { "_id": 1, "a": 10 }),
        insert(2, doc! { "_id": 2, "a": 20 }),
        insert(3, doc! { "_id": 3, "a": 30 }),
        replace(4, doc! { "_id": 1, "a": 25 }),
        delete(2),
    ]);
    assert_eq!(ids(&documents.view()), [3, 1]);
    is_sound(&documents);
}

#[test]
fn one_batch_sees_its_own_earlier_effects() {
    let engine = memory();
    let documents = Documents::open(engine as _).unwrap();
    let all = vec![
        create(COLLECTION, "c", Layout::ById),
        create_index(doc! { "key": { "a": 1 }, "name": "a" }),
        ready(),
        insert(1, doc! { "_id": 1, "a": 10 }),
        replace(2, doc! { "_id": 1, "a": [11, 12] }),
        insert(3, doc! { "_id": 2, "a": 5 }),
        delete(2),
        insert(4, doc! { "_id": 2, "a": 6 }),
    ];
    documents.apply(&[entry(1, all)]).unwrap();
    let view = documents.view();
    assert_eq!(ids(&view), [2, 1, 1]);
    assert!(view.catalog().collection(COLLECTION).unwrap().index(INDEX).unwrap().is_multikey());
    is_sound(&documents);
}

#[test]
fn nothing_is_left_of_a_dropped_collection() {
    for last in [
        Effect::DropCollection { id: COLLECTION },
        Effect::RenameCollection {
            id: CollectionId(2),
            to: Namespace::new("db", "c").unwrap(),
            drop_target: Some(COLLECTION),
        },
    ] {
        let (engine, documents) = applied(vec![
            create(COLLECTION, "c", Layout::ById),
            create(CollectionId(2), "other", Layout::View),
            create_index(doc! { "key": { "a": 1 }, "name": "a" }),
            insert(1, doc! { "_id": 1, "a": 10 }),
            last,
        ]);
        for space in [KeySpace::Rows, KeySpace::Index] {
            assert_eq!(dump(engine.as_ref(), space), [], "{space:?}");
        }
        assert!(documents.catalog().collection(COLLECTION).is_none());
        let meta = dump(engine.as_ref(), KeySpace::Meta);
        assert!(meta.iter().all(|(key, _)| !key.ends_with(&[0, 0, 0, 1])), "{meta:?}");
        assert_eq!(documents.refused_effects(), 0);
    }
}

#[test]
fn a_view_keeps_its_catalogue_and_its_rows() {
    let (_, documents) =
        applied(vec![create(COLLECTION, "c", Layout::ById), insert(1, doc! { "_id": 1 })]);
    let before = documents.view();
    documents.apply(&[entry(3, vec![Effect::DropCollection { id: COLLECTION }])]).unwrap();
    assert_eq!(rows(&before), [doc! { "_id": 1 }]);
    assert_eq!(before.applied().unwrap().index, LogIndex(2));
    assert!(before.catalog().collection(COLLECTION).is_some());
    let after = documents.view();
    assert_eq!(after.applied().unwrap(), documents.applied());
    assert!(after.catalog().collection(COLLECTION).is_none() && rows(&after).is_empty());
}

#[test]
fn a_background_build_leaves_to_writers_what_they_changed() {
    let key = |id: i32| id_key(&buf(doc! { "_id": id }));
    let seen = [(1, 1), (2, 2), (3, 3)].map(|(id, at)| (key(id), Timestamp(at)));
    let (_, documents) = applied(vec![
        create(COLLECTION, "c", Layout::ById),
        insert(1, doc! { "_id": 1, "a": 10 }),
        insert(2, doc! { "_id": 2, "a": 20 }),
        insert(3, doc! { "_id": 3, "a": 30 }),
        create_index(doc! { "key": { "a": 1 }, "name": "a" }),
        // the indexed field stays: the writer may not take the entry for granted
        replace(4, doc! { "_id": 1, "a": 10, "b": 1 }),
        delete(2),
        insert(5, doc! { "_id": 4, "a": 5 }),
        Effect::IndexRows { collection: COLLECTION, index: INDEX, rows: seen.to_vec() },
        ready(),
    ]);
    assert_eq!(ids(&documents.view()), [4, 1, 3]);
    is_sound(&documents);
}

#[test]
fn a_partial_index_holds_the_documents_it_is_told_to() {
    let wanted = |effect: Effect| match effect {
        Effect::InsertRow { collection, revision, doc, .. } => {
            Effect::InsertRow { collection, revision, doc, partial: vec![INDEX] }
        }
        Effect::ReplaceRow { collection, row_key, revision, doc, .. } => {
            Effect::ReplaceRow { collection, row_key, revision, doc, partial: vec![INDEX] }
        }
        other => other,
    };
    let filter = doc! { "key": { "a": 1 }, "name": "a", "partialFilterExpression": { "p": 1 } };
    let (_, documents) = applied(vec![
        create(COLLECTION, "c", Layout::ById),
        create_index(filter),
        ready(),
        insert(1, doc! { "_id": 1, "a": 10 }),
        wanted(insert(2, doc! { "_id": 2, "a": 20, "p": 1 })),
        wanted(insert(3, doc! { "_id": 3, "a": 30, "p": 1 })),
        wanted(insert(4, doc! { "_id": 4, "a": 40, "p": 1 })),
        // in with the same key, out with the same key, and gone
        wanted(replace(5, doc! { "_id": 1, "a": 10, "p": 1 })),
        replace(6, doc! { "_id": 2, "a": 20 }),
        delete(3),
    ]);
    let view = documents.view();
    assert_eq!(ids(&view), [1, 4]);
    let collection = view.catalog().collection(COLLECTION).unwrap();
    let has_p = |_: &crate::Index, doc: quire_bson::RawDoc<'_>| doc.get("p").is_some();
    assert!(view.validate(collection, Some(&has_p)).unwrap().is_valid());
    // seen with another filter, one entry is too many and one is missing
    let other = |_: &crate::Index, doc: quire_bson::RawDoc<'_>| match doc.get("_id") {
        Some(quire_bson::RawValue::Int32(id)) => id == 2 || id == 4,
        _ => false,
    };
    let report = view.validate(collection, Some(&other)).unwrap();
    let found = |text: &str| report.findings.iter().any(|(_, finding)| finding.contains(text));
    assert!(report.errors == 2 && found("missing") && found("does not want"), "{report:?}");
}

#[test]
fn rows_of_a_capped_collection_stand_in_the_order_of_insertion() {
    let (_, documents) = applied(vec![
        create(COLLECTION, "c", Layout::ByRevision),
        insert(1, doc! { "_id": 9 }),
        insert(2, doc! { "_id": 1 }),
        insert(3, doc! { "_id": 5 }),
        Effect::DeleteRow {
            collection: COLLECTION,
            row_key: 1_u64.to_be_bytes().to_vec(),
            revision: Timestamp(4),
            id: None,
        },
    ]);
    let view = documents.view();
    assert_eq!(rows(&view), [doc! { "_id": 1 }, doc! { "_id": 5 }]);
    let catalog = view.catalog();
    let on_id = catalog.collection(COLLECTION).unwrap().id_index().unwrap();
    let key = id_key(&buf(doc! { "_id": 5 }));
    let holder = 3_u64.to_be_bytes().to_vec();
    assert_eq!(view.holder_of(on_id, &key, None).unwrap(), Some(holder.clone()));
    assert_eq!(view.holder_of(on_id, &key, Some(&holder)).unwrap(), None);
    assert_eq!(view.holder_of(on_id, &id_key(&buf(doc! { "_id": 9 })), None).unwrap(), None);
    is_sound(&documents);
}

#[test]
fn the_rows_are_the_index_on_id() {
    let (_, documents) =
        applied(vec![create(COLLECTION, "c", Layout::ById), insert(1, doc! { "_id": 7 })]);
    let view = documents.live();
    let catalog = view.catalog();
    let on_id = catalog.collection(COLLECTION).unwrap().id_index().unwrap();
    let key = id_key(&buf(doc! { "_id": 7.0 }));
    assert_eq!(view.holder_of(on_id, &key, None).unwrap(), Some(key.clone()));
    assert_eq!(view.holder_of(on_id, &key, Some(&key)).unwrap(), None);
    let mut seen = 0;
    view.scan_index(on_id, &Range::of_prefix(&key), Direction::Backward, &mut |fields, row_key| {
        assert_eq!((fields, row_key), (key.as_slice(), key.as_slice()));
        seen += 1;
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(seen, 1);
}

#[test]
fn many_rows_are_looked_up_in_the_order_asked_for() {
    let (_, documents) = applied(vec![
        create(COLLECTION, "c", Layout::ById),
        insert(1, doc! { "_id": 1 }),
        insert(2, doc! { "_id": 2 }),
    ]);
    let keys = [2, 3, 1].map(|id| id_key(&buf(doc! { "_id": id })));
    let keys = keys.each_ref().map(Vec::as_slice);
    let mut found = Vec::new();
    let view = documents.view();
    view.get_rows(COLLECTION, &keys, &mut |n, row| found.push((n, row.map(|r| r.revision))))
        .unwrap();
    assert_eq!(found, [(0, Some(Timestamp(2))), (1, None), (2, Some(Timestamp(1)))]);
}

#[test]
fn effects_on_what_is_not_there_are_counted_and_change_nothing_else() {
    let (_, documents) = applied(vec![
        insert(1, doc! { "_id": 1 }),
        create(COLLECTION, "c", Layout::ById),
        delete(1),
        Effect::IndexRows { collection: COLLECTION, index: INDEX, rows: vec![] },
        Effect::DropCollection { id: CollectionId(9) },
    ]);
    assert_eq!(documents.refused_effects(), 4);
    assert_eq!(documents.applied().index, LogIndex(5));
    is_sound(&documents);
}

#[test]
fn an_entry_out_of_order_or_unreadable_stops_the_node() {
    let (_, documents) = applied(vec![create(COLLECTION, "c", Layout::ById)]);
    let gap = documents.apply(&[entry(3, vec![])]).unwrap_err();
    assert_eq!(gap.reason, "entry 3 does not follow entry 1");
    assert!(documents.apply(&[entry(1, vec![])]).is_err());
    let mut unreadable = entry(2, vec![]);
    unreadable.payload = [&[99], &unreadable.payload[1..]].concat().into();
    assert!(documents.apply(&[unreadable]).unwrap_err().reason.contains("entry 2"));
    assert_eq!(documents.applied().index, LogIndex(1));
}

#[test]
fn entries_without_effects_move_the_position() {
    let (_, documents) = applied(vec![]);
    let mut start = entry(1, vec![]);
    start.kind = EntryKind::TermStart;
    start.payload.clear();
    documents.apply(&[start]).unwrap();
    assert_eq!(documents.applied().index, LogIndex(1));
    assert_eq!(documents.view().applied().unwrap(), documents.applied());
}

#[test]
fn a_repeated_entry_counts_once_whatever_the_failed_write_has_done() {
    for done in [Done::Nothing, Done::Complete] {
        let engine = Arc::new(FaultyEngine::new(memory()));
        let documents = Documents::open(Arc::clone(&engine) as _).unwrap();
        let entries = [
            entry(
                1,
                vec![
                    create(COLLECTION, "c", Layout::ById),
                    insert(1, doc! { "_id": 1 }),
                    insert(1, doc! { "_id": 3, "a": "long enough for the sum not to be zero" }),
                ],
            ),
            entry(2, vec![replace(2, doc! { "_id": 1, "a": "longer" })]),
            entry(3, vec![insert(3, doc! { "_id": 2 })]),
        ];
        documents.apply(&entries[..1]).unwrap();
        engine.fail(Fault {
            call: Call::Write,
            nth: 1,
            lasting: false,
            error: EngineError::NoSpace("full".to_owned()),
            effect: done,
        });
        assert!(documents.apply(&entries[1..2]).unwrap_err().no_space);
        assert_eq!(documents.applied().index, LogIndex(1));
        documents.apply(&entries[1..]).unwrap();
        assert_eq!(documents.applied().index, LogIndex(3));
        is_sound(&documents);
    }
}

#[test]
fn entries_that_fail_again_and_again_take_effect_once() {
    let engine = Arc::new(FaultyEngine::new(memory()));
    let documents = Documents::open(Arc::clone(&engine) as _).unwrap();
    let entries = [
        entry(1, vec![create(COLLECTION, "c", Layout::ById)]),
        entry(2, vec![insert(1, doc! { "_id": 1 })]),
        entry(3, vec![insert(2, doc! { "_id": 2 })]),
    ];
    documents.apply(&entries[..1]).unwrap();
    // Each attempt holds more than the one before it, and has taken effect though it failed.
    for attempt in [&entries[1..2], &entries[1..]] {
        let error = EngineError::NoSpace("full".to_owned());
        let fault = Fault::once(Call::Write, 1, error);
        engine.fail(Fault { effect: Done::Complete, ..fault });
        documents.apply(attempt).unwrap_err();
    }
    documents.apply(&entries[1..]).unwrap();
    assert_eq!(documents.applied().index, LogIndex(3));
    assert_eq!(documents.view().counts(COLLECTION).unwrap().documents, 2);
    is_sound(&documents);
}

#[test]
fn durable_is_what_was_flushed() {
    let (_, documents) = applied(vec![create(COLLECTION, "c", Layout::ById)]);
    assert_eq!(documents.durable().unwrap(), LogIndex::ZERO);
    documents.flush().unwrap();
    documents.apply(&[entry(2, vec![])]).unwrap();
    assert_eq!(documents.durable().unwrap(), LogIndex(1));
}

#[test]
fn a_store_is_found_again_as_it_was_left() {
    let (engine, documents) = applied(vec![
        create(COLLECTION, "c", Layout::ById),
        create_index(doc! { "key": { "a": 1 }, "name": "a" }),
        insert(1, doc! { "_id": 1, "a": [1] }),
    ]);
    let (catalog, position) = (documents.catalog(), documents.applied());
    drop(documents);
    let again = Documents::open(engine as _).unwrap();
    assert_eq!((again.catalog(), again.applied()), (catalog, position));
    again.apply(&[entry(4, vec![insert(2, doc! { "_id": 2 })])]).unwrap();
    assert_eq!(again.view().counts(COLLECTION).unwrap().documents, 2);
}

#[test]
fn a_store_of_a_newer_format_or_of_something_else_is_not_touched() {
    let newer = memory();
    put(newer.as_ref(), KeySpace::Meta, &[0], &2_u32.to_le_bytes());
    let foreign = memory();
    put(foreign.as_ref(), KeySpace::Rows, b"key", b"value");
    for engine in [newer, foreign] {
        let before = KeySpace::ALL.map(|space| dump(engine.as_ref(), space));
        let error = Documents::open(Arc::clone(&engine) as _).map(|_| ()).unwrap_err();
        assert!(matches!(error, OpenError::Newer { found: 2 } | OpenError::Foreign), "{error}");
        assert_eq!(KeySpace::ALL.map(|space| dump(engine.as_ref(), space)), before);
    }
}

#[test]
fn validation_finds_what_does_not_agree() {
    let row = |id: i32| id_key(&buf(doc! { "_id": id }));
    let in_collection = |key: &[u8]| [&COLLECTION.0.to_be_bytes(), key].concat();
    let in_index = |value: i32, id: i32| {
        let value = buf(doc! { "_id": value });
        [&INDEX.0.to_be_bytes()[..], &id_key(&value), &row(id)].concat()
    };
    type Damage<'d> = (&'d str, Box<dyn Fn(&MemoryEngine) + 'd>);
    let damages: [Damage<'_>; 8] = [
        ("missing", Box::new(|e| remove(e, KeySpace::Index, &in_index(10, 1)))),
        ("no key of the row", Box::new(|e| put(e, KeySpace::Index, &in_index(11, 1), b""))),
        ("not there", Box::new(|e| put(e, KeySpace::Index, &in_index(11, 3), b""))),
        ("cannot be read", Box::new(|e| put(e, KeySpace::Rows, &in_collection(&row(3)), b"x"))),
        ("a row of", Box::new(|e| put(e, KeySpace::Rows, &in_collection(&row(1)), b"x"))),
        ("an entry of", Box::new(|e| put(e, KeySpace::Index, &[0, 0, 0, 20, 0xFE], b""))),
        ("counts", Box::new(|e| remove(e, KeySpace::Meta, &[0x11, 0, 0, 0, 1]))),
        ("there twice", Box::new(|e| put(e, KeySpace::Index, &in_index(10, 2), b""))),
    ];
    for (finding, damage) in damages {
        let (engine, documents) = applied(vec![
            create(COLLECTION, "c", Layout::ById),
            create_index(doc! { "key": { "a": 1 }, "name": "a", "unique": true }),
            ready(),
            insert(1, doc! { "_id": 1, "a": 10 }),
            insert(2, doc! { "_id": 2, "a": 20 }),
        ]);
        is_sound(&documents);
        damage(&engine);
        let view = documents.view();
        let collection = view.catalog().collection(COLLECTION).unwrap();
        let report = view.validate(collection, None);
        match report {
            Ok(report) => {
                let found = report.findings.iter().any(|(_, text)| text.contains(finding));
                assert!(found && !report.is_valid(), "{finding}: {report:?}");
            }
            Err(error) => panic!("{finding}: {error}"),
        }
    }
}

fn put(engine: &MemoryEngine, space: KeySpace, key: &[u8], value: &[u8]) {
    let mut batch = Batch::new();
    batch.put(Space(space.number()), key, value);
    engine.write(&batch, Durability::Synced).unwrap();
}

fn remove(engine: &MemoryEngine, space: KeySpace, key: &[u8]) {
    let mut batch = Batch::new();
    batch.delete(Space(space.number()), key);
    engine.write(&batch, Durability::Synced).unwrap();
}

fn dump(engine: &MemoryEngine, space: KeySpace) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    let space = Space(space.number());
    engine
        .scan(space, KeyRange::ALL, Direction::Forward, &mut |key, value| {
            found.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap();
    found
}
