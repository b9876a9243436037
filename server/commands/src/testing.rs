//! A server in the test's own process: memory engines, a clock that stands still, no sockets.
//!
//! Owns the rig that command tests run in. A command goes in as a document and its reply comes out as
//! one, through the same decoding, dispatch and commit path as over the wire.

mod set;

use crate::host::{
    CompressionCounts, ConnectionCounts, DiskSpace, Host, MemoryUse, NetworkCounts, ProcessUse,
    ShutdownRequest,
};
use crate::persona::Persona;
use crate::{Answer, Response, Topology};
use crate::{
    Checkouts, Client, Counters, Cursors, Facts, Operations, Parameters, Profiling, Server,
    Sessions,
};
use parking_lot::Mutex;
use quire_bson::{DocBuf, Document, ObjectId, RawDoc};
use quire_consensus::{Options, Replica, Retention};
use quire_documents::{Documents, Effect, Layout, Namespace};
use quire_engine::MemoryEngine;
use quire_execution::wait::{Signal, Waiting};
use quire_execution::{Announcing, Clock, NewCollection, Sequencer, create_collection};
use quire_keys::KeySpace;
use quire_log::{SegmentLog, VOLATILE_SEGMENT_BYTES, VolatileFiles};
use quire_protocol::{DecodeLimits, Flags, MsgRequest, Request};
use quire_replset::ReplicaSet;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant, SystemTime};

/// A server and one connection to it.
pub struct Rig {
    pub server: Arc<Server>,
    pub client: Arc<Client>,
    pub host: Arc<FakeHost>,
}

impl Rig {
    pub fn new() -> Rig {
        let host = Arc::new(FakeHost::default());
        let server = Arc::new(server(&host, Persona::default(), None));
        Rig { server, client: Arc::new(Client::new(1, None)), host }
    }

    /// A server that runs scripts.
    pub fn with_scripts() -> Rig {
        let host = Arc::new(FakeHost::default());
        let engine = quire_javascript::JavaScript;
        let server = Server {
            script_engine: Some(Arc::new(engine)),
            ..server(&host, Persona::default(), None)
        };
        Rig { server: Arc::new(server), client: Arc::new(Client::new(1, None)), host }
    }

    /// Another connection to the same server.
    pub fn connect(&self) -> Rig {
        Rig {
            server: self.server.clone(),
            client: Arc::new(Client::new(self.client.id + 1, None)),
            host: self.host.clone(),
        }
    }

    /// Runs a command and gives its reply, whatever it says.
    pub fn run(&self, database: &str, command: Document) -> Document {
        self.run_with(database, command, &[])
    }

    /// [`Rig::run`] with documents in sequences beside the body, as drivers send them.
    pub fn run_with(
        &self,
        database: &str,
        command: Document,
        sequences: &[(&str, &[Document])],
    ) -> Document {
        self.respond(&request(database, command, sequences)).body.as_raw().to_document()
    }

    /// Runs a request that is already one, and that is answered.
    #[track_caller]
    pub fn respond(&self, request: &Request) -> Answer {
        block_on(crate::run(&self.server, &self.client, request)).answer()
    }

    /// Runs a command and gives its reply, unless the connection is closed instead.
    pub fn try_run(&self, database: &str, command: Document) -> Option<Document> {
        match block_on(crate::run(&self.server, &self.client, &request(database, command, &[]))) {
            Response::Answer(answer) => Some(answer.body.as_raw().to_document()),
            Response::HangUp => None,
        }
    }

    /// Enables test commands, as only a start can.
    pub fn for_tests(self) -> Rig {
        self.server.parameters.set("enableTestCommands", true.into());
        self
    }

    /// Runs a command that must succeed, write errors and all.
    #[track_caller]
    pub fn ok(&self, database: &str, command: Document) -> Document {
        let reply = self.run(database, command.clone());
        assert_eq!(reply.get_f64("ok").ok(), Some(1.0), "{command} gave {reply}");
        assert!(reply.get("writeErrors").is_none(), "{command} gave {reply}");
        reply
    }

    /// Runs a command that must fail, and gives its code and message. The first write error counts
    /// as the command's.
    #[track_caller]
    pub fn refused(&self, database: &str, command: Document) -> (i32, String) {
        let reply = self.run(database, command.clone());
        let first = reply.get_array("writeErrors").ok().and_then(|errors| errors.first());
        let failed = first.and_then(|error| error.as_document()).unwrap_or(&reply);
        let code = failed.get_i32("code").unwrap_or_else(|_| panic!("{command} gave {reply}"));
        (code, failed.get_str("errmsg").unwrap_or_default().to_owned())
    }

    /// Creates a collection or view with these options, past all commands.
    pub fn create(&self, database: &str, collection: &str, options: Document) {
        let layout = match (options.get("viewOn"), options.get("capped")) {
            (Some(_), _) => Layout::View,
            (None, Some(_)) => Layout::ByRevision,
            (None, None) => Layout::ById,
        };
        let namespace = Namespace::new(database, collection).unwrap();
        let new = NewCollection { namespace, options: DocBuf::from(&options), layout };
        let server = self.server.as_ref();
        block_on(create_collection(&server.sequencer, server, &new)).unwrap();
    }

