//! The load: connections that each send a request as soon as the last one is answered.
//!
//! Owns the threads and the clock of a window. A closed loop: the server is never asked for more than
//! one request per connection at a time, so throughput and latency are two sides of one figure. A
//! thread carries up to 32 connections; its own cost per request is measured and reported, because it
//! shares the machine with the server. Requests are written before their clock starts and checked
//! after it has stopped.

mod driver;
mod etcd;
mod op_msg;
pub(crate) mod postgres;

use crate::action::{Action, Actions};
use crate::histogram::Histogram;
use crate::op_msg::Concern;
use crate::placement;
use crate::stream::Stream;
use crate::target::{Language, Target};
use crate::workloads::Workload;
use quire_tests::{Failure, Result};
use rustix::thread::CpuSet;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use tokio::task::LocalSet;

const CONNECTIONS_PER_THREAD: usize = 32;

/// How long connecting, or a last reply, may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is sent, to whom and for how long.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) target: Target,
    pub(crate) workload: &'static Workload,
    pub(crate) connections: u16,
    /// Which window of the run this is.
    pub(crate) window: u32,
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
    /// Where the load runs, unless it is wherever the scheduler likes.
    pub(crate) processor: Option<CpuSet>,
}

impl Plan {
    fn stream(&self, connection: u16) -> Stream {
        Stream { window: self.window, connection, store: self.target.store.clone() }
    }

    fn concern(&self) -> Concern {
        if self.workload.members > 1 { Concern::Majority } else { Concern::Journalled }
    }
}

/// From when to when replies count.
#[derive(Clone, Copy)]
struct Span {
    from: Instant,
    until: Instant,
}

/// What a window gave.
pub(crate) struct Driven<S> {
    pub(crate) latencies: Histogram,
    pub(crate) took: Duration,
    pub(crate) before: S,
    pub(crate) after: S,
}

/// Sends the load and returns the latencies of the requests answered within the window, together with
/// what `observe` saw at its beginning and its end.
pub(crate) fn drive<S>(plan: &Plan, mut observe: impl FnMut() -> Result<S>) -> Result<Driven<S>> {
    let numbers: Vec<u16> = (0..plan.connections).collect();
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        let (is_ready, ready) = channel();
        let mut starts: Vec<Sender<Span>> = Vec::new();
        for share in numbers.chunks(CONNECTIONS_PER_THREAD) {
            let (start, started) = channel();
            starts.push(start);
            let is_ready = is_ready.clone();
            threads.push(scope.spawn(move || run_thread(plan, share, is_ready, &started)));
        }
        drop(is_ready);
        // A thread that fails says so by its end; the others end when nobody starts them.
        let all_ready = ready.iter().take(threads.len()).count() == threads.len();
        let from = Instant::now() + plan.warm_up;
        let span = Span { from, until: from + plan.measured };
        if all_ready {
            starts.iter().for_each(|start| {
                let _ = start.send(span);
            });
        }
        let observed = all_ready.then(|| {
            sleep_until(span.from);
            let before = observe()?;
            sleep_until(span.until);
            Ok((before, observe()?))
        });
        // Now connections may be closed: with them a process of theirs would end unobserved.
        drop(starts);
        let mut latencies = Histogram::new();
        let mut last_answer = span.until;
        for thread in threads {
            let own = thread.join().map_err(|_| Failure::new("a load thread panicked"))??;
            latencies.add(&own.latencies);
            last_answer = last_answer.max(own.last_answer);
        }
        let (before, after) =
            observed.unwrap_or_else(|| Err(Failure::new("the load did not begin")))?;
        // Requests longer than the window are counted to their end, and so is their time.
        Ok(Driven { latencies, took: last_answer - span.from, before, after })
    })
}

fn sleep_until(when: Instant) {
    std::thread::sleep(when.saturating_duration_since(Instant::now()));
}

/// What one thread has seen.
struct Seen {
    latencies: Histogram,
    /// When the last of the requests was answered that were counted.
    last_answer: Instant,
}

