//! What the tests stand on: a log whose files can be told to fail, and a state machine that keeps
//! what it was given, can be held up and can fail.

use parking_lot::{Condvar, Mutex};
use quire_consensus::{Committed, Lost, Options, Replica, Submitted, Ticket};
use quire_log::{
    Applied, Completeness, Entry, EntryKind, Export, Fatal, LogIndex, LogStore, MemoryFiles,
    SegmentLog, StateMachine, Timestamp,
};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// The state: the entries themselves.
#[derive(Default)]
pub struct Ledger {
    pub entries: Mutex<Vec<Entry>>,
    /// The names of the threads that applied.
    pub threads: Mutex<Vec<String>>,
    pub durable: AtomicU64,
    /// What is applied stays in memory.
    pub flushes_nothing: AtomicBool,
    /// How many attempts to apply still fail.
    pub failures: AtomicU32,
    pub attempts: AtomicU32,
    pub losses: AtomicU32,
    held: Mutex<bool>,
    changed: Condvar,
    arrived: AtomicBool,
}

impl Ledger {
    /// Every apply waits from now on.
    pub fn hold(&self) {
        *self.held.lock() = true;
        self.arrived.store(false, Ordering::SeqCst);
    }

    pub fn let_go(&self) {
        *self.held.lock() = false;
        self.changed.notify_all();
    }

    /// Waits until an apply is held up.
    pub fn wait_until_held_up(&self) {
        wait_until(|| self.arrived.load(Ordering::SeqCst));
    }

    pub fn payloads(&self) -> Vec<Vec<u8>> {
        payloads(&self.entries.lock())
    }
}

impl StateMachine for Ledger {
    fn applied(&self) -> Applied {
        let entries = self.entries.lock();
        let Some(Entry { index, term, timestamp, .. }) = entries.last().cloned() else {
            return Applied::default();
        };
        Applied { index, term, timestamp }
    }

    fn durable(&self) -> Result<LogIndex, Fatal> {
        Ok(LogIndex(self.durable.load(Ordering::SeqCst)))
    }

    fn apply(&self, entries: &[Entry]) -> Result<(), Fatal> {
        let mut held = self.held.lock();
        while *held {
            self.arrived.store(true, Ordering::SeqCst);
            self.changed.wait(&mut held);
        }
        drop(held);
        self.attempts.fetch_add(1, Ordering::SeqCst);
        let fails = |left: u32| left.checked_sub(1);
        if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fails).is_ok() {
            return Err(Fatal { reason: "planned".to_owned(), no_space: false });
        }
        assert_eq!(entries.first().map(|entry| entry.index), Some(self.applied().index.next()));
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        self.threads.lock().push(name);
        self.entries.lock().extend_from_slice(entries);
        Ok(())
    }

    fn lost(&self) {
        self.losses.fetch_add(1, Ordering::SeqCst);
    }

    fn flush(&self) -> Result<(), Fatal> {
        if !self.flushes_nothing.load(Ordering::SeqCst) {
            self.durable.store(self.applied().index.0, Ordering::SeqCst);
        }
        Ok(())
    }

    fn completeness(&self) -> Completeness {
        Completeness::Whole
    }

    fn configuration(&self) -> Option<Vec<u8>> {
        let entries = self.entries.lock();
        let last = entries.iter().rfind(|entry| entry.kind == EntryKind::Configuration);
        last.map(|entry| entry.payload.to_vec())
    }

    fn export(&self) -> Result<Box<dyn Export>, Fatal> {
        Err(uncopied())
    }

    fn begin_install(&self) -> Result<(), Fatal> {
        Err(uncopied())
    }

    fn install_chunk(&self, _chunk: &[u8]) -> Result<(), Fatal> {
        Err(uncopied())
    }

    fn finish_install(&self) -> Result<Applied, Fatal> {
        Err(uncopied())
    }

    fn log_restarted(&self) -> Result<(), Fatal> {
        Ok(())
    }
}

/// The only voter has nobody to copy from or to.
fn uncopied() -> Fatal {
    Fatal { reason: "the ledger is not copied".to_owned(), no_space: false }
}

/// No test here fills a segment.
const SEGMENT_BYTES: u64 = 64 << 10;

pub fn open_log(files: Arc<MemoryFiles>) -> Arc<SegmentLog> {
    Arc::new(SegmentLog::open(files, SEGMENT_BYTES).unwrap())
}

pub type Outcome = Result<Committed, Lost>;

/// A replica and everything below it.
pub struct Bench {
    pub replica: Arc<Replica>,
    pub ledger: Arc<Ledger>,
    pub log: Arc<SegmentLog>,
    pub files: Arc<MemoryFiles>,
    stamp: Mutex<u64>,
}

impl Bench {
    pub fn new(options: Options) -> Bench {
        Bench::over(MemoryFiles::default(), Arc::default(), options)
    }

    pub fn over(files: MemoryFiles, ledger: Arc<Ledger>, options: Options) -> Bench {
        let files = Arc::new(files);
        let log = open_log(files.clone());
        let replica = Arc::new(Replica::open(log.clone(), ledger.clone(), options).unwrap());
        let stamp = Mutex::new(replica.applied().timestamp.0);
        Bench { replica, ledger, log, files, stamp }
    }

    /// Proposes in the present epoch.
    pub fn propose(&self, payload: &[u8]) -> Result<Submitted, Lost> {
        let mut stamp = self.stamp.lock();
        *stamp += 1;
        self.replica.propose(self.replica.epoch(), Timestamp(*stamp), payload.to_vec())
    }

    /// Proposes several that find the committer busy; `first` is the one that keeps it busy.
    pub fn propose_behind(&self, first: &[u8], behind: &[&[u8]]) -> (Outcome, Vec<Ticket>) {
        self.ledger.hold();
        let first = self.propose(first).unwrap();
        // the inline proposer's own thread
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || sender.send(block_on(first.commit())));
        self.ledger.wait_until_held_up();
        let behind = behind.iter().map(|p| self.propose(p).unwrap().commit()).collect();
        self.ledger.let_go();
        let first = receiver.recv_timeout(PATIENCE).unwrap();
        (first, behind)
    }

    pub fn commit(&self, payload: &[u8]) -> Result<Committed, Lost> {
        block_on(self.propose(payload)?.commit())
    }

    /// The payloads in the log, without the entries that start terms.
    pub fn logged(&self) -> Vec<Vec<u8>> {
        let range = self.log.first_index().0..=self.log.last_index().0;
        payloads(&self.log.read(range, usize::MAX).unwrap())
    }
}

fn payloads(entries: &[Entry]) -> Vec<Vec<u8>> {
    let effects = entries.iter().filter(|entry| entry.kind == EntryKind::Effects);
    effects.map(|entry| entry.payload.to_vec()).collect()
}

pub fn wait_until(mut holds: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Runs something that must end.
pub fn ends<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(work()));
    receiver.recv_timeout(PATIENCE).expect("it never ended")
}

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

pub fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    let begun = std::time::Instant::now();
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park_timeout(PATIENCE),
        }
        assert!(begun.elapsed() < PATIENCE, "the future never ended");
    }
}

/// Polls once.
pub fn is_ready(ticket: &mut Ticket) -> bool {
    std::pin::Pin::new(ticket).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}
