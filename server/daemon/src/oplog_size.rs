//! How much of its log this process keeps, from one start to the next.
//!
//! Owns the file beside the data that remembers it, and what holds when there is none: what the
//! settings say, else a part of the free disk, as MongoDB has it. A size that was chosen once stays
//! until somebody changes it by command; the least time is what was said last. A file that cannot be
//! read is left as it is, for somebody who can, until there is such a command.

use crate::machine;
use quire_bson::{DocBuf, Limits, RawDoc, RawValue, doc};
use quire_config::Oplog;
use quire_consensus::Retention;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

const FILE: &str = "oplog.bson";
const NEW_FILE: &str = "oplog.bson.new";

const MEGABYTE: u64 = 1 << 20;

/// The part of the free disk, and its bounds.
const DISK_PARTS: u64 = 20;
const LEAST_BYTES: u64 = 990 * MEGABYTE;
const MOST_BYTES: u64 = 50 << 30;

/// Where nothing is on disk, the log takes memory.
const IN_MEMORY_BYTES: u64 = 50 * MEGABYTE;

/// What the file says.
enum Kept {
    Nothing,
    Size { bytes: u64, seconds: u64 },
    Unreadable,
}

/// What this process keeps of its log; `data` is where its data is, if that is on disk.
pub(crate) fn decide(asked: &Oplog, data: Option<&Path>) -> Retention {
    let kept = data.map_or(Kept::Nothing, read);
    let (kept_bytes, kept_seconds) = match kept {
        Kept::Size { bytes, seconds } => (Some(bytes), seconds),
        Kept::Nothing | Kept::Unreadable => (None, 0),
    };
    let asked_bytes = asked.size_mb.map(|megabytes| u64::from(megabytes) * MEGABYTE);
    if let (Some(kept), Some(asked)) = (kept_bytes, asked_bytes)
        && kept != asked
    {
        tracing::warn!(
            target: "REPL",
            id = 7_200_070,
            keptBytes = kept,
            askedBytes = asked,
            "The oplog has a size already, which stays; replSetResizeOplog changes it"
        );
    }
    let bytes = kept_bytes.or(asked_bytes).unwrap_or_else(|| usual(data));
    let seconds = asked.min_retention_seconds.unwrap_or(kept_seconds);
    let is_new = match kept {
        Kept::Nothing => true,
        Kept::Size { bytes: was, seconds: were } => (was, were) != (bytes, seconds),
        Kept::Unreadable => false,
    };
    if let Some(data) = data.filter(|_| is_new)
        && let Err(error) = write(data, bytes, seconds)
    {
        tracing::warn!(
            target: "REPL",
            id = 7_200_071,
            error = %error,
            "The size of the oplog could not be kept for the next start"
        );
    }
    Retention::Size { bytes, seconds }
}

/// Keeps what a command asks for.
pub(crate) fn keep(data: &Path, retention: Retention) -> io::Result<()> {
    match retention {
        Retention::Size { bytes, seconds } => write(data, bytes, seconds),
        Retention::Entries(_) => Ok(()),
    }
}

fn usual(data: Option<&Path>) -> u64 {
    let Some(data) = data else { return IN_MEMORY_BYTES };
    let free = machine::disk(data).map_or(0, |space| space.free);
    (free / DISK_PARTS).clamp(LEAST_BYTES, MOST_BYTES)
}

fn read(data: &Path) -> Kept {
    let path = data.join(FILE);
    let why = match std::fs::read(&path) {
        Ok(bytes) => {
            let valid = quire_bson::validate(&bytes, Limits::default());
            match valid.ok().and_then(understand) {
                Some((bytes, seconds)) => return Kept::Size { bytes, seconds },
                None => "it does not say what it should".to_owned(),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Kept::Nothing,
        Err(error) => error.to_string(),
    };
    tracing::warn!(
        target: "REPL",
        id = 7_200_072,
        file = %path.display(),
        reason = why,
        "The size of the oplog that was kept cannot be read; it is decided anew for this run, and the \
         file stays as it is until replSetResizeOplog"
    );
    Kept::Unreadable
}

fn understand(kept: RawDoc<'_>) -> Option<(u64, u64)> {
    let number = |name| match kept.get(name) {
        Some(RawValue::Int64(n)) => u64::try_from(n).ok(),
        _ => None,
    };
    Some((number("bytes")?, number("minRetentionSeconds")?))
}

/// Whole or not at all, and there after a power cut.
fn write(data: &Path, bytes: u64, seconds: u64) -> io::Result<()> {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let kept = doc! { "bytes": number(bytes), "minRetentionSeconds": number(seconds) };
    let new = data.join(NEW_FILE);
    let mut file = File::create(&new)?;
    file.write_all(DocBuf::from(&kept).as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, data.join(FILE))?;
    File::open(data)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::{FILE, LEAST_BYTES, MEGABYTE, MOST_BYTES, decide, keep};
    use quire_config::Oplog;
    use quire_consensus::Retention;

    fn asked(size_mb: Option<u32>, min_retention_seconds: Option<u64>) -> Oplog {
        Oplog { size_mb, min_retention_seconds }
    }

    #[test]
    fn a_size_that_was_chosen_stays_until_it_is_changed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let decide = |size, seconds| match decide(&asked(size, seconds), Some(path)) {
            Retention::Size { bytes, seconds } => (bytes / MEGABYTE, seconds),
            Retention::Entries(_) => panic!("nobody asks for entries"),
        };
        assert_eq!(decide(Some(40), Some(60)), (40, 60));
        assert_eq!(decide(Some(80), None), (40, 60), "the first word on the size counts");
        assert_eq!(decide(None, Some(5)), (40, 5), "the last word on the time counts");
        keep(path, Retention::Size { bytes: 2_000 * MEGABYTE, seconds: 7 }).unwrap();
        assert_eq!(decide(None, None), (2_000, 7));
    }

    #[test]
    fn a_file_that_cannot_be_read_counts_for_nothing_and_stays_until_there_is_a_new_size() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let of = |bytes, seconds| Retention::Size { bytes: bytes * MEGABYTE, seconds };
        std::fs::write(path.join(FILE), b"?").unwrap();
        for _ in 0..2 {
            assert_eq!(decide(&asked(Some(50), Some(9)), Some(path)), of(50, 9));
            assert_eq!(std::fs::read(path.join(FILE)).unwrap(), b"?");
        }
        keep(path, of(60, 3)).unwrap();
        assert_eq!(decide(&asked(Some(50), None), Some(path)), of(60, 3));
        // Nor is one that only this process, or this moment, cannot read.
        std::fs::remove_file(path.join(FILE)).unwrap();
        std::fs::create_dir(path.join(FILE)).unwrap();
        assert_eq!(decide(&asked(Some(50), None), Some(path)), of(50, 0));
        assert!(path.join(FILE).is_dir());
    }

    #[test]
    fn an_oplog_that_nobody_sizes_takes_a_part_of_the_disk() {
        let directory = tempfile::tempdir().unwrap();
        let first = decide(&asked(None, None), Some(directory.path()));
        let Retention::Size { bytes, seconds: 0 } = first else { panic!("{first:?}") };
        assert!((LEAST_BYTES..=MOST_BYTES).contains(&bytes), "{bytes}");
        assert_eq!(decide(&asked(None, None), Some(directory.path())), first);
        assert_eq!(
            decide(&asked(None, None), None),
            Retention::Size { bytes: 50 << 20, seconds: 0 }
        );
    }
}