fn run_thread(
    plan: &Plan,
    numbers: &[u16],
    is_ready: Sender<()>,
    started: &Receiver<Span>,
) -> Result<Seen> {
    if let Some(processor) = &plan.processor {
        placement::place_this_thread(processor)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    let connections = async {
        let client = match plan.target.language {
            Language::Driver => Some(driver::client(plan, numbers.len()).await?),
            _ => None,
        };
        let mut connections = Vec::new();
        for number in numbers {
            connections.push(Connection::open(plan, *number, client.as_ref()).await?);
        }
        Ok::<_, Failure>(connections)
    };
    // The clock is the runtime's, so it is asked inside of it.
    let opened = async { tokio::time::timeout(PATIENCE, connections).await };
    let opened = runtime.block_on(local.run_until(opened));
    let connections = opened.map_err(|_| Failure::new("connecting took too long"))??;
    // Nobody listens any more when another thread has failed.
    let _ = is_ready.send(());
    drop(is_ready);
    let span = started.recv().map_err(|_| Failure::new("another connection failed"))?;
    let seen = Rc::new(RefCell::new(Seen { latencies: Histogram::new(), last_answer: span.until }));
    let all = async {
        let run = |connection: Connection| connection.run(span, seen.clone());
        let tasks: Vec<_> =
            connections.into_iter().map(|c| tokio::task::spawn_local(run(c))).collect();
        let mut open = Vec::new();
        for task in tasks {
            open.push(task.await.map_err(|_| Failure::new("a connection's task panicked"))??);
        }
        Ok::<_, Failure>(open)
    };
    let patience = plan.warm_up + plan.measured + PATIENCE;
    let outcome = async { tokio::time::timeout(patience, all).await };
    let outcome = runtime.block_on(local.run_until(outcome));
    let open = outcome.map_err(|_| Failure::new("the server stopped answering"))??;
    // Nothing more is sent: this waits for the other end to be dropped.
    let _ = started.recv();
    drop(open);
    let seen = seen.replace(Seen { latencies: Histogram::new(), last_answer: span.until });
    Ok(seen)
}

/// One connection in its server's language.
enum Link {
    OpMsg(op_msg::Link),
    Driver(driver::Link),
    Postgres(Box<postgres::Link>),
    Etcd(etcd::Link),
}

struct Connection {
    link: Link,
    actions: Box<dyn Actions>,
}

impl Connection {
    async fn open(
        plan: &Plan,
        number: u16,
        client: Option<&mongodb::Client>,
    ) -> Result<Connection> {
        let stream = plan.stream(number);
        let actions = (plan.workload.actions)(stream.clone());
        let address = plan.target.address;
        let link = match (plan.target.language, client) {
            (Language::Postgres, _) => {
                Link::Postgres(Box::new(postgres::Link::open(address, stream).await?))
            }
            (Language::Etcd, _) => Link::Etcd(etcd::Link::open(address, stream).await?),
            (Language::Driver, Some(client)) => {
                Link::Driver(driver::Link::new(client, stream, plan.concern()))
            }
            _ => Link::OpMsg(op_msg::Link::open(address, stream, plan.concern()).await?),
        };
        Ok(Connection { link, actions })
    }

    /// Gives itself back when the window is over, still open.
    async fn run(mut self, span: Span, seen: Rc<RefCell<Seen>>) -> Result<Connection> {
        loop {
            // Before the request is made: what is made is sent, so that no `_id` is left out.
            if Instant::now() >= span.until {
                return Ok(self);
            }
            let action = self.actions.next();
            self.prepare(action).await?;
            let sent = Instant::now();
            self.exchange().await?;
            let answered = Instant::now();
            self.check(action)?;
            // A request that was sent within the window may be answered behind it.
            if answered >= span.from && sent < span.until {
                let mut seen = seen.borrow_mut();
                seen.latencies.record(answered - sent);
                seen.last_answer = seen.last_answer.max(answered);
            }
        }
    }

    async fn prepare(&mut self, action: Action) -> Result<()> {
        match &mut self.link {
            Link::OpMsg(link) => link.prepare(action),
            Link::Driver(link) => link.prepare(action)?,
            Link::Postgres(link) => link.prepare(action).await?,
            Link::Etcd(link) => link.prepare(action)?,
        }
        Ok(())
    }

    async fn exchange(&mut self) -> Result<()> {
        match &mut self.link {
            Link::OpMsg(link) => link.exchange().await,
            Link::Driver(link) => link.exchange().await,
            Link::Postgres(link) => link.exchange().await,
            Link::Etcd(link) => link.exchange().await,
        }
    }

    fn check(&mut self, action: Action) -> Result<()> {
        match &mut self.link {
            Link::OpMsg(link) => link.check(action),
            Link::Driver(link) => link.check(action),
            Link::Postgres(link) => link.check(action),
            // An answer of etcd is checked where it is read.
            Link::Etcd(_) => Ok(()),
        }
    }
}
