//! The state machine against a plain map, with crashes and with batches cut anywhere.
//!
//! A generated history plays the leader: it looks at the model, so that its effects hold, and now and
//! then proposes one that does not. Whatever the history, three things must hold: the rows are those
//! of the model, every collection validates, and the bytes of all spaces depend on the entries alone,
//! not on how they were grouped nor on how often the process lost its unsynced batches.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use quire_bson::{DocBuf, Document, doc};
use quire_documents::{
    Catalog, CollectionId, Direction, Documents, Effect, Effects, Index, IndexId, Layout,
    Namespace, Range, SessionKey, StatementResult, Statements, id_row_key,
};
use quire_engine::{Engine, KeyRange, MemoryEngine, Read, Space};
use quire_keys::KeySpace;
use quire_log::{Entry, EntryKind, Export, LogIndex, StateMachine, Term, Timestamp};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What the leader is asked to do. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Action {
    Create {
        capped: bool,
    },
    Drop(usize),
    Rename {
        from: usize,
        over: Option<usize>,
    },
    Insert {
        collection: usize,
        shape: u8,
        value: i32,
    },
    Replace {
        row: usize,
        shape: u8,
        value: i32,
    },
    Delete {
        row: usize,
    },
    CreateIndex {
        collection: usize,
        kind: usize,
    },
    DropIndex {
        collection: usize,
        index: usize,
    },
    /// Reads every row of a collection, for the chunk that a later `Build` proposes.
    Scan {
        collection: usize,
    },
    Build {
        ready: bool,
    },
    Session {
        session: u8,
        record: Option<u8>,
    },
    /// An effect on a collection that never was.
    Nonsense,
}

fn action() -> impl Strategy<Value = Action> {
    let n = any::<usize>;
    prop_oneof![
        1 => any::<bool>().prop_map(|capped| Action::Create { capped }),
        1 => n().prop_map(Action::Drop),
        1 => (n(), proptest::option::of(n()))
            .prop_map(|(from, over)| Action::Rename { from, over }),
        10 => (n(), any::<u8>(), 0..50).prop_map(
            |(collection, shape, value)| Action::Insert { collection, shape, value }),
        8 => (n(), any::<u8>(), 0..50)
            .prop_map(|(row, shape, value)| Action::Replace { row, shape, value }),
        4 => n().prop_map(|row| Action::Delete { row }),
        2 => (n(), n()).prop_map(|(collection, kind)| Action::CreateIndex { collection, kind }),
        1 => (n(), n()).prop_map(|(collection, index)| Action::DropIndex { collection, index }),
        2 => n().prop_map(|collection| Action::Scan { collection }),
        2 => any::<bool>().prop_map(|ready| Action::Build { ready }),
        3 => (0..3_u8, proptest::option::weighted(0.9, any::<u8>()))
            .prop_map(|(session, record)| Action::Session { session, record }),
        1 => Just(Action::Nonsense),
    ]
}

/// A background build between its scan and its chunk.
#[derive(Clone)]
struct Build {
    collection: CollectionId,
    rows: Vec<(Vec<u8>, Timestamp)>,
}

type Rows = BTreeMap<Vec<u8>, (Timestamp, Document)>;

/// The leader: a catalogue, plain rows, and what it has proposed.
#[derive(Default)]
struct Leader {
    catalog: Catalog,
    rows: BTreeMap<CollectionId, Rows>,
    /// The number of each session's last command, and the result of each of its statements.
    sessions: BTreeMap<u8, (i64, Vec<StatementResult>)>,
    builds: Vec<Build>,
    clock: u64,
    effects: Vec<Effect>,
}

