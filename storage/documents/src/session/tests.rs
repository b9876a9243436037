use super::{SessionHeader, SessionKey, ShownChange, StatementResult, Statements};
use crate::{Documents, Effect, Effects, ReadView, SessionRecord};
use quire_bson::{DocBuf, doc};
use quire_engine::{Engine, MemoryEngine};
use quire_keys::KeySpace;
use quire_log::{Entry, EntryKind, LogIndex, StateMachine, Term, Timestamp};
use std::ops::ControlFlow;
use std::sync::Arc;

const TERM: Term = Term(3);
const WALL: i64 = 1_700_000_000_000;

fn session(n: u8) -> SessionKey {
    SessionKey { id: [n; 16], user: [0xEE; 32] }
}

/// An entry's effect: the statements from `first` on did the same.
fn recorded(number: i64, revision: u64, first: i32, count: u32, result: StatementResult) -> Effect {
    Effect::RecordStatements {
        session: session(1),
        number,
        revision: Timestamp(revision),
        statements: vec![Statements { first, count, result }],
    }
}

fn forgotten(revision: u64) -> Effect {
    Effect::ForgetSession { session: session(1), revision: Timestamp(revision) }
}

fn entries(effects: Vec<Vec<Effect>>) -> Vec<Entry> {
    let entry = |(index, effects): (u64, Vec<Effect>)| Entry {
        index: LogIndex(index),
        term: TERM,
        timestamp: Timestamp(index * 100),
        kind: EntryKind::Effects,
        payload: Effects { wall_millis: WALL, effects, ..Effects::default() }.encode().into(),
    };
    (1..).zip(effects).map(entry).collect()
}

fn open(engine: &Arc<MemoryEngine>) -> Documents {
    Documents::open(Arc::clone(engine) as _).unwrap()
}

/// A store after each entry, once applied one by one and once all together.
fn applied(effects: Vec<Vec<Effect>>) -> Documents {
    let entries = entries(effects);
    let one_by_one = open(&Arc::new(MemoryEngine::new(KeySpace::ALL.len())));
    for entry in &entries {
        one_by_one.apply(std::slice::from_ref(entry)).unwrap();
    }
    let documents = open(&Arc::new(MemoryEngine::new(KeySpace::ALL.len())));
    documents.apply(&entries).unwrap();
    assert_eq!(documents.state_hash().unwrap(), one_by_one.state_hash().unwrap());
    assert_eq!(documents.refused_effects(), one_by_one.refused_effects());
    documents
}

fn record(view: &ReadView) -> Option<SessionRecord> {
    let header = view.session_header(&session(1)).unwrap()?;
    Some(view.session_record(&session(1), header).unwrap())
}

fn upserted() -> StatementResult {
    StatementResult::Upserted(DocBuf::from(&doc! { "_id": "new" }))
}

/// A document that was shown, too long for a header.
fn shown() -> StatementResult {
    let reply = DocBuf::from(&doc! { "value": { "_id": 1, "text": "x".repeat(5000) } });
    StatementResult::Shown { change: ShownChange::Updated, after: true, reply }
}

#[test]
fn every_statement_of_a_command_is_found_with_its_result_however_many_entries_it_took() {
    let documents = applied(vec![
        vec![recorded(5, 10, 0, 3, StatementResult::Inserted)],
        vec![recorded(5, 11, 3, 1, StatementResult::Updated)],
        vec![recorded(5, 12, 7, 1, shown())],
        vec![recorded(5, 13, 9, 2, upserted())],
    ]);
    let record = record(&documents.view()).unwrap();
    assert_eq!(record.number, 5);
    assert!(record.is_complete);
    let expected = [
        (-1, None),
        (0, Some(StatementResult::Inserted)),
        (2, Some(StatementResult::Inserted)),
        (3, Some(StatementResult::Updated)),
        (4, None),
        (7, Some(shown())),
        (8, None),
        (10, Some(upserted())),
        (11, None),
    ];
    for (id, result) in expected {
        assert_eq!(record.result(id), result.as_ref(), "{id}");
    }
}

#[test]
fn a_header_tells_of_the_last_write_and_of_its_entry() {
    let documents = applied(vec![
        vec![recorded(5, 10, 0, 1, StatementResult::Deleted)],
        vec![recorded(5, 12, 1, 1, StatementResult::Deleted)],
    ]);
    let header = documents.view().session_header(&session(1)).unwrap().unwrap();
    assert_eq!((header.number, header.revision), (5, Timestamp(12)));
    assert_eq!((header.term, header.wall_millis), (TERM, WALL));
    assert_eq!(documents.view().session_header(&session(2)).unwrap(), None);
}

#[test]
fn a_higher_number_ends_the_record_of_the_one_before_and_leaves_nothing_of_it() {
    for parts in [1, 5, 40] {
        let mut effects: Vec<_> = (0..parts)
            .map(|id| vec![recorded(5, 10 + id as u64, id, 1, StatementResult::Updated)])
            .collect();
        effects.push(vec![recorded(6, 90, 0, 1, StatementResult::Deleted)]);
        let documents = applied(effects);
        let record = record(&documents.view()).unwrap();
        assert_eq!(record.number, 6);
        assert_eq!(record.result(0), Some(&StatementResult::Deleted));
        assert_eq!(record.result(1), None);
        let alone = applied(vec![vec![recorded(6, 90, 0, 1, StatementResult::Deleted)]]);
        assert_eq!(keys(&documents), keys(&alone), "after {parts} parts");
    }
}

#[test]
fn a_lower_number_is_a_leader_s_defect_and_changes_nothing() {
    let documents = applied(vec![
        vec![recorded(5, 10, 0, 1, StatementResult::Inserted)],
        vec![recorded(4, 11, 1, 1, StatementResult::Inserted)],
    ]);
    assert_eq!(documents.refused_effects(), 1);
    assert_eq!(record(&documents.view()).unwrap().number, 5);
}

