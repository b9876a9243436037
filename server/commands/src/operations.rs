//! What is running right now, and stopping it.
//!
//! Owns the registry behind `currentOp` and `killOp`, and the [`Operation`] through which a running
//! command learns that it should stop: its time is up, somebody killed it, its client went away, or
//! the server is going down.

use crate::client::Client;
use crate::handshake::MONITORING;
use parking_lot::Mutex;
use quire_bson::{Bson, DocBuf};
use quire_errors::{Code, CommandError, Result};
use std::collections::BTreeMap;
use std::sync::atomic::{
    AtomicBool, AtomicI32, AtomicI64, AtomicU8, AtomicU64, AtomicUsize, Ordering,
};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use quire_execution::Watch;
use quire_execution::wait::Signal;

/// Why an operation was told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Stop {
    Killed = 1,
    ClientGone = 2,
    ShuttingDown = 3,
    CursorKilled = 4,
    /// This member is not primary any more.
    SteppedDown = 5,
}

/// One command while it runs.
#[derive(Debug)]
pub struct Operation {
    pub id: i32,
    pub client: Arc<Client>,
    pub command: &'static str,
    pub is_write: bool,
    pub namespace: String,
    pub body: DocBuf,
    pub comment: Option<Bson>,
    pub lsid: Option<DocBuf>,
    pub started: Instant,
    pub started_millis: i64,
    deadline: OnceLock<Instant>,
    stopped: AtomicU8,
    stop_signal: Signal,
    hangs_up: AtomicBool,
    wrote: AtomicBool,
    /// Another member carries it out.
    is_elsewhere: AtomicBool,
    /// Figures for the profiler, slow-operation lines and `currentOp`.
    pub figures: Figures,
}

/// What an operation has examined and done so far.
#[derive(Debug, Default)]
pub struct Figures {
    pub keys_examined: AtomicU64,
    pub docs_examined: AtomicU64,
    pub returned: AtomicU64,
    pub matched: AtomicU64,
    pub modified: AtomicU64,
    pub inserted: AtomicU64,
    pub deleted: AtomicU64,
    pub cursor: AtomicI64,
    pub plan: Mutex<Option<String>>,
}

impl Operation {
    /// Fails when the operation has to stop. Cheap enough to be asked for every few documents.
    pub fn check(&self) -> Result<()> {
        if let Some(error) = self.stop_error() {
            return Err(error);
        }
        match self.deadline.get() {
            Some(deadline) if Instant::now() >= *deadline => {
                Err(CommandError::new(Code::MaxTimeMSExpired, "operation exceeded time limit"))
            }
            _ => Ok(()),
        }
    }

    fn stop_error(&self) -> Option<CommandError> {
        let (code, message) = match self.stopped.load(Ordering::Relaxed) {
            0 => return None,
            x if x == Stop::ClientGone as u8 => {
                (Code::ClientDisconnect, "operation was interrupted because a client disconnected")
            }
            x if x == Stop::ShuttingDown as u8 => {
                (Code::InterruptedAtShutdown, "interrupted at shutdown")
            }
            x if x == Stop::SteppedDown as u8 => {
                (Code::InterruptedDueToReplStateChange, "operation was interrupted")
            }
            x if x == Stop::CursorKilled as u8 => (Code::CursorKilled, "cursor killed"),
            _ => (Code::Interrupted, "operation was interrupted"),
        };
        Some(CommandError::new(code, message))
    }

    /// Tells the operation to stop, even if it waits; the first reason counts.
    pub fn stop(&self, reason: Stop) {
        self.stop_between_steps(reason);
        self.stop_signal.notify();
    }

    /// Tells the operation not to begin anything more. What it waits for now, such as a commit, may
    /// still come.
    fn stop_between_steps(&self, reason: Stop) {
        let _ =
            self.stopped.compare_exchange(0, reason as u8, Ordering::Relaxed, Ordering::Relaxed);
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) != 0
    }

    /// Completes when the operation was told to stop.
    pub async fn stopped(&self) {
        self.stop_signal.changed_since(0).await;
    }

    /// Closes the connection instead of answering, whatever the command comes to.
    pub fn hang_up(&self) {
        self.hangs_up.store(true, Ordering::Relaxed);
    }

    pub fn hangs_up(&self) -> bool {
        self.hangs_up.load(Ordering::Relaxed)
    }

    /// Whether anything of it went into the log.
    pub fn wrote(&self) -> bool {
        self.wrote.load(Ordering::Relaxed)
    }

    /// Another member carries it out: whatever becomes of this one is nothing to it.
    pub fn hand_on(&self) {
        self.is_elsewhere.store(true, Ordering::Relaxed);
    }

    /// Whether it writes here.
    fn is_write_here(&self) -> bool {
        self.is_write && !self.is_elsewhere.load(Ordering::Relaxed)
    }

    /// The time left, when there is a limit.
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline.get().map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Sets a time limit from now on, unless there is one.
    pub fn limit_to(&self, limit: Duration) {
        if let Some(deadline) = Instant::now().checked_add(limit) {
            let _ = self.deadline.set(deadline);
        }
    }
}

impl Watch for Operation {
    fn check(&self) -> Result<()> {
        Operation::check(self)
    }

    fn examined(&self, keys: u64, docs: u64) {
        self.figures.keys_examined.fetch_add(keys, Ordering::Relaxed);
        self.figures.docs_examined.fetch_add(docs, Ordering::Relaxed);
    }

    fn wrote(&self) {
        self.wrote.store(true, Ordering::Relaxed);
    }
}

