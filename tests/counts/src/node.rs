//! A server in this process: memory engines, no sockets.
//!
//! Owns the way of a request from its bytes to those of its reply, as the daemon has it.

use crate::host::StillHost;
use quire_bson::ObjectId;
use quire_commands::{
    Checkouts, Client, Counters, Cursors, Facts, Operations, Parameters, Persona, Profiling,
    Response, Server, Sessions, Topology, run,
};
use quire_consensus::{Options, Replica};
use quire_documents::Documents;
use quire_engine::MemoryEngine;
use quire_execution::wait::Signal;
use quire_execution::{Announcing, Sequencer};
use quire_keys::KeySpace;
use quire_log::{SegmentLog, VOLATILE_SEGMENT_BYTES, VolatileFiles};
use quire_protocol::{DecodeLimits, MESSAGE_BYTES_MAX, OpenReply, decode};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant, SystemTime};

pub(crate) struct Node {
    server: Arc<Server>,
    client: Arc<Client>,
    reply: Vec<u8>,
}

impl Node {
    pub(crate) fn new() -> Result<Node, String> {
        let data = Arc::new(MemoryEngine::new(KeySpace::ALL.len()));
        let documents = Arc::new(Documents::open(data).map_err(text)?);
        let files = Arc::new(VolatileFiles::default());
        let log = SegmentLog::open(files, VOLATILE_SEGMENT_BYTES).map_err(text)?;
        let applied = Arc::new(Signal::default());
        let machine = Arc::new(Announcing::new(documents.clone(), applied.clone()));
        let history = machine.history().clone();
        // However slow the counting makes it: the same thread does the same work in every run.
        let options = Options { inline_sync_max: Duration::MAX, ..Options::default() };
        let replica = Replica::open(Arc::new(log), machine, options).map_err(text)?;
        let host = Arc::new(StillHost);
        let sequencer = Sequencer::new(documents.clone(), Arc::new(replica), host.clone(), applied);
        let persona = Persona::default();
        let facts = facts(persona);
        let topology = Topology::new(facts.process);
        let parameters = Parameters::of(persona);
        let server = Server {
            documents,
            sequencer: Arc::new(sequencer),
            history,
            host,
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
            replica_set: None,
        };
        let client = Arc::new(Client::new(1, None));
        Ok(Node { server: Arc::new(server), client, reply: Vec::new() })
    }

    /// Decodes a request, runs it and encodes the reply.
    pub(crate) fn answer(&mut self, message: &[u8]) -> Result<&[u8], String> {
        let request = decode(message.to_vec(), DecodeLimits::default())
            .map_err(|rejected| format!("{rejected:?}"))?;
        // Pinned where it is made: it is large, and a move would count as a copy of all of it.
        let response = drive(pin!(run(&self.server, &self.client, &request)));
        let Response::Answer(answer) = response else { return Err("no answer".to_owned()) };
        self.reply.clear();
        let open = OpenReply::begin(&mut self.reply, request.reply_to(), 1, answer.more);
        self.reply.extend_from_slice(answer.body.as_bytes());
        open.finish(&mut self.reply, MESSAGE_BYTES_MAX).map_err(|_| "too large".to_owned())?;
        Ok(&self.reply)
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn facts(persona: Persona) -> Facts {
    Facts {
        persona,
        host: "localhost".to_owned(),
        port: 27017,
        process: ObjectId::from_bytes([1; 12]),
        process_id: 1,
        started: Instant::now(),
        started_at: SystemTime::UNIX_EPOCH,
        argv: Vec::new(),
        parsed: quire_bson::Document::new(),
        storage_engine: "inMemory",
        git_revision: "unknown",
        compressors: Vec::new(),
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Drives one future on this thread.
fn drive<T>(mut future: Pin<&mut impl Future<Output = T>>) -> T {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::park();
    }
}
