//! What a forced configuration makes this member give up, kept beside the data.
//!
//! Owns the files: one for each time it happens, BSON documents one after the other, each an entry
//! with its position, its term, its time, and what it would have done.

use parking_lot::Mutex;
use quire_bson::{Bson, DocBuf, doc};
use quire_consensus::Keeper;
use quire_log::{Entry, EntryKind, LogIndex};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Where files of what was given up go, under the data directory.
const FOLDER: &str = "discarded";

pub(crate) struct Discarded {
    folder: PathBuf,
    open: Mutex<Option<(File, LogIndex)>>,
}

impl Discarded {
    pub(crate) fn beside(data: &Path) -> Discarded {
        Discarded { folder: data.join(FOLDER), open: Mutex::new(None) }
    }

    fn write(&self, entries: &[Entry]) -> io::Result<()> {
        let Some(first) = entries.first() else { return Ok(()) };
        let mut open = self.open.lock();
        let follows = open.as_ref().is_some_and(|(_, last)| last.next() == first.index);
        if !follows {
            *open = Some((self.create(first.index)?, first.index));
        }
        let Some((file, last)) = open.as_mut() else { return Ok(()) };
        for entry in entries {
            file.write_all(document(entry).as_bytes())?;
            *last = entry.index;
        }
        file.sync_all()
    }

    fn create(&self, first: LogIndex) -> io::Result<File> {
        std::fs::create_dir_all(&self.folder)?;
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let path = self.folder.join(format!("{}-entries-from-{first}.bson", since.as_millis()));
        tracing::warn!(
            target: "REPL",
            id = 7_200_060,
            file = %path.display(),
            "Entries of the log are given up; they are kept in a file"
        );
        OpenOptions::new().create(true).append(true).open(path)
    }
}

fn document(entry: &Entry) -> DocBuf {
    let kind = match entry.kind {
        EntryKind::TermStart => "termStart",
        EntryKind::Effects => "effects",
        EntryKind::Configuration => "configuration",
    };
    let number = |n: u64| Bson::Int64(i64::try_from(n).unwrap_or(i64::MAX));
    let time = (entry.timestamp.seconds(), entry.timestamp.increment());
    DocBuf::from(&doc! {
        "index": number(entry.index.0),
        "term": number(entry.term.0),
        "ts": quire_bson::Timestamp { time: time.0, increment: time.1 },
        "kind": kind,
        "payload": quire_bson::Binary {
            subtype: quire_bson::BinarySubtype::Generic,
            bytes: entry.payload.to_vec(),
        },
    })
}

impl Keeper for Discarded {
    fn keep(&self, entries: &[Entry]) {
        if let Err(error) = self.write(entries) {
            tracing::error!(
                target: "REPL",
                id = 7_200_061,
                error = %error,
                "Entries that are given up could not be kept"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quire_log::{Term, Timestamp};

    fn entry(index: u64) -> Entry {
        Entry {
            index: LogIndex(index),
            term: Term(2),
            timestamp: Timestamp::new(7, 1),
            kind: EntryKind::Effects,
            payload: vec![1, 2, 3].into(),
        }
    }

    #[test]
    fn what_belongs_together_is_in_one_file() {
        let root = std::env::temp_dir().join(format!("quire-discarded-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&root);
        let discarded = Discarded::beside(&root);
        discarded.keep(&[entry(4), entry(5)]);
        discarded.keep(&[entry(6)]);
        let files: Vec<_> = std::fs::read_dir(root.join(FOLDER)).unwrap().collect();
        assert_eq!(files.len(), 1);
        let bytes = std::fs::read(files[0].as_ref().unwrap().path()).unwrap();
        assert_eq!(bytes.len(), 3 * document(&entry(4)).as_bytes().len());
        std::fs::remove_dir_all(&root).unwrap();
    }
}
