//! A copy is the state it was taken of, or nothing at all.

mod crashes;
mod hollow;
mod refusals;

use crate::{
    CollectionId, Direction, Documents, Effect, Effects, Fingerprint, IndexId, Layout, Namespace,
    Range, SessionKey, StatementResult, Statements,
};
use quire_bson::{DocBuf, Document, doc};
use quire_engine::{Call, Engine, EngineError, Fault, Faulty, FaultyEngine, MemoryEngine};
use quire_keys::KeySpace;
use quire_log::{
    Applied, Completeness, Entry, EntryKind, Fatal, LogIndex, StateMachine, Term, Timestamp,
};
use std::ops::ControlFlow;
use std::sync::Arc;

const COLLECTION: CollectionId = CollectionId(1);
const SMALL: usize = 200;

fn memory() -> Arc<MemoryEngine> {
    Arc::new(MemoryEngine::new(KeySpace::ALL.len()))
}

fn open(engine: &Arc<MemoryEngine>) -> Documents {
    Documents::open(Arc::clone(engine) as _).unwrap()
}

fn failing(memory: &Arc<MemoryEngine>) -> (Arc<FaultyEngine>, Documents) {
    let engine: Arc<FaultyEngine> = Arc::new(Faulty::new(Arc::clone(memory) as Arc<dyn Engine>));
    let documents = Documents::open(Arc::clone(&engine) as _).unwrap();
    (engine, documents)
}

fn entry(index: u64, kind: EntryKind, payload: Vec<u8>) -> Entry {
    let timestamp = Timestamp(index * 100);
    Entry { index: LogIndex(index), term: Term(1), timestamp, kind, payload: payload.into() }
}

fn effects(index: u64, effects: Vec<Effect>) -> Entry {
    let payload = Effects { wall_millis: 0, effects, ..Effects::default() }.encode();
    entry(index, EntryKind::Effects, payload)
}

fn insert(revision: u64, doc: &Document) -> Effect {
    let (doc, partial) = (DocBuf::from(doc), vec![]);
    Effect::InsertRow { collection: COLLECTION, revision: Timestamp(revision), doc, partial }
}

/// A statement of the last session that there can be.
fn recorded(id: i32, result: StatementResult) -> Effect {
    let statements = vec![Statements { first: id, count: 1, result }];
    let session = SessionKey { id: [0xFF; 16], user: [0xFF; 32] };
    Effect::RecordStatements { session, number: 7, revision: Timestamp(300), statements }
}

/// Something in every space: a collection with an index, `rows` rows, a session, a configuration.
fn history(name: &str, rows: u64) -> Vec<Entry> {
    let mut all = vec![
        entry(1, EntryKind::TermStart, Vec::new()),
        entry(2, EntryKind::Configuration, format!("members of {name}").into_bytes()),
        effects(
            3,
            vec![
                Effect::CreateCollection {
                    id: COLLECTION,
                    namespace: Namespace::new("db", name).unwrap(),
                    uuid: [3; 16],
                    options: DocBuf::new(),
                    layout: Layout::ById,
                    id_index: IndexId(1),
                },
                Effect::CreateIndex {
                    collection: COLLECTION,
                    id: IndexId(2),
                    spec: DocBuf::from(&doc! { "v": 2, "name": "a_1", "key": { "a": 1 } }),
                },
                Effect::IndexReady { collection: COLLECTION, index: IndexId(2) },
                recorded(0, StatementResult::Inserted),
                recorded(1, StatementResult::Deleted),
            ],
        ),
    ];
    for index in all.len() as u64 + 1..=all.len() as u64 + rows {
        let doc = doc! { "_id": index as i64, "a": format!("{name} {index}") };
        all.push(effects(index, vec![insert(index, &doc)]));
    }
    all
}

fn state(name: &str, rows: u64) -> (Arc<MemoryEngine>, Documents) {
    let engine = memory();
    let documents = open(&engine);
    documents.apply(&history(name, rows)).unwrap();
    (engine, documents)
}

fn chunks(of: &Documents, bytes_max: usize) -> Vec<Vec<u8>> {
    let mut export = of.export().unwrap();
    std::iter::from_fn(|| export.next_chunk(bytes_max).unwrap()).collect()
}

fn receive(to: &Documents, chunks: &[Vec<u8>]) -> Result<Applied, Fatal> {
    to.begin_install()?;
    for chunk in chunks {
        to.install_chunk(chunk)?;
    }
    to.finish_install()
}

fn hash(documents: &Documents) -> Fingerprint {
    documents.state_hash().unwrap()
}

fn names(documents: &Documents) -> Vec<String> {
    documents.catalog().collections().map(|c| c.namespace.to_string()).collect()
}

fn rows(view: &crate::ReadView) -> usize {
    let mut count = 0;
    view.scan_rows(COLLECTION, &Range::ALL, Direction::Forward, &mut |_, _| {
        count += 1;
        ControlFlow::Continue(())
    })
    .unwrap();
    count
}