impl Leader {
    fn act(&mut self, action: &Action) {
        self.clock += 1;
        match action {
            Action::Create { capped } => self.create(*capped),
            Action::Drop(n) => {
                if let Some(id) = self.pick(*n) {
                    self.rows.remove(&id);
                    self.propose(Effect::DropCollection { id });
                }
            }
            Action::Rename { from, over } => self.rename(*from, *over),
            Action::Insert { collection, shape, value } => {
                if let Some(id) = self.pick(*collection) {
                    let key = i32::try_from(self.clock).unwrap_or_default();
                    self.write(id, None, document(key, *shape, *value));
                }
            }
            Action::Replace { row, shape, value } => {
                if let Some((id, key, old)) = self.pick_row(*row) {
                    let own = old.get_i32("_id").unwrap_or_default();
                    self.write(id, Some(key), document(own, *shape, *value));
                }
            }
            Action::Delete { row } => {
                if let Some((collection, row_key, _)) = self.pick_row(*row) {
                    self.rows.entry(collection).or_default().remove(&row_key);
                    let revision = Timestamp(self.clock);
                    self.propose(Effect::DeleteRow { collection, row_key, revision, id: None });
                }
            }
            Action::CreateIndex { collection, kind } => self.create_index(*collection, *kind),
            Action::DropIndex { collection, index } => self.drop_index(*collection, *index),
            Action::Scan { collection } => {
                if let Some(id) = self.pick(*collection) {
                    let rows = self.rows.get(&id).into_iter().flatten();
                    let rows = rows.map(|(key, (at, _))| (key.clone(), *at)).collect();
                    self.builds.push(Build { collection: id, rows });
                }
            }
            Action::Build { ready } => self.build(*ready),
            Action::Session { session, record } => {
                self.record(*session, *record);
            }
            Action::Nonsense => {
                let collection = CollectionId(999_999);
                let doc = DocBuf::from(&document(1, 0, 0));
                let (revision, partial) = (Timestamp(self.clock), Vec::new());
                self.propose(Effect::InsertRow { collection, revision, doc, partial });
            }
        }
    }

    fn propose(&mut self, effect: Effect) {
        // refused is fine: the machine must refuse the same
        let _ = self.catalog.change(&effect);
        self.effects.push(effect);
    }

    fn pick(&self, n: usize) -> Option<CollectionId> {
        let ids: Vec<_> = self.catalog.collections().map(|collection| collection.id).collect();
        ids.get(n.checked_rem(ids.len())?).copied()
    }

    fn pick_row(&self, n: usize) -> Option<(CollectionId, Vec<u8>, Document)> {
        let all = self.rows.iter().flat_map(|(id, rows)| rows.iter().map(move |row| (id, row)));
        let all: Vec<_> = all.collect();
        let (id, (key, (_, doc))) = all.get(n.checked_rem(all.len())?)?;
        Some((**id, (*key).clone(), doc.clone()))
    }

    /// Records the next statement of a session's command, or the first one of another command, or
    /// forgets the session.
    fn record(&mut self, n: u8, record: Option<u8>) {
        let (session, revision) = (session_key(n), Timestamp(self.clock));
        let Some(byte) = record else {
            self.sessions.remove(&n);
            return self.propose(Effect::ForgetSession { session, revision });
        };
        let (number, results) = self.sessions.entry(n).or_insert((0, Vec::new()));
        if byte % 5 == 0 {
            *number += 1;
            results.clear();
        }
        let result = match byte % 3 {
            0 => StatementResult::Updated,
            1 => StatementResult::Deleted,
            _ => StatementResult::Upserted(DocBuf::from(&doc! { "_id": "x".repeat(2000) })),
        };
        let first = i32::try_from(results.len()).unwrap();
        results.push(result.clone());
        let statements = vec![Statements { first, count: 1, result }];
        let number = *number;
        self.propose(Effect::RecordStatements { session, number, revision, statements });
    }

    fn create(&mut self, capped: bool) {
        let ids = self.catalog.next_ids();
        self.propose(Effect::CreateCollection {
            id: ids.collection,
            namespace: Namespace::new("db", &format!("c{}", ids.collection)).unwrap(),
            uuid: [7; 16],
            options: DocBuf::from(&doc! { "capped": capped }),
            layout: if capped { Layout::ByRevision } else { Layout::ById },
            id_index: ids.index,
        });
        self.rows.insert(ids.collection, Rows::new());
    }

