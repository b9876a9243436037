//! A node over an engine and a log in memory that can be told to fail, and whose remains can be
//! reopened.

use parking_lot::Mutex;
use quire_bson::{DocBuf, Document};
use quire_consensus::{Options, Replica};
use quire_documents::{Collection, Direction, Documents, Effect, Layout, Namespace, Range};
use quire_engine::{Engine, Faulty, FaultyEngine, MemoryEngine};
use quire_execution::wait::Signal;
use quire_execution::{
    Announcing, Change, Clock, CurrentRow, Refusal, Sequenced, Sequencer, Verdict,
};
use quire_keys::KeySpace;
use quire_log::{MemoryFiles, SegmentLog};
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// So small that a run goes through some of them.
const SEGMENT_BYTES: u64 = 16 << 10;

/// A batch that is waited for.
pub type Waiting = Pin<Box<dyn Future<Output = quire_errors::Result<Option<Vec<Verdict>>>>>>;

/// What a power cut leaves.
pub struct Remains {
    pub data: MemoryEngine,
    pub log: MemoryFiles,
}

impl Remains {
    pub fn nothing() -> Remains {
        let data = MemoryEngine::new(KeySpace::ALL.len());
        Remains { data, log: MemoryFiles::default() }
    }
}

#[derive(Default)]
pub struct HandClock(pub AtomicI64);

