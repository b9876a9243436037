//! Having the next segment ready before it is needed.
//!
//! Owns the thread that fills new files with zeros: overwriting what is allocated and zeroed costs a
//! sync half of what extending a file does, and filling sixteen megabytes in the way of a write would
//! hold it up for as long as hundreds of writes take.

use super::files::{SegmentFile, SegmentFiles};
use crate::LogError;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

/// A file of zeros and its number.
pub(super) type Prepared = (u64, Arc<dyn SegmentFile>);

pub(super) struct Preparer {
    shared: Arc<Shared>,
    segment_bytes: u64,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    files: Arc<dyn SegmentFiles>,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    next: u64,
    ready: Option<Result<Prepared, io::Error>>,
    /// Files that are needed no more.
    useless: VecDeque<u64>,
    ended: bool,
}

impl Preparer {
    /// Begins to prepare files from the number `next` on; one may be there.
    pub(super) fn start(
        files: Arc<dyn SegmentFiles>,
        spare: Option<Prepared>,
        next: u64,
        segment_bytes: u64,
    ) -> io::Result<Preparer> {
        let state = State { next, ready: spare.map(Ok), useless: VecDeque::new(), ended: false };
        let shared = Arc::new(Shared { files, state: Mutex::new(state), changed: Condvar::new() });
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("log files".to_owned())
            .spawn(move || for_thread.run(segment_bytes))?;
        Ok(Preparer { shared, segment_bytes, thread: Some(thread) })
    }

    /// A file of at least so many bytes, whose number is greater than any that was taken before; waits
    /// for it if need be.
    pub(super) fn take(&self, bytes: u64) -> Result<Prepared, LogError> {
        let mut state = self.shared.state.lock();
        if matches!(state.ready, Some(Err(_))) {
            // That was some time ago, and there may be room by now.
            state.ready = None;
            self.shared.changed.notify_all();
        }
        loop {
            match state.ready.take() {
                Some(ready) if bytes <= self.segment_bytes => {
                    drop(state);
                    self.shared.changed.notify_all();
                    return ready.map_err(none_to_be_had);
                }
                // It stays there until its number is passed over, so that no other is prepared.
                Some(too_small) => {
                    state.ready = Some(too_small);
                    break;
                }
                None => self.shared.changed.wait(&mut state),
            }
        }
        drop(state);
        let number = self.shared.number();
        let great = self.shared.files.create(number, bytes).map_err(none_to_be_had)?;
        let passed_over = self.shared.state.lock().ready.take();
        self.discard(passed_over.and_then(Result::ok).map(|(number, _)| number));
        Ok((number, great))
    }

    /// Removes a file now.
    pub(super) fn give_up(&self, number: u64) {
        // As below.
        let _ = self.shared.files.remove(number);
    }

    /// Files that are to be removed when there is time.
    pub(super) fn discard(&self, useless: impl IntoIterator<Item = u64>) {
        self.shared.state.lock().useless.extend(useless);
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn number(&self) -> u64 {
        let mut state = self.state.lock();
        state.next += 1;
        state.next - 1
    }

    /// Somebody may be waiting for the next file, and nobody does for one to be removed.
    fn run(&self, segment_bytes: u64) {
        while let Some(task) = self.next_task() {
            match task {
                Task::Prepare(number) => {
                    let mut file = self.files.create(number, segment_bytes);
                    if file.is_err() && self.remove_all() {
                        file = self.files.create(number, segment_bytes);
                    }
                    self.state.lock().ready = Some(file.map(|file| (number, file)));
                    self.changed.notify_all();
                }
                Task::Remove(number) => self.remove(number),
            }
        }
    }

    fn remove(&self, number: u64) {
        // What stays is found and removed at the next start.
        let _ = self.files.remove(number);
    }

    /// Makes room; `false` if there is nothing to be removed.
    fn remove_all(&self) -> bool {
        let useless = std::mem::take(&mut self.state.lock().useless);
        useless.iter().for_each(|number| self.remove(*number));
        !useless.is_empty()
    }

    fn next_task(&self) -> Option<Task> {
        let mut state = self.state.lock();
        loop {
            if state.ended {
                return None;
            }
            if state.ready.is_none() {
                state.next += 1;
                return Some(Task::Prepare(state.next - 1));
            }
            if let Some(number) = state.useless.pop_front() {
                return Some(Task::Remove(number));
            }
            self.changed.wait(&mut state);
        }
    }
}

enum Task {
    Prepare(u64),
    Remove(u64),
}

/// Why there is no file to write to. Descriptors come back as space does, so it is the same for whoever
/// waits for one.
fn none_to_be_had(error: io::Error) -> LogError {
    use rustix::io::Errno;
    match Errno::from_io_error(&error) {
        Some(Errno::MFILE | Errno::NFILE) => LogError::NoSpace(error.to_string()),
        _ => error.into(),
    }
}

impl Drop for Preparer {
    fn drop(&mut self) {
        self.shared.state.lock().ended = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