#[test]
fn a_copy_takes_the_place_of_what_was_there() {
    let (_, source) = state("new", 30);
    let (engine, target) = state("old", 50);
    let applied = receive(&target, &chunks(&source, SMALL)).unwrap();
    assert_eq!(applied, source.applied());
    assert_eq!(target.applied(), applied);
    assert_eq!(target.completeness(), Completeness::Arrived);
    target.log_restarted().unwrap();
    target.log_restarted().unwrap();
    assert_eq!(target.completeness(), Completeness::Whole);
    assert_eq!(names(&target), ["db.new"]);
    assert_eq!(target.configuration(), Some(b"members of new".to_vec()));
    assert_eq!(target.durable().unwrap(), applied.index);
    assert_eq!(hash(&target), hash(&source));

    // it goes on like the one it was copied from, after a crash too
    let target = open(&Arc::new(engine.after_crash(0)));
    assert_eq!(hash(&target), hash(&source));
    let next = effects(applied.index.0 + 1, vec![insert(9_000, &doc! { "_id": "next", "a": 1 })]);
    for documents in [&source, &target] {
        documents.apply(std::slice::from_ref(&next)).unwrap();
        assert_eq!(documents.refused_effects(), 0);
    }
    assert_eq!(hash(&target), hash(&source));
}

#[test]
fn a_state_with_nothing_in_it_can_be_copied() {
    let (_, target) = state("old", 3);
    let nothing = open(&memory());
    receive(&target, &chunks(&nothing, SMALL)).unwrap();
    target.log_restarted().unwrap();
    assert_eq!(target.applied(), Applied::default());
    assert_eq!(target.configuration(), None);
    assert_eq!(hash(&target), hash(&nothing));
}

#[test]
fn the_copy_stands_where_it_was_taken_while_entries_are_applied() {
    let entries = history("c", 40);
    let (before, after) = entries.split_at(20);
    let source = open(&memory());
    source.apply(before).unwrap();
    let expected = hash(&source);
    let mut export = source.export().unwrap();
    let (_, target) = state("old", 5);
    target.begin_install().unwrap();
    let mut later = after.iter();
    while let Some(chunk) = export.next_chunk(SMALL).unwrap() {
        target.install_chunk(&chunk).unwrap();
        if let Some(entry) = later.next() {
            source.apply(std::slice::from_ref(entry)).unwrap();
        }
    }
    target.finish_install().unwrap();
    assert_eq!(export.applied().index, LogIndex(20));
    assert_eq!(hash(&target), expected);
    assert_ne!(hash(&source), expected);
}

#[test]
fn a_chunk_is_as_large_as_was_asked_unless_one_row_is_larger() {
    let (_, source) = state("c", 100);
    let large = doc! { "_id": 0, "a": 7, "text": "x".repeat(50_000) };
    source.apply(&[effects(104, vec![insert(104, &large)])]).unwrap();
    const AROUND: usize = 64;
    for bytes_max in [0, 1_000, 10_000] {
        let chunks = chunks(&source, bytes_max);
        let mut larger = 0;
        for chunk in &chunks {
            if chunk.len() > bytes_max.max(400) + AROUND {
                larger += 1;
                assert!(chunk.len() < 50_000 + 400, "something stands beside the large row");
            }
        }
        assert_eq!(larger, 1, "at {bytes_max}");
        let target = open(&memory());
        receive(&target, &chunks).unwrap();
        assert_eq!(hash(&target), hash(&source));
    }
}

#[test]
fn views_opened_earlier_keep_what_they_had() {
    let (_, source) = state("new", 10);
    let (_, target) = state("old", 5);
    let chunks = chunks(&source, SMALL);
    let before = target.view();
    target.begin_install().unwrap();
    let during = target.view();
    for chunk in &chunks {
        target.install_chunk(chunk).unwrap();
        assert_eq!(target.applied(), Applied::default());
        assert_eq!(target.view().applied().unwrap(), Applied::default());
        assert_eq!(target.durable().unwrap(), LogIndex::ZERO);
        assert!(names(&target).is_empty());
    }
    target.finish_install().unwrap();
    assert_eq!((rows(&before), before.catalog().collections().count()), (5, 1));
    assert_eq!((rows(&during), during.catalog().collections().count()), (0, 0));
    assert_eq!(rows(&target.view()), 10);
    assert_eq!(target.live().catalog().collections().count(), 1);
}

#[test]
fn a_failed_read_of_the_copy_can_be_repeated() {
    let (engine, _) = state("c", 20);
    let (faults, source) = failing(&engine);
    let expected = chunks(&source, SMALL);
    let mut export = source.export().unwrap();
    let mut found = Vec::new();
    loop {
        let error = EngineError::Io("planned".into());
        faults.fail(Fault::once(Call::Read, 1 + found.len() as u64 % 2, error));
        let first = export.next_chunk(SMALL);
        faults.heal();
        match first.or_else(|_| export.next_chunk(SMALL)).unwrap() {
            Some(chunk) => found.push(chunk),
            None => break,
        }
    }
    assert_eq!(found, expected);
}

#[test]
fn the_configuration_is_that_of_the_entry_applied_last() {
    let engine = memory();
    let documents = open(&engine);
    assert_eq!(documents.configuration(), None);
    let configuration = |index, text: &str| {
        let payload = text.as_bytes().to_vec();
        entry(index, EntryKind::Configuration, payload)
    };
    documents.apply(&[configuration(1, "one"), configuration(2, "two")]).unwrap();
    documents.flush().unwrap();
    documents.apply(&[effects(3, vec![]), configuration(4, "three")]).unwrap();
    assert_eq!(documents.configuration(), Some(b"three".to_vec()));
    let after_crash = open(&Arc::new(engine.after_crash(0)));
    assert_eq!(after_crash.applied().index, LogIndex(2));
    assert_eq!(after_crash.configuration(), Some(b"two".to_vec()));
    assert_eq!(open(&Arc::new(engine.after_crash(9))).configuration(), Some(b"three".to_vec()));
}