#[test]
fn a_record_is_forgotten_unless_it_was_written_again() {
    let twice = || {
        vec![
            vec![recorded(5, 10, 0, 1, StatementResult::Inserted)],
            vec![recorded(5, 11, 1, 1, shown())],
        ]
    };
    let mut effects = twice();
    effects.push(vec![forgotten(10)]);
    assert!(record(&applied(effects).view()).is_some(), "written after it was looked at");
    let mut effects = twice();
    effects.push(vec![forgotten(11)]);
    let documents = applied(effects);
    assert_eq!(record(&documents.view()), None);
    assert_eq!(keys(&documents), 0, "parts and all");
    assert_eq!(documents.refused_effects(), 0);
}

/// How many keys the sessions take.
fn keys(documents: &Documents) -> usize {
    let mut count = 0;
    let all = crate::open::key_range(&quire_keys::Range::ALL);
    let sessions = crate::open::space(KeySpace::Sessions);
    let engine: &dyn Engine = documents.engine();
    engine
        .scan(sessions, all, quire_engine::Direction::Forward, &mut |_, _| {
            count += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    count
}

#[test]
fn all_records_are_walked_a_few_keys_at_a_time() {
    let of = |n: u8, id: i32| Effect::RecordStatements {
        session: session(n),
        number: i64::from(n),
        revision: Timestamp(1),
        statements: vec![Statements { first: id, count: 1, result: StatementResult::Updated }],
    };
    // the third one has many parts, and the last is the last that there can be
    let mut effects = vec![vec![of(1, 0), of(2, 0), of(0xFF, 0)]];
    effects.extend((0..20).map(|id| vec![of(3, id)]));
    let documents = applied(effects);
    for keys_max in [1, 2, 3, 7, 1000] {
        let (mut found, mut after, mut rounds) = (Vec::new(), None, 0);
        loop {
            let view = documents.view();
            let mut visit = |key: SessionKey, header: SessionHeader| {
                assert_eq!(i64::from(key.id[0]), header.number);
                found.push(key.id[0]);
                ControlFlow::Continue(())
            };
            after = view.scan_sessions(after, keys_max, &mut visit).unwrap();
            rounds += 1;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, [1, 2, 3, 0xFF], "{keys_max} keys at a time");
        assert!(rounds <= 24 / keys_max + 5, "{rounds} rounds of {keys_max} keys");
    }
}

#[test]
fn a_walk_ends_where_the_visitor_says() {
    let documents = applied(vec![vec![recorded(1, 1, 0, 1, StatementResult::Inserted)]]);
    let stopped = documents.view().scan_sessions(None, 100, &mut |_, _| ControlFlow::Break(()));
    assert_eq!(stopped.unwrap(), Some(session(1)));
}

#[test]
fn consecutive_statements_with_the_same_result_are_one_range() {
    let mut list = Vec::new();
    for id in [0, 1, 2, 4] {
        Statements::push(&mut list, id, StatementResult::Inserted);
    }
    Statements::push(&mut list, 5, StatementResult::Deleted);
    Statements::push(&mut list, i32::MAX, StatementResult::Deleted);
    Statements::push(&mut list, i32::MIN, StatementResult::Deleted);
    let ranges: Vec<_> = list.iter().map(|range| (range.first, range.count)).collect();
    assert_eq!(ranges, [(0, 3), (4, 1), (5, 1), (i32::MAX, 1), (i32::MIN, 1)]);
    assert!(list[3].contains(i32::MAX));
    assert!(!list[0].contains(3) && !list[0].contains(-1));
}

#[test]
fn a_part_that_is_gone_is_noticed() {
    let documents = applied(vec![
        vec![recorded(5, 10, 0, 1, StatementResult::Inserted)],
        vec![recorded(5, 11, 1, 1, StatementResult::Inserted)],
    ]);
    let view = documents.view();
    let header = view.session_header(&session(1)).unwrap().unwrap();
    let more = SessionHeader { parts: header.parts + 1, ..header };
    assert!(!view.session_record(&session(1), more).unwrap().is_complete);
}

#[test]
fn a_crash_leaves_the_record_exactly_if_it_leaves_the_write() {
    let insert = |id: i32| Effect::InsertRow {
        collection: crate::CollectionId(1),
        revision: Timestamp(id as u64),
        doc: DocBuf::from(&doc! { "_id": id }),
        partial: vec![],
    };
    let create = Effect::CreateCollection {
        id: crate::CollectionId(1),
        namespace: crate::Namespace::new("db", "c").unwrap(),
        uuid: [0; 16],
        options: DocBuf::new(),
        layout: crate::Layout::ById,
        id_index: crate::IndexId(1),
    };
    let mut effects = vec![vec![create]];
    effects.extend((0..8).map(|id| {
        let result = if id == 4 { shown() } else { StatementResult::Inserted };
        vec![insert(id), recorded(1, id as u64, id, 1, result)]
    }));
    let engine = Arc::new(MemoryEngine::new(KeySpace::ALL.len()));
    let documents = open(&engine);
    for entry in entries(effects) {
        documents.apply(&[entry]).unwrap();
    }
    for kept in 0..=10 {
        let after = open(&Arc::new(engine.after_crash(kept)));
        let view = after.view();
        let rows = view.counts(crate::CollectionId(1)).unwrap().documents as i32;
        let record = record(&view);
        for id in 0..8 {
            let known = record.as_ref().is_some_and(|record| record.result(id).is_some());
            assert_eq!(known, id < rows, "statement {id} with {rows} rows");
        }
    }
}