impl Clock for HandClock {
    fn now_millis(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

pub struct Node {
    pub sequencer: Arc<Sequencer>,
    pub documents: Arc<Documents>,
    pub replica: Arc<Replica>,
    pub log: Arc<SegmentLog>,
    pub clock: Arc<HandClock>,
    pub log_files: Arc<MemoryFiles>,
    pub data_faults: Arc<FaultyEngine>,
    pub data_memory: Arc<MemoryEngine>,
}

impl Node {
    pub fn new() -> Node {
        Node::start(Remains::nothing(), Options::default())
    }

    pub fn start(remains: Remains, options: Options) -> Node {
        let data_memory = Arc::new(remains.data);
        let data_faults: Arc<FaultyEngine> =
            Arc::new(Faulty::new(data_memory.clone() as Arc<dyn Engine>));
        let log_files = Arc::new(remains.log);
        let documents = Arc::new(Documents::open(data_faults.clone()).unwrap());
        let log = Arc::new(SegmentLog::open(log_files.clone(), SEGMENT_BYTES).unwrap());
        let applied = Arc::new(Signal::default());
        let machine = Arc::new(Announcing::new(documents.clone(), applied.clone()));
        let replica = Arc::new(Replica::open(log.clone(), machine, options).unwrap());
        let clock = Arc::new(HandClock(AtomicI64::new(1_000_000_000_000)));
        let sequencer = Sequencer::new(documents.clone(), replica.clone(), clock.clone(), applied);
        let sequencer = Arc::new(sequencer);
        Node { sequencer, documents, replica, log, clock, log_files, data_faults, data_memory }
    }

    /// Creates `db.<name>`; with options it is capped.
    pub fn create(&self, name: &str, options: Document) {
        let capped = options.contains_key("capped");
        let created = self.sequencer.change_catalog(|catalog| {
            let ids = catalog.next_ids();
            let create = Effect::CreateCollection {
                id: ids.collection,
                namespace: Namespace::new("db", name).unwrap(),
                uuid: [7; 16],
                options: DocBuf::from(&options),
                layout: if capped { Layout::ByRevision } else { Layout::ById },
                id_index: ids.index,
            };
            Ok((vec![create], ()))
        });
        block_on(created).unwrap();
    }

    /// Makes an index and fills it; nothing else may be going on.
    pub fn index(&self, name: &str, spec: &Document) -> quire_errors::Result<()> {
        block_on(self.indexing(name, spec))
    }

    /// The outcome of the same, for polling.
    pub fn indexing(
        &self,
        name: &str,
        spec: &Document,
    ) -> impl Future<Output = quire_errors::Result<()>> {
        let collection = self.collection(name);
        let mut rows = Vec::new();
        let visit = &mut |key: &[u8], row: quire_documents::Row<'_>| {
            rows.push((key.to_vec(), row.revision));
            ControlFlow::Continue(())
        };
        let view = self.documents.view();
        view.scan_rows(collection.id, &Range::ALL, Direction::Forward, visit).unwrap();
        self.sequencer.change_catalog(move |catalog| {
            let (collection, index) = (collection.id, catalog.next_ids().index);
            let create = Effect::CreateIndex { collection, id: index, spec: DocBuf::from(spec) };
            let fill = Effect::IndexRows { collection, index, rows: rows.clone() };
            Ok((vec![create, fill, Effect::IndexReady { collection, index }], ()))
        })
    }

    pub fn collection(&self, name: &str) -> Arc<Collection> {
        self.documents.catalog().find_by_name("db", name).unwrap().clone()
    }

    /// The documents of a collection in the order of their keys, as they are applied.
    pub fn rows(&self, name: &str) -> Vec<Document> {
        let mut rows = Vec::new();
        let view = self.documents.view();
        let Some(collection) = view.catalog().find_by_name("db", name) else { return rows };
        view.scan_rows(collection.id, &Range::ALL, Direction::Forward, &mut |_, row| {
            rows.push(row.doc.to_document());
            ControlFlow::Continue(())
        })
        .unwrap();
        rows
    }

    /// The newest version of the row with this id, pending or not.
    pub fn current(&self, name: &str, id: i32) -> Option<CurrentRow> {
        self.sequencer.current(&self.collection(name), &row_key(id)).unwrap()
    }

    pub fn sequence(&self, name: &str, changes: Vec<Change>) -> Result<Sequenced, Refusal> {
        self.sequencer.sequence(&self.collection(name), changes, true)
    }

    /// The outcome of a batch, for polling.
    pub fn wait_for(&self, sequenced: Sequenced) -> Waiting {
        let sequencer = self.sequencer.clone();
        Box::pin(async move { sequenced.committed(&sequencer).await })
    }

    /// Writes and waits; every change must be accepted.
    pub fn write(&self, name: &str, changes: Vec<Change>) {
        let sequenced = self.sequence(name, changes).unwrap();
        let verdicts = block_on(self.wait_for(sequenced)).unwrap().unwrap();
        assert!(verdicts.iter().all(|v| matches!(v, Verdict::Accepted)), "{verdicts:?}");
    }
}

pub fn row_key(id: i32) -> Vec<u8> {
    quire_documents::id_row_key(quire_bson::RawValue::Int32(id))
}

pub fn insert(doc: &Document) -> Change {
    Change::Insert { doc: Arc::new(DocBuf::from(doc)), partial: Vec::new() }
}

pub fn replace(id: i32, seen: CurrentRow, doc: &Document) -> Change {
    let (row_key, doc) = (row_key(id), Arc::new(DocBuf::from(doc)));
    Change::Replace { row_key, seen, doc, partial: Vec::new() }
}

/// Polls once.
pub fn poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    match Pin::new(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

pub fn block_on<F: Future>(future: F) -> F::Output {
    block_on_unless(|| false, future).expect("it ended")
}

/// Waits for something, or until nobody can be answered any more.
pub fn block_on_unless<F: Future>(is_cut: impl Fn() -> bool, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let begun = Instant::now();
    loop {
        if let Some(value) = poll(&mut future) {
            return Some(value);
        }
        if is_cut() {
            return None;
        }
        assert!(begun.elapsed() < PATIENCE, "the future never ended");
        std::thread::sleep(Duration::from_micros(50));
    }
}

/// Waits for something without asking it again until it calls its waker: finds lost wake-ups.
pub fn wakes<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread, Mutex<bool>);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            *self.1.lock() = true;
            self.0.unpark();
        }
    }
    let woken = Arc::new(Unpark(std::thread::current(), Mutex::new(true)));
    let waker = Waker::from(woken.clone());
    let mut future = pin!(future);
    let begun = Instant::now();
    loop {
        if std::mem::take(&mut *woken.1.lock())
            && let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker))
        {
            return value;
        }
        assert!(begun.elapsed() < PATIENCE, "nobody woke it");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}
