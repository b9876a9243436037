//! The load: connections that each send a request as soon as the last one is answered.
//!
//! Owns the threads and the clock of a window. A closed loop: the server is never asked for more than
//! one request per connection at a time, so throughput and latency are two sides of one figure. A
//! thread carries up to 32 connections; its own cost per request is measured and reported, because it
//! shares the machine with the server.

use crate::histogram::Histogram;
use crate::placement;
use crate::workloads::{Requests, StreamId, Workload};
use quire_protocol::{ClientReply, DecodeLimits, FrameBuffer, MESSAGE_BYTES_MAX};
use quire_tests::{Failure, Result};
use rustix::thread::CpuSet;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

const CONNECTIONS_PER_THREAD: usize = 32;

/// How long after the window a last reply may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is sent, to whom and for how long.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) address: SocketAddr,
    pub(crate) workload: &'static dyn Workload,
    pub(crate) connections: u16,
    /// Which window of the run this is.
    pub(crate) window: u32,
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
    /// Where the load runs, unless it is wherever the scheduler likes.
    pub(crate) processor: Option<CpuSet>,
}

/// From when to when replies count.
#[derive(Clone, Copy)]
struct Span {
    from: Instant,
    until: Instant,
}

/// Sends the load and returns the latencies of the requests answered within the window, together with
/// what `observe` saw at its beginning and its end.
pub(crate) fn drive<S>(
    plan: Plan,
    mut observe: impl FnMut() -> Result<S>,
) -> Result<(Histogram, S, S)> {
    let mut streams = Vec::new();
    for connection in 0..plan.connections {
        let stream = std::net::TcpStream::connect(plan.address)
            .map_err(Failure::during(format!("connecting to {}", plan.address)))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        streams.push((StreamId { window: plan.window, connection }, stream));
    }
    let from = Instant::now() + plan.warm_up;
    let span = Span { from, until: from + plan.measured };
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        while !streams.is_empty() {
            let share = streams.split_off(streams.len().saturating_sub(CONNECTIONS_PER_THREAD));
            threads.push(scope.spawn(move || run_thread(plan, span, share)));
        }
        sleep_until(span.from);
        let before = observe()?;
        sleep_until(span.until);
        let after = observe()?;
        let mut latencies = Histogram::new();
        for thread in threads {
            let own = thread.join().map_err(|_| Failure::new("a load thread panicked"))??;
            latencies.add(&own);
        }
        Ok((latencies, before, after))
    })
}

fn sleep_until(when: Instant) {
    std::thread::sleep(when.saturating_duration_since(Instant::now()));
}

fn run_thread(
    plan: Plan,
    span: Span,
    streams: Vec<(StreamId, std::net::TcpStream)>,
) -> Result<Histogram> {
    if let Some(processor) = &plan.processor {
        placement::place_this_thread(processor)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let latencies = Rc::new(RefCell::new(Histogram::new()));
    let all = async {
        let mut tasks = Vec::new();
        for (id, stream) in streams {
            let connection = Connection {
                stream: TcpStream::from_std(stream)?,
                frames: FrameBuffer::new(),
                requests: plan.workload.requests(id),
                workload: plan.workload,
            };
            tasks.push(tokio::task::spawn_local(connection.run(span, latencies.clone())));
        }
        for task in tasks {
            task.await.map_err(|_| Failure::new("a connection's task panicked"))??;
        }
        Ok(())
    };
    let patience = plan.warm_up + plan.measured + PATIENCE;
    let outcome: std::result::Result<Result<()>, _> = runtime
        .block_on(LocalSet::new().run_until(async { tokio::time::timeout(patience, all).await }));
    outcome.map_err(|_| Failure::new("the server stopped answering"))??;
    Ok(latencies.take())
}

struct Connection {
    stream: TcpStream,
    frames: FrameBuffer,
    requests: Box<dyn Requests>,
    workload: &'static dyn Workload,
}

impl Connection {
    async fn run(mut self, span: Span, latencies: Rc<RefCell<Histogram>>) -> Result<()> {
        let mut out = Vec::new();
        let mut request_id = 1i32;
        loop {
            out.clear();
            self.requests.write_next(request_id, &mut out);
            let sent = Instant::now();
            if sent >= span.until {
                return Ok(());
            }
            self.stream.write_all(&out).await.map_err(Failure::during("sending a request"))?;
            let message = self.receive().await?;
            let answered = Instant::now();
            self.check(message, request_id)?;
            if answered >= span.from && answered < span.until {
                latencies.borrow_mut().record(answered - sent);
            }
            request_id = request_id.checked_add(1).unwrap_or(1);
        }
    }

    async fn receive(&mut self) -> Result<Vec<u8>> {
        loop {
            let message = self.frames.next_message(MESSAGE_BYTES_MAX);
            if let Some(message) = message.map_err(|e| Failure::new(e.to_string()))? {
                return Ok(message);
            }
            let read = self.stream.read_buf(self.frames.room()).await;
            if read.map_err(Failure::during("waiting for a reply"))? == 0 {
                return Err(Failure::new("the server closed the connection"));
            }
        }
    }

    fn check(&self, message: Vec<u8>, request_id: i32) -> Result<()> {
        let reply = ClientReply::decode(message, DecodeLimits::default())
            .map_err(|fault| Failure::new(format!("no reply: {fault}")))?;
        if reply.header().response_to != request_id {
            return Err(Failure::new("a reply to another request"));
        }
        match self.workload.fault(reply.body()) {
            None => Ok(()),
            Some(fault) => Err(Failure::new(format!("{fault}: {:?}", reply.body()))),
        }
    }
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram::new()
    }
}