    /// Makes an index over an empty collection, past all commands.
    pub fn index(&self, database: &str, collection: &str, spec: Document) {
        let spec = DocBuf::from(&spec);
        let added = self.server.sequencer.change_catalog(|catalog| {
            let collection = catalog.find_by_name(database, collection).expect("a collection").id;
            let index = catalog.next_ids().index;
            let create = Effect::CreateIndex { collection, id: index, spec: spec.clone() };
            Ok((vec![create, Effect::IndexReady { collection, index }], ()))
        });
        block_on(added).unwrap();
    }

    /// Drops a collection, past all commands.
    pub fn drop_collection(&self, database: &str, collection: &str) {
        let dropped = self.server.sequencer.change_catalog(|catalog| {
            let id = catalog.find_by_name(database, collection).expect("a collection").id;
            Ok((vec![Effect::DropCollection { id }], ()))
        });
        block_on(dropped).unwrap();
    }

    /// All documents of a collection in the order of their rows, read past all commands.
    pub fn stored(&self, database: &str, collection: &str) -> Vec<Document> {
        let view = self.server.documents.view();
        let mut found = Vec::new();
        if let Some(collection) = view.catalog().find_by_name(database, collection) {
            view.scan_rows(
                collection.id,
                &quire_documents::Range::ALL,
                quire_documents::Direction::Forward,
                &mut |_, row| {
                    found.push(row.doc.to_document());
                    std::ops::ControlFlow::Continue(())
                },
            )
            .unwrap();
        }
        found
    }
}

/// The documents of a reply's first batch.
pub fn first_batch(reply: &Document) -> Vec<Document> {
    let batch = reply.get_document("cursor").and_then(|cursor| cursor.get_array("firstBatch"));
    batch.unwrap().iter().map(|doc| doc.as_document().unwrap().clone()).collect()
}

/// A request as it comes off the wire.
pub fn request(database: &str, command: Document, sequences: &[(&str, &[Document])]) -> Request {
    flagged_request(database, command, sequences, Flags::NONE)
}