    fn rename(&mut self, from: usize, over: Option<usize>) {
        let Some(id) = self.pick(from) else { return };
        let target = over.and_then(|n| self.pick(n)).filter(|target| *target != id);
        let to = match target.and_then(|target| self.catalog.collection(target)) {
            Some(target) => target.namespace.clone(),
            None => Namespace::new("other", &format!("r{}", self.clock)).unwrap(),
        };
        if let Some(target) = target {
            self.rows.remove(&target);
        }
        self.propose(Effect::RenameCollection { id, to, drop_target: target });
    }

    fn write(&mut self, id: CollectionId, row_key: Option<Vec<u8>>, doc: Document) {
        let revision = Timestamp(self.clock);
        let Some(collection) = self.catalog.collection(id) else { return };
        let bytes = DocBuf::from(&doc);
        let wanting = collection.indexes.iter().filter(|index| wants(index, &doc));
        let partial: Vec<IndexId> = wanting.map(|index| index.id).collect();
        let key = row_key.clone().unwrap_or_else(|| collection.row_key(bytes.as_raw(), revision));
        self.rows.entry(id).or_default().insert(key, (revision, doc));
        self.propose(match row_key {
            None => Effect::InsertRow { collection: id, revision, doc: bytes, partial },
            Some(row_key) => {
                Effect::ReplaceRow { collection: id, row_key, revision, doc: bytes, partial }
            }
        });
    }

    fn create_index(&mut self, collection: usize, kind: usize) {
        let Some(collection) = self.pick(collection) else { return };
        let id = self.catalog.next_ids().index;
        let name = format!("i{id}");
        let mut spec = [
            doc! { "v": 2, "name": &name, "key": { "a": 1 } },
            doc! { "v": 2, "name": &name, "key": { "a": -1, "b": 1 } },
            doc! { "v": 2, "name": &name, "key": { "b.c": 1 }, "sparse": true },
            doc! { "v": 2, "name": &name, "key": { "a": 1 }, "partialFilterExpression": { "p": 1 } },
            doc! { "v": 2, "name": &name, "key": { "a": "text" } },
        ];
        let kind = kind % spec.len();
        let spec = DocBuf::from(&std::mem::take(&mut spec[kind]));
        self.propose(Effect::CreateIndex { collection, id, spec });
    }

    fn drop_index(&mut self, collection: usize, index: usize) {
        let Some(collection) = self.pick(collection) else { return };
        let indexes: Vec<_> = self.indexes(collection).collect();
        let Some(n) = index.checked_rem(indexes.len()) else { return };
        self.propose(Effect::DropIndex { collection, index: indexes[n].0 });
    }

    /// The ids of a collection's indexes, and whether each has a filter.
    fn indexes(&self, collection: CollectionId) -> impl Iterator<Item = (IndexId, bool)> + use<> {
        let found = self.catalog.collection(collection).map(|c| c.indexes.clone());
        let plain = |index: &Arc<Index>| (index.id, index.spec.partial_filter.is_some());
        found.unwrap_or_default().into_iter().map(move |index| plain(&index))
    }

    /// Proposes the chunk of the oldest scan for every index. Only when it is asked to be complete
    /// does it add what the scan has not seen, as a builder does that scans again.
    fn build(&mut self, ready: bool) {
        if self.builds.is_empty() {
            return;
        }
        let Build { collection, mut rows } = self.builds.remove(0);
        let now = self.rows.get(&collection).cloned().unwrap_or_default();
        if ready {
            rows.extend(now.iter().map(|(key, (at, _))| (key.clone(), *at)));
        }
        for (index, partial) in self.indexes(collection).collect::<Vec<_>>() {
            let mut rows = rows.clone();
            // the builder evaluates the filter on the document that it read at this revision
            rows.retain(|(key, at)| {
                let current = now.get(key).filter(|(revision, _)| revision == at);
                current.is_none_or(|(_, doc)| !partial || doc.contains_key("p"))
            });
            self.propose(Effect::IndexRows { collection, index, rows });
            if ready {
                self.propose(Effect::IndexReady { collection, index });
            }
        }
    }
}

