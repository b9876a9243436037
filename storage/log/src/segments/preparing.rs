//! Having the next segment ready before it is needed.
//!
//! Owns the thread that fills new files with zeros: overwriting what is allocated and zeroed costs a
//! sync half of what extending a file does, and filling sixteen megabytes in the way of a write would
//! hold it up for as long as hundreds of writes take.

use super::files::{SegmentFile, SegmentFiles};
use crate::LogError;
use parking_lot::{Condvar, Mutex};
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
    useless: Vec<u64>,
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
        let state = State { next, ready: spare.map(Ok), useless: Vec::new(), ended: false };
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
                    return Ok(ready?);
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
        let great = self.shared.files.create(number, bytes)?;
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

    fn run(&self, segment_bytes: u64) {
        loop {
            let useless = {
                let mut state = self.state.lock();
                while state.ready.is_some() && state.useless.is_empty() && !state.ended {
                    self.changed.wait(&mut state);
                }
                if state.ended {
                    return;
                }
                std::mem::take(&mut state.useless)
            };
            for number in useless {
                // What stays is found and removed at the next start.
                let _ = self.files.remove(number);
            }
            if self.state.lock().ready.is_none() {
                let number = self.number();
                let file = self.files.create(number, segment_bytes);
                self.state.lock().ready = Some(file.map(|file| (number, file)));
                self.changed.notify_all();
            }
        }
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