/// What a new operation is registered with.
pub struct NewOperation {
    pub client: Arc<Client>,
    pub command: &'static str,
    pub is_write: bool,
    pub namespace: String,
    pub body: DocBuf,
    pub comment: Option<Bson>,
    pub lsid: Option<DocBuf>,
    pub started_millis: i64,
}

/// All running operations.
#[derive(Debug, Default)]
pub struct Operations {
    next: AtomicI32,
    running: Mutex<BTreeMap<i32, Arc<Operation>>>,
    /// Those who wait for operations to end; only for them the signal rings.
    waiting: AtomicUsize,
    ended: Signal,
}

impl Operations {
    /// Registers an operation for as long as the guard lives.
    pub fn begin(self: &Arc<Self>, new: NewOperation) -> Running {
        let id = self.next.fetch_add(1, Ordering::Relaxed) & i32::MAX;
        let started = Instant::now();
        let operation = Arc::new(Operation {
            id,
            client: new.client,
            command: new.command,
            is_write: new.is_write,
            namespace: new.namespace,
            body: new.body,
            comment: new.comment,
            lsid: new.lsid,
            started,
            started_millis: new.started_millis,
            deadline: OnceLock::new(),
            stopped: AtomicU8::new(0),
            stop_signal: Signal::default(),
            hangs_up: AtomicBool::new(false),
            wrote: AtomicBool::new(false),
            is_elsewhere: AtomicBool::new(false),
            figures: Figures::default(),
        });
        self.running.lock().insert(id, operation.clone());
        if operation.client.has_left() {
            operation.stop(Stop::ClientGone);
        }
        Running { operations: self.clone(), operation }
    }

    pub fn list(&self) -> Vec<Arc<Operation>> {
        self.running.lock().values().cloned().collect()
    }

    pub fn find(&self, id: i32) -> Option<Arc<Operation>> {
        self.running.lock().get(&id).cloned()
    }

    pub fn count(&self) -> usize {
        self.running.lock().len()
    }

    /// How many there are beside those of monitors, which wait for as long as there is a server.
    pub fn count_at_work(&self) -> usize {
        let running = self.running.lock();
        running.values().filter(|operation| !MONITORING.contains(&operation.command)).count()
    }

    /// Waits until an operation is over.
    pub async fn end_of(&self, id: i32) {
        let _waiting = Waiting::among(&self.waiting);
        loop {
            let seen = self.ended.generation();
            if self.find(id).is_none() {
                return;
            }
            self.ended.changed_since(seen).await;
        }
    }

    /// Ends writes, since this member takes none any more; reads and cursors go on. While it still
    /// leads, what is in the log may be committed and is worth waiting for: a client that is told
    /// otherwise would only send it again.
    pub fn stop_writes(&self, still_leads: bool) {
        for operation in self.list().iter().filter(|operation| operation.is_write_here()) {
            match still_leads {
                true => operation.stop_between_steps(Stop::SteppedDown),
                false => operation.stop(Stop::SteppedDown),
            }
        }
    }

    /// Tells the operations of a client that went away to stop, those it is just beginning included.
    pub fn client_left(&self, client: &Client) {
        client.leave();
        for operation in self.list().iter().filter(|operation| operation.client.id == client.id) {
            operation.stop(Stop::ClientGone);
        }
    }

    /// Tells every operation to stop.
    pub fn stop_all(&self, reason: Stop) {
        for operation in self.list() {
            operation.stop(reason);
        }
    }
}

/// Keeps an operation registered.
pub struct Running {
    operations: Arc<Operations>,
    pub operation: Arc<Operation>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.operations.running.lock().remove(&self.operation.id);
        if self.operations.waiting.load(Ordering::SeqCst) > 0 {
            self.operations.ended.notify();
        }
    }
}

/// Counts somebody who waits for as long as he does.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn among(count: &'a AtomicUsize) -> Waiting<'a> {
        count.fetch_add(1, Ordering::SeqCst);
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::{NewOperation, Operation, Operations, Running};
    use crate::client::Client;
    use quire_bson::DocBuf;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Waker};

    fn begin(operations: &Arc<Operations>, is_write: bool) -> Running {
        operations.begin(NewOperation {
            client: Arc::new(Client::new(1, None)),
            command: "any",
            is_write,
            namespace: "db.c".to_owned(),
            body: DocBuf::new(),
            comment: None,
            lsid: None,
            started_millis: 0,
        })
    }

    /// Whether what it waits for is cut off, and the code with which it stops by itself.
    fn stopped(operation: &Operation) -> (bool, Option<i32>) {
        let mut cx = Context::from_waker(Waker::noop());
        let is_cut_off = pin!(operation.stopped()).as_mut().poll(&mut cx).is_ready();
        (is_cut_off, operation.check().err().map(|error| error.code().number()))
    }

    #[test]
    fn a_write_that_waits_for_its_commit_is_cut_off_only_once_another_leads() {
        let operations = Arc::new(Operations::default());
        let (write, read) = (begin(&operations, true), begin(&operations, false));
        assert_eq!(stopped(&write.operation), (false, None));
        operations.stop_writes(true);
        assert_eq!(stopped(&write.operation), (false, Some(11602)));
        operations.stop_writes(false);
        assert_eq!(stopped(&write.operation), (true, Some(11602)));
        assert_eq!(stopped(&read.operation), (false, None));
    }

    #[test]
    fn a_write_that_another_member_carries_out_goes_on_whatever_this_one_is() {
        let operations = Arc::new(Operations::default());
        let write = begin(&operations, true);
        write.operation.hand_on();
        operations.stop_writes(false);
        assert_eq!(stopped(&write.operation), (false, None));
    }
}
