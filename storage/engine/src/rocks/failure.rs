//! RocksDB's errors in our terms.
//!
//! RocksDB hands over a text whose beginning is the kind and which ends in what the operating system
//! said. The kinds we tell apart are those that somebody can act upon.

use crate::EngineError;
use rocksdb::{Error, ErrorKind};

pub(super) fn explain(error: Error) -> EngineError {
    let kind = error.kind();
    classify(kind, error.into_string())
}

fn classify(kind: ErrorKind, text: String) -> EngineError {
    if text.contains("No space left on device") || text.contains("Disk quota exceeded") {
        return EngineError::NoSpace(text);
    }
    let locking = text.contains("lock hold by current process") || text.contains("While lock file");
    if locking {
        return EngineError::InUse(text);
    }
    // The manifest lists every table file, so one that is gone was taken from under us.
    let table_is_gone = text.contains("No such file or directory") && text.contains(".sst");
    if kind == ErrorKind::Corruption || table_is_gone {
        return EngineError::Corruption(text);
    }
    if text.contains("Column families not opened") {
        return EngineError::Io(format!(
            "it holds key spaces that only a newer version knows ({text})"
        ));
    }
    EngineError::Io(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart_by_what_can_be_done_about_them() {
        let cases = [
            (
                "IO error: No space left on device: While appending to file: /db/000012.log: No space left on device",
                "NoSpace",
            ),
            (
                "IO error: While fallocate offset 0 len 4194304: /db/MANIFEST-000005: Disk quota exceeded",
                "NoSpace",
            ),
            ("IO error: While lock file: /db/LOCK: Resource temporarily unavailable", "InUse"),
            (
                "IO error: lock hold by current process, acquire time 1 acquiring thread 2: /db/LOCK: No locks available",
                "InUse",
            ),
            (
                "Corruption: block checksum mismatch: stored = 1, computed = 2, type = 4  in /db/000009.sst offset 0 size 4096",
                "Corruption",
            ),
            (
                "IO error: No such file or directory: While open a file for random read: /db/000009.sst: No such file or directory",
                "Corruption",
            ),
            ("Invalid argument: Column families not opened: future", "Io"),
            ("IO error: While fsync: /db/000012.log: Input/output error", "Io"),
        ];
        for (text, expected) in cases {
            let kind = match text.split(':').next() {
                Some("Corruption") => ErrorKind::Corruption,
                Some("IO error") => ErrorKind::IOError,
                _ => ErrorKind::InvalidArgument,
            };
            let (name, shown) = match classify(kind, text.into()) {
                EngineError::NoSpace(shown) => ("NoSpace", shown),
                EngineError::Corruption(shown) => ("Corruption", shown),
                EngineError::InUse(shown) => ("InUse", shown),
                EngineError::Io(shown) => ("Io", shown),
            };
            assert_eq!(name, expected, "{text}");
            assert!(shown.contains(text), "the cause is not lost: {shown}");
        }
    }
}
