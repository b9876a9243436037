//! What a process says, line by line, while it runs.
//!
//! Owns the waiting for a line: it ends with the line, with the stream, or with our patience.

use crate::PATIENCE;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Lines shown when a test fails.
const LAST_LINES: usize = 40;

/// The lines of one stream so far.
#[derive(Clone, Default)]
pub struct Log {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<String>,
    ended: bool,
}

impl Log {
    /// Reads a stream to its end on a thread of its own.
    pub(crate) fn follow(stream: impl Read + Send + 'static) -> Log {
        let log = Log::default();
        let writer = log.clone();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                writer.state().lines.push(text);
                writer.shared.changed.notify_all();
                line.clear();
            }
            writer.state().ended = true;
            writer.shared.changed.notify_all();
        });
        log
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every line so far.
    pub fn lines(&self) -> Vec<String> {
        self.state().lines.clone()
    }

    /// How many lines there are so far.
    pub fn len(&self) -> usize {
        self.state().lines.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The last lines, for a message of failure.
    pub fn tail(&self) -> String {
        let state = self.state();
        let from = state.lines.len().saturating_sub(LAST_LINES);
        state.lines.iter().skip(from).map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    /// Waits for the end of the stream.
    ///
    /// # Panics
    /// When it does not come.
    pub fn wait_for_end(&self) {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.state();
        while !state.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the process does not close its output");
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The first JSON line with this id, among the lines from number `from` on, or `None` when the
    /// stream ends without one.
    ///
    /// # Panics
    /// When neither happens.
    pub fn wait_for(&self, id: i64, from: usize) -> Option<Value> {
        let deadline = Instant::now() + PATIENCE;
        let mark = format!("\"id\":{id},");
        let mut state = self.state();
        let mut next = from;
        loop {
            let found = state.lines.iter().skip(next).find(|line| line.contains(&mark));
            if let Some(line) = found {
                return Some(parse(line));
            }
            if state.ended {
                return None;
            }
            next = state.lines.len().max(from);
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(state);
                panic!("no line with id {id} was logged:\n{}", self.tail());
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// A line of the log as JSON, which every line must be.
fn parse(line: &str) -> Value {
    match serde_json::from_str(line) {
        Ok(value) => value,
        Err(error) => panic!("not a JSON line ({error}): {line}"),
    }
}