/// The filter of every partial index here.
fn wants(index: &Index, doc: &Document) -> bool {
    index.spec.partial_filter.is_some() && doc.contains_key("p")
}

/// Documents that meet every way of being indexed: scalars, arrays, arrays of documents, missing
/// fields, and arrays side by side, which apply has to take in its stride.
fn document(id: i32, shape: u8, value: i32) -> Document {
    let mut doc = match shape % 7 {
        0 => doc! { "_id": id, "a": value },
        1 => doc! { "_id": id, "a": [value, value + 1, value], "b": 1 },
        2 => doc! { "_id": id, "b": [{ "c": value }, { "c": [1, value] }, 3] },
        3 => doc! { "_id": id, "a": f64::from(value), "b": { "c": "x".repeat(value as usize) } },
        4 => doc! { "_id": id, "a": [], "b": [] },
        5 => doc! { "_id": id, "a": [1, 2], "b": [3, 4] },
        _ => doc! { "_id": id },
    };
    if shape > 127 {
        doc.insert("p", 1);
    }
    doc
}

/// One entry for each of the sizes in turn.
fn entries(effects: &[Effect], sizes: &[usize]) -> Vec<Entry> {
    let mut rest = effects;
    let mut entries = Vec::new();
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (now, later) = rest.split_at((*size).clamp(1, rest.len()));
        rest = later;
        let index = entries.len() as u64 + 1;
        let effects = Effects { wall_millis: 0, effects: now.to_vec(), ..Effects::default() };
        entries.push(Entry {
            index: LogIndex(index),
            term: Term(1),
            timestamp: Timestamp(index),
            kind: EntryKind::Effects,
            payload: effects.encode().into(),
        });
    }
    entries
}

fn new_engine() -> Arc<MemoryEngine> {
    Arc::new(MemoryEngine::new(KeySpace::ALL.len()))
}

fn open(engine: &Arc<MemoryEngine>) -> Documents {
    Documents::open(Arc::clone(engine) as Arc<dyn Engine>).unwrap()
}

/// Every byte of every space.
fn bytes(engine: &MemoryEngine) -> Vec<(u8, Vec<u8>, Vec<u8>)> {
    let mut all = Vec::new();
    for space in KeySpace::ALL {
        let number = space.number();
        engine
            .scan(Space(number), KeyRange::ALL, Direction::Forward, &mut |key, value| {
                all.push((number, key.to_vec(), value.to_vec()));
                ControlFlow::Continue(())
            })
            .unwrap();
    }
    all
}

