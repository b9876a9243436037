//! A copy between two stores on disk, and power cuts while it arrives.

#![allow(clippy::unwrap_used)]

use quire_bson::{DocBuf, doc};
use quire_documents::{CollectionId, Documents, Effect, Effects, IndexId, Layout, Namespace};
use quire_engine::{RocksEngine, RocksOptions, copy_power_cut};
use quire_log::{Applied, Completeness, Entry, EntryKind, LogIndex, StateMachine, Term, Timestamp};
use std::path::Path;
use std::sync::Arc;

const SPACES: &[&str] = &["meta", "rows", "index", "sessions"];
const COLLECTION: CollectionId = CollectionId(1);
const CHUNK_BYTES: usize = 64 << 10;

fn open(path: &Path) -> Documents {
    let mut options = RocksOptions::data(path, SPACES);
    options.cache_bytes = 4 << 20;
    // small, so that a copy is written out while it arrives
    options.memtable_bytes = 1 << 20;
    Documents::open(Arc::new(RocksEngine::open(options).unwrap())).unwrap()
}

fn apply(to: &Documents, effects: Vec<Effect>) {
    let index = to.applied().index.next();
    let payload = Effects { wall_millis: 0, effects, ..Effects::default() }.encode().into();
    let (kind, timestamp) = (EntryKind::Effects, Timestamp(index.0));
    to.apply(&[Entry { index, term: Term(1), timestamp, kind, payload }]).unwrap();
}

/// A collection with an index and so many rows of about a kibibyte.
fn fill(documents: &Documents, name: &str, rows: i32) {
    apply(
        documents,
        vec![
            Effect::CreateCollection {
                id: COLLECTION,
                namespace: Namespace::new("db", name).unwrap(),
                uuid: [1; 16],
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
        ],
    );
    for id in 0..rows {
        let doc = doc! { "_id": id, "a": rows - id, "text": format!("{name} {id} ").repeat(100) };
        let (revision, doc) = (Timestamp(u64::from(id.unsigned_abs())), DocBuf::from(&doc));
        let partial = vec![];
        apply(
            documents,
            vec![Effect::InsertRow { collection: COLLECTION, revision, doc, partial }],
        );
    }
}

/// The store as a power cut now would leave it.
fn after_power_cut(from: &Path, to: &Path) -> Documents {
    copy_power_cut(from, to).unwrap();
    open(to)
}

fn is_sound(documents: &Documents) {
    let view = documents.view();
    for collection in view.catalog().collections() {
        let report = view.validate(collection, None).unwrap();
        assert!(report.is_valid(), "{report:?}");
    }
}

#[test]
fn a_copy_survives_a_power_cut_whole_or_says_that_it_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let source = open(&path("source"));
    fill(&source, "new", 6_000);
    let target = open(&path("target"));
    fill(&target, "old", 3_000);
    target.flush().unwrap();
    let earlier = target.view();
    let (old, new) = (target.state_hash().unwrap(), source.state_hash().unwrap());

    let mut export = source.export().unwrap();
    // the copy does not see what comes after it
    apply(&source, vec![Effect::DropCollection { id: COLLECTION }]);
    target.begin_install().unwrap();
    let mut chunks = 0;
    while let Some(chunk) = export.next_chunk(CHUNK_BYTES).unwrap() {
        target.install_chunk(&chunk).unwrap();
        chunks += 1;
        if chunks % 40 == 1 {
            let cut = after_power_cut(&path("target"), &path(&format!("cut-{chunks}")));
            assert_eq!(cut.completeness(), Completeness::Partial);
            assert_eq!(cut.applied(), Applied::default());
            assert_eq!(cut.catalog().collections().count(), 0);
        }
    }
    assert!(chunks > 80, "{chunks} chunks");
    let applied = target.finish_install().unwrap();
    assert_eq!(applied, export.applied());
    let cut = after_power_cut(&path("target"), &path("cut-finished"));
    for documents in [&target, &cut] {
        assert_eq!(documents.completeness(), Completeness::Arrived);
        assert_eq!((documents.applied(), documents.state_hash().unwrap()), (applied, new));
        is_sound(documents);
    }
    assert_eq!(earlier.state_hash().unwrap(), old);
    drop(earlier);

    target.log_restarted().unwrap();
    let cut = after_power_cut(&path("target"), &path("cut-in-use"));
    assert_eq!(cut.completeness(), Completeness::Whole);
    assert_eq!(cut.durable().unwrap(), applied.index);
    apply(&cut, vec![Effect::DropCollection { id: COLLECTION }]);
    assert_eq!(cut.refused_effects(), 0);
    assert_eq!(cut.state_hash().unwrap(), source.state_hash().unwrap());
    assert_eq!(cut.applied().index, LogIndex(applied.index.0 + 1));
}
