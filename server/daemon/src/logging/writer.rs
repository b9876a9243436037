//! The thread that writes the log: everything that waits in one write, rotation in its turn.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::thread;

use super::file::LogFile;
use super::line;
use super::queue::{Entry, Queue};

/// Where the bytes go.
pub(super) enum Output {
    Stdout(io::Stdout),
    File(LogFile),
    #[cfg(test)]
    Memory(Arc<std::sync::Mutex<Vec<u8>>>),
}

impl Output {
    /// A line that cannot be written is lost: there is nowhere left to say so, and the server must
    /// not stop because its log's disk is full.
    fn write(&mut self, bytes: &[u8]) {
        let _ = match self {
            Output::Stdout(stdout) => stdout.write_all(bytes).and_then(|()| stdout.flush()),
            Output::File(file) => file.write(bytes),
            #[cfg(test)]
            Output::Memory(memory) => memory.lock().expect("lock").write_all(bytes),
        };
    }

    fn rotate(&mut self) -> io::Result<()> {
        match self {
            Output::Stdout(_) => Ok(()),
            Output::File(file) => file.rotate(),
            #[cfg(test)]
            Output::Memory(_) => Ok(()),
        }
    }
}

/// Starts the thread; it lives as long as the process.
pub(super) fn start(queue: Arc<Queue>, mut output: Output) -> io::Result<()> {
    thread::Builder::new().name("log".to_owned()).spawn(move || {
        let mut bytes = Vec::new();
        loop {
            write_all(&queue, &mut output, &mut bytes);
        }
    })?;
    Ok(())
}

fn write_all(queue: &Queue, output: &mut Output, bytes: &mut Vec<u8>) {
    let entries = queue.take();
    let count = entries.len();
    let mut taken = 0_usize;
    for entry in entries {
        match entry {
            Entry::Line(line) => {
                taken = taken.saturating_add(line.len());
                bytes.extend_from_slice(line.as_bytes());
                bytes.push(b'\n');
            }
            Entry::Dropped(count) => {
                bytes.extend_from_slice(line::of_dropped(count).as_bytes());
                bytes.push(b'\n');
            }
            Entry::Rotate(answer) => {
                // What was said before the rotation belongs into the old file.
                output.write(bytes);
                bytes.clear();
                // Whoever asked may have lost patience.
                let _ = answer.send(output.rotate());
            }
        }
    }
    output.write(bytes);
    bytes.clear();
    bytes.shrink_to(1 << 20);
    queue.finish(count, taken);
}
