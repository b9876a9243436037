//! What `bulkWrite` tells.
//!
//! Owns one document for each operation that is told of, the counts over all operations, and how many
//! bytes of results are kept.

use super::request::{Action, Operation};
use quire_bson::{DocBuf, DocBuilder, RawDoc};
use quire_errors::{Code, CommandError};
use quire_execution::writes::Updated;

/// The bytes of results that a command may have; operations behind are not carried out.
const RESULT_BYTES_MAX: usize = 100 << 20;

/// Of which operations there are results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    Every,
    Failed,
    None,
}

impl Detail {
    pub fn of(errors_only: bool, unacknowledged: bool) -> Detail {
        match (unacknowledged, errors_only) {
            (true, _) => Detail::None,
            (false, true) => Detail::Failed,
            (false, false) => Detail::Every,
        }
    }
}

/// What the operations did together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    errors: u64,
    inserted: u64,
    matched: u64,
    modified: u64,
    upserted: u64,
    deleted: u64,
}

impl Counts {
    pub fn append(&self, reply: &mut DocBuilder) {
        for (name, n) in [
            ("nErrors", self.errors),
            ("nInserted", self.inserted),
            ("nMatched", self.matched),
            ("nModified", self.modified),
            ("nUpserted", self.upserted),
            ("nDeleted", self.deleted),
        ] {
            reply.append_i32(name, shown(n));
        }
    }
}

fn shown(n: u64) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// What became of the operations so far.
pub struct Results {
    detail: Detail,
    documents: Vec<DocBuf>,
    bytes: usize,
    counts: Counts,
}

impl Results {
    pub fn new(detail: Detail) -> Results {
        Results { detail, documents: Vec::new(), bytes: 0, counts: Counts::default() }
    }

    pub fn have_failed(&self) -> bool {
        self.counts.errors > 0
    }

    /// True when there is no room for more results: the operation fails, and it is the last one.
    pub fn refuse_more(&mut self, position: usize, operation: &Operation<'_>) -> bool {
        if self.bytes < RESULT_BYTES_MAX {
            return false;
        }
        let message = format!("BulkWrite response size exceeded limit ({RESULT_BYTES_MAX} bytes)");
        let error = CommandError::new(Code::ExceededMemoryLimit, message);
        self.failed(position, operation, &error);
        true
    }

    pub fn inserted(&mut self, position: usize) {
        self.counts.inserted = self.counts.inserted.saturating_add(1);
        self.succeeded(position, |result| _ = result.append_i32("n", 1));
    }

    pub fn updated(&mut self, position: usize, updated: &Updated) {
        let counts = &mut self.counts;
        let upserted = u64::from(updated.upserted.is_some());
        counts.matched = counts.matched.saturating_add(updated.matched);
        counts.modified = counts.modified.saturating_add(updated.modified);
        counts.upserted = counts.upserted.saturating_add(upserted);
        self.succeeded(position, |result| {
            result.append_i32("n", shown(updated.matched.saturating_add(upserted)));
            result.append_i32("nModified", shown(updated.modified));
            if let Some(id) = &updated.upserted {
                result.append_with("upserted", |upserted| _ = upserted.append_bson("_id", id));
            }
        });
    }

    pub fn deleted(&mut self, position: usize, n: u64) {
        self.counts.deleted = self.counts.deleted.saturating_add(n);
        self.succeeded(position, |result| _ = result.append_i32("n", shown(n)));
    }

    pub fn failed(&mut self, position: usize, operation: &Operation<'_>, error: &CommandError) {
        self.counts.errors = self.counts.errors.saturating_add(1);
        if self.detail == Detail::None {
            return;
        }
        self.add(0.0, position, |result| {
            result.append_i32("code", error.code().number());
            result.append_str("errmsg", error.message());
            for element in RawDoc::from_validated(error.extra()) {
                result.append_element(element);
            }
            result.append_i32("n", 0);
            if matches!(operation.action, Action::Update(_)) {
                result.append_i32("nModified", 0);
            }
        });
    }

    fn succeeded(&mut self, position: usize, fill: impl FnOnce(&mut DocBuilder)) {
        if self.detail == Detail::Every {
            self.add(1.0, position, fill);
        }
    }

    fn add(&mut self, ok: f64, position: usize, fill: impl FnOnce(&mut DocBuilder)) {
        let mut result = DocBuilder::new();
        result.append_f64("ok", ok);
        result.append_i32("idx", shown(position as u64));
        fill(&mut result);
        let result = result.finish();
        self.bytes = self.bytes.saturating_add(result.as_bytes().len());
        self.documents.push(result);
    }

    /// The results in the order of their operations, and the counts.
    pub fn finish(self) -> (Vec<DocBuf>, Counts) {
        (self.documents, self.counts)
    }
}
