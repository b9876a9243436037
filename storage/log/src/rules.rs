//! What every storage of the log refuses to write.

use crate::{Entry, LogError, LogIndex, Term};

/// Entries must follow each other, and the log, without a gap and without a step back in term.
pub(crate) fn check_order(
    compacted: LogIndex,
    (last, last_term): (LogIndex, Term),
    entries: &[Entry],
) -> Result<(), LogError> {
    let Some(first) = entries.first() else { return Ok(()) };
    if first.index <= compacted || first.index > last.next() {
        return Err(LogError::Io(format!(
            "entry {} cannot be written to a log that holds {} to {last}",
            first.index,
            compacted.next(),
        )));
    }
    let mut before = if first.index == last.next() { last_term } else { Term::default() };
    for (index, entry) in (first.index.0..).zip(entries) {
        if entry.index.0 != index || entry.term < before {
            return Err(LogError::Io(format!(
                "entry {} of term {} does not follow the one before it",
                entry.index, entry.term
            )));
        }
        before = entry.term;
    }
    Ok(())
}

pub(crate) fn check_committed_stays(commit: LogIndex, last: LogIndex) -> Result<(), LogError> {
    if commit > last {
        return Err(LogError::Io(format!(
            "entry {commit} is committed, so the log cannot end with entry {last}"
        )));
    }
    Ok(())
}

/// Whether the node may be given this number; `false` if it has it already.
pub(crate) fn check_identity(known: Option<u64>, identity: u64) -> Result<bool, LogError> {
    match known {
        Some(known) if known == identity => Ok(false),
        Some(known) => {
            Err(LogError::Io(format!("it is node {known}'s and cannot be {identity}'s")))
        }
        None if identity == 0 => Err(LogError::Io("no node is known by the number zero".into())),
        None => Ok(true),
    }
}

pub(crate) fn nothing_to_forget(through: LogIndex) -> LogError {
    LogError::Io(format!("entry {through}, up to which to forget, does not exist"))
}

pub(crate) fn not_reopened() -> LogError {
    LogError::Io("a change failed and the log was not reopened since".into())
}