fn agrees(leader: &Leader, documents: &Documents) {
    let view = documents.view();
    let names = |catalog: &Catalog| -> Vec<_> {
        catalog.collections().map(|c| (c.id, c.namespace.clone())).collect()
    };
    assert_eq!(names(view.catalog()), names(&leader.catalog));
    for collection in view.catalog().collections() {
        let mut found = Rows::new();
        view.scan_rows(collection.id, &Range::ALL, Direction::Forward, &mut |key, row| {
            found.insert(key.to_vec(), (row.revision, row.doc.to_document()));
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(Some(&found), leader.rows.get(&collection.id));
        let member = |_: &Index, doc: quire_bson::RawDoc<'_>| doc.get("p").is_some();
        let report = view.validate(collection, Some(&member)).unwrap();
        let indexable = |(_, text): &&(_, String)| !text.contains("cannot be indexed");
        assert!(!report.findings.iter().any(|finding| indexable(&finding)), "{report:?}");
    }
    for (session, (number, results)) in &leader.sessions {
        let header = view.session_header(&session_key(*session)).unwrap().unwrap();
        let record = view.session_record(&session_key(*session), header).unwrap();
        assert_eq!((record.number, record.is_complete), (*number, true));
        let found = (0..).map_while(|id| record.result(id)).cloned().collect::<Vec<_>>();
        assert_eq!(found, *results);
    }
    let mut found = 0;
    let mut count = |_, _| {
        found += 1;
        ControlFlow::Continue(())
    };
    view.scan_sessions(None, usize::MAX, &mut count).unwrap();
    assert_eq!(found, leader.sessions.len());
}

fn session_key(n: u8) -> SessionKey {
    SessionKey { id: [n; 16], user: [0; 32] }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_state_is_that_of_the_model_however_it_was_reached(
        actions in proptest::collection::vec(action(), 1..120),
        sizes in proptest::collection::vec(1..8_usize, 1..6),
        groups in proptest::collection::vec(1..9_usize, 1..6),
        crashes in proptest::collection::vec((0..6_usize, any::<bool>(), any::<u64>()), 0..6),
        chunk_bytes in 1..2_000_usize,
    ) {
        let mut leader = Leader::default();
        leader.act(&Action::Create { capped: false });
        for action in &actions {
            leader.act(action);
        }
        let entries = entries(&leader.effects, &sizes);

        // all at once
        let whole = new_engine();
        let at_once = open(&whole);
        at_once.apply(&entries).unwrap();
        agrees(&leader, &at_once);

        // one by one
        let single = new_engine();
        let one_by_one = open(&single);
        for entry in &entries {
            one_by_one.apply(std::slice::from_ref(entry)).unwrap();
        }
        prop_assert_eq!(bytes(&single), bytes(&whole));
        prop_assert_eq!(one_by_one.catalog(), at_once.catalog());

        // in groups, losing unsynced batches and replaying from the durable position
        let mut engine = new_engine();
        let mut documents = open(&engine);
        let mut crashes = crashes.into_iter();
        for size in groups.iter().cycle() {
            let next = documents.applied().index.0 as usize;
            if next >= entries.len() {
                break;
            }
            let end = next.saturating_add(*size).min(entries.len());
            documents.apply(&entries[next..end]).unwrap();
            if let Some((_, flush, seed)) = crashes.next() {
                if flush {
                    documents.flush().unwrap();
                }
                let durable = documents.durable().unwrap();
                engine = Arc::new(engine.after_crash_seeded(seed));
                documents = open(&engine);
                prop_assert!(documents.applied().index >= durable);
            }
        }
        agrees(&leader, &documents);
        prop_assert_eq!(bytes(&engine), bytes(&whole));
        prop_assert_eq!(documents.catalog(), at_once.catalog());

        // by a copy of an earlier state over another one, and the entries behind it
        let middle = entries.len() / 2;
        let source = open(&new_engine());
        source.apply(&entries[..middle]).unwrap();
        let mut export = source.export().unwrap();
        source.apply(&entries[middle..]).unwrap();
        let receiver = new_engine();
        let received = open(&receiver);
        received.apply(&entries[..middle / 2]).unwrap();
        copy(export.as_mut(), &received, chunk_bytes);
        received.apply(&entries[middle..]).unwrap();
        agrees(&leader, &received);
        prop_assert_eq!(bytes(&receiver), bytes(&whole));
        prop_assert_eq!(received.catalog(), at_once.catalog());
    }
}

fn copy(export: &mut dyn Export, to: &Documents, chunk_bytes: usize) {
    to.begin_install().unwrap();
    while let Some(chunk) = export.next_chunk(chunk_bytes).unwrap() {
        to.install_chunk(&chunk).unwrap();
    }
    assert_eq!(to.finish_install().unwrap(), export.applied());
    to.log_restarted().unwrap();
}

#[test]
fn a_row_key_depends_on_the_value_of_the_id_and_not_on_its_type() {
    let key = |doc: Document| id_row_key(DocBuf::from(&doc).as_raw().get("_id").unwrap());
    assert_eq!(key(doc! { "_id": 1 }), key(doc! { "_id": 1.0 }));
    assert_ne!(key(doc! { "_id": 1 }), key(doc! { "_id": "1" }));
}