/// [`request`] with flags.
pub fn flagged_request(
    database: &str,
    mut command: Document,
    sequences: &[(&str, &[Document])],
    flags: Flags,
) -> Request {
    command.insert("$db", database);
    let body = DocBuf::from(&command);
    let owned: Vec<(&str, Vec<DocBuf>)> = sequences
        .iter()
        .map(|(name, docs)| (*name, docs.iter().map(DocBuf::from).collect()))
        .collect();
    let views: Vec<(&str, Vec<RawDoc<'_>>)> = owned
        .iter()
        .map(|(name, docs)| (*name, docs.iter().map(DocBuf::as_raw).collect()))
        .collect();
    let slices: Vec<(&str, &[RawDoc<'_>])> =
        views.iter().map(|(name, docs)| (*name, docs.as_slice())).collect();
    let mut message = Vec::new();
    MsgRequest { request_id: 1, flags, body: body.as_raw(), sequences: &slices }
        .write(&mut message);
    quire_protocol::decode(message, DecodeLimits::default()).expect("a well-formed request")
}

fn server(host: &Arc<FakeHost>, persona: Persona, replica_set: Option<Arc<ReplicaSet>>) -> Server {
    let data = Arc::new(MemoryEngine::new(KeySpace::ALL.len()));
    let documents = Arc::new(Documents::open(data).expect("an empty store"));
    let files = Arc::new(VolatileFiles::default());
    let log = SegmentLog::open(files, VOLATILE_SEGMENT_BYTES).expect("an empty log");
    let applied = Arc::new(Signal::default());
    let machine = Arc::new(Announcing::new(documents.clone(), applied.clone()));
    let history = machine.history().clone();
    let replica = match &replica_set {
        Some(set) => set::join(Arc::new(log), machine, set.clone()),
        None => Replica::open(Arc::new(log), machine, Options::default()).expect("a new replica"),
    };
    let clock: Arc<dyn Clock> = host.clone();
    let sequencer = Sequencer::new(documents.clone(), Arc::new(replica), clock, applied);
    let facts = Facts { persona, ..facts() };
    let topology = Topology::new(facts.process);
    let parameters = Parameters::of(persona);
    Server {
        documents,
        sequencer: Arc::new(sequencer),
        history,
        host: host.clone(),
        facts,
        operations: Arc::new(Operations::default()),
        cursors: Cursors::default(),
        sessions: Sessions::default(),
        checkouts: Checkouts::default(),
        failpoints: parameters.failpoints().clone(),
        parameters,
        counters: Counters::default(),
        profiling: Profiling::new(100),
        topology,
        index_builds: Default::default(),
        temporaries: Default::default(),
        ingress: Default::default(),
        script_engine: None,
        replica_set,
    }
}

fn facts() -> Facts {
    Facts {
        persona: Persona::default(),
        host: "localhost".to_owned(),
        port: 27017,
        process: ObjectId::from_bytes([1; 12]),
        process_id: 1,
        started: Instant::now(),
        started_at: SystemTime::UNIX_EPOCH,
        argv: vec!["quired".to_owned()],
        parsed: Document::new(),
        storage_engine: "inMemory",
        git_revision: "unknown",
        compressors: Vec::new(),
    }
}

impl Response {
    /// The answer that there must be.
    #[track_caller]
    pub fn answer(self) -> Answer {
        match self {
            Response::Answer(answer) => answer,
            Response::HangUp => panic!("the connection was closed"),
        }
    }
}

/// A process whose clock moves only when it is told to. Timers take their real time.
pub struct FakeHost {
    now_millis: AtomicI64,
    random: AtomicU64,
    /// What `shutdown` asked for.
    pub shutdown: Mutex<Option<ShutdownRequest>>,
    /// How often the connections of all clients were to be closed.
    pub closings: AtomicU64,
    /// What is to stay of the log after a restart.
    pub retention: Mutex<Option<Retention>>,
}

/// 2026-01-01T00:00:00Z.
const START_MILLIS: i64 = 1_767_225_600_000;

impl Default for FakeHost {
    fn default() -> FakeHost {
        FakeHost {
            now_millis: AtomicI64::new(START_MILLIS),
            random: AtomicU64::new(0),
            closings: AtomicU64::new(0),
            shutdown: Mutex::new(None),
            retention: Mutex::new(None),
        }
    }
}

impl FakeHost {
    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.now_millis.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

impl Clock for FakeHost {
    fn now_millis(&self) -> i64 {
        self.now_millis.load(Ordering::Relaxed)
    }
}

impl Host for FakeHost {
    fn now(&self) -> SystemTime {
        let millis = u64::try_from(Clock::now_millis(self)).unwrap();
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    }

    fn sleep(&self, duration: Duration) -> Waiting<'static, ()> {
        let ends = Instant::now() + duration;
        let mut started = false;
        Box::pin(std::future::poll_fn(move |cx: &mut Context<'_>| {
            let left = ends.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Poll::Ready(());
            }
            if !started {
                started = true;
                let waker = cx.waker().clone();
                std::thread::spawn(move || {
                    std::thread::sleep(left);
                    waker.wake();
                });
            }
            Poll::Pending
        }))
    }

    /// The same numbers in every run, spread over all bits.
    fn random(&self) -> u64 {
        let n = self.random.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let mixed = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9)
    }

    fn log_lines(&self, name: &str) -> Option<(Vec<String>, u64)> {
        ["global", "startupWarnings"].contains(&name).then(|| (Vec::new(), 0))
    }

    fn clear_log(&self) {}

    fn beside(&self, work: Box<dyn FnOnce() + Send>) -> Waiting<'static, ()> {
        work();
        Box::pin(std::future::ready(()))
    }

    fn keep_retention(&self, retention: Retention) -> Result<(), String> {
        *self.retention.lock() = Some(retention);
        Ok(())
    }

    fn rotate_log(&self) -> Result<(), String> {
        Ok(())
    }

    fn set_log_verbosity(&self, _level: u8) {}

    fn set_component_verbosity(&self, _path: &str, _level: Option<u8>) {}

    fn ask(&self, host: String, _command: DocBuf) -> Waiting<'static, Result<DocBuf, String>> {
        Box::pin(async move { Err(format!("nobody answers at {host}")) })
    }

    fn shut_down(&self, request: ShutdownRequest) {
        *self.shutdown.lock() = Some(request);
    }

    fn connections(&self) -> ConnectionCounts {
        ConnectionCounts::default()
    }

    fn close_connections(&self) {
        self.closings.fetch_add(1, Ordering::Relaxed);
    }

    fn network(&self) -> NetworkCounts {
        NetworkCounts::default()
    }

    fn compression(&self, _compressor: &str) -> CompressionCounts {
        CompressionCounts::default()
    }

    fn memory(&self) -> MemoryUse {
        MemoryUse::default()
    }

    fn process_use(&self) -> ProcessUse {
        ProcessUse::default()
    }

    fn disk(&self) -> Option<DiskSpace> {
        None
    }

    fn host_info(&self) -> Document {
        Document::new()
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Drives one future on this thread.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
            return value;
        }
        std::thread::park();
    }
}

#[cfg(test)]
mod tests {
    use super::Rig;
    use quire_bson::doc;

    #[test]
    fn a_command_runs_and_answers() {
        let rig = Rig::new();
        assert_eq!(rig.ok("admin", doc! {"ping": 1}), doc! {"ok": 1.0});
    }

    #[test]
    fn an_unknown_command_is_refused() {
        let refused = Rig::new().refused("admin", doc! {"nonesuch": 1});
        assert_eq!(refused, (59, "no such command: 'nonesuch'".to_owned()));
    }
}
