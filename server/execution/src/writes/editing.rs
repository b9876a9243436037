//! Carrying an edit through races.
//!
//! Owns what happens between finding a row and having its change in the log. A candidate's edit is
//! evaluated over the row as it was found; when the sequencer says that somebody was quicker, the row
//! is read again, pending writes included, and the edit evaluated anew.

use super::selection::{Search, Selection};
use super::submit::{Put, put};
use super::{Backlog, Found, Writer};
use crate::scan::{self, find_again};
use crate::wait::give_way;
use crate::{Change, CurrentRow, Rules, Slice, Verdict};
use quire_bson::DocBuf;
use quire_documents::Collection;
use quire_errors::Result;
use std::collections::VecDeque;
use std::sync::Arc;

/// Rows and bytes that one entry of the log carries at most.
const CHUNK_ROWS_MAX: usize = 256;
const CHUNK_BYTES_MAX: usize = 1 << 20;
const ENTRY_BYTES_MAX: usize = 4 << 20;

/// What becomes of a row.
pub(super) enum Edit {
    /// The statement does not mean it, or not any more.
    Unmatched,
    /// It already is what the statement asks for.
    Unchanged,
    Replace(DocBuf),
    Delete,
}

/// Decides what becomes of a row.
pub(super) trait Editor: Send + Sync {
    /// `matched` says that this version of the row is known to match the filter.
    fn edit(
        &self,
        collection: &Collection,
        rules: &Rules,
        row: &CurrentRow,
        matched: bool,
    ) -> Result<Edit>;
}

/// A row that was edited.
#[derive(Debug)]
pub(super) struct Edited {
    pub(super) before: Arc<DocBuf>,
    /// The row as it is now; `None` when it was deleted.
    pub(super) after: Option<Arc<DocBuf>>,
    pub(super) modified: bool,
}

/// How many rows were meant, and how many of them were changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) matched: u64,
    pub(super) modified: u64,
}

/// What came of trying to edit one row.
enum Attempt {
    Done(Edited),
    Unmatched,
    Replan,
}

/// Edits the first row that the selection means. `None` when there is none.
pub(super) async fn edit_one(
    writer: &Writer<'_>,
    selection: &Selection,
    editor: &dyn Editor,
) -> Result<Option<Edited>> {
    loop {
        let Some(collection) = writer.collection()? else { return Ok(None) };
        let attempt = match selection.only_row(&collection) {
            Some(row_key) => edit_by_key(writer, &collection, row_key, editor).await?,
            None => edit_first(writer, selection, editor).await?,
        };
        match attempt {
            Attempt::Done(edited) => return Ok(Some(edited)),
            Attempt::Unmatched => return Ok(None),
            Attempt::Replan => writer.watch.check()?,
        }
    }
}

async fn edit_by_key(
    writer: &Writer<'_>,
    collection: &Collection,
    row_key: &[u8],
    editor: &dyn Editor,
) -> Result<Attempt> {
    let Some(row) = writer.sequencer.current(collection, row_key)? else {
        return Ok(Attempt::Unmatched);
    };
    writer.watch.examined(1, 1);
    attempt(writer, collection, row_key.to_vec(), row, false, editor).await
}

async fn edit_first(
    writer: &Writer<'_>,
    selection: &Selection,
    editor: &dyn Editor,
) -> Result<Attempt> {
    let Some((mut search, collection)) = Search::begin(writer, selection, true).await? else {
        return Ok(Attempt::Unmatched);
    };
    let collection = collection.as_ref();
    if search.is_sorted() {
        while let Some(found) = search.next(writer.watch).await? {
            match attempt_found(writer, collection, found, editor).await? {
                Attempt::Unmatched => {}
                settled => return Ok(settled),
            }
        }
        return Ok(Attempt::Unmatched);
    }
    let Some(first) = search.first_by(&selection.sort, writer.watch).await? else {
        return Ok(Attempt::Unmatched);
    };
    drop(search);
    match attempt_found(writer, collection, first, editor).await? {
        Attempt::Unmatched => {
            // Another row is the first now. The one that took it away must be seen by the next search.
            writer.sequencer.caught_up().await;
            Ok(Attempt::Replan)
        }
        settled => Ok(settled),
    }
}

async fn attempt_found(
    writer: &Writer<'_>,
    collection: &Collection,
    found: scan::Found,
    editor: &dyn Editor,
) -> Result<Attempt> {
    let row = CurrentRow { revision: found.revision, doc: Arc::new(found.doc) };
    attempt(writer, collection, found.row_key, row, true, editor).await
}

/// Edits one row, again and again until no other writer comes in between.
async fn attempt(
    writer: &Writer<'_>,
    collection: &Collection,
    row_key: Vec<u8>,
    mut row: CurrentRow,
    mut matched: bool,
    editor: &dyn Editor,
) -> Result<Attempt> {
    let sequencer = writer.sequencer;
    let rules = sequencer.rules(collection)?;
    loop {
        let edit = editor.edit(collection, &rules, &row, matched)?;
        let (change, after) = match edit {
            Edit::Unmatched => return Ok(Attempt::Unmatched),
            Edit::Unchanged => {
                if !writer.certain(row.revision).await {
                    return Ok(Attempt::Replan);
                }
                let after = Some(row.doc.clone());
                return Ok(Attempt::Done(Edited { before: row.doc, after, modified: false }));
            }
            Edit::Replace(doc) => {
                let doc = Arc::new(doc);
                (replace(&rules, row_key.clone(), row.clone(), doc.clone())?, Some(doc))
            }
            Edit::Delete => (Change::Delete { row_key: row_key.clone(), seen: row.clone() }, None),
        };
        let recording = match &writer.numbering {
            Some(numbering) => Some(numbering.change(&Found {
                before: Some(row.doc.clone()),
                after: after.clone(),
                modified: true,
                upserted: None,
            })?),
            None => None,
        };
        let put = put(writer, collection, vec![change], true, recording).await?;
        let Put::Done(verdicts) = put else { return Ok(Attempt::Replan) };
        match verdicts.into_iter().next() {
            Some(Verdict::Accepted) => {
                return Ok(Attempt::Done(Edited { before: row.doc, after, modified: true }));
            }
            Some(Verdict::Duplicate(error) | Verdict::Unindexable(error)) => return Err(error),
            Some(Verdict::Stale | Verdict::Skipped) | None => {}
        }
        writer.watch.check()?;
        match sequencer.current(collection, &row_key)? {
            Some(newer) => (row, matched) = (newer, false),
            None => return Ok(Attempt::Unmatched),
        }
    }
}

fn replace(rules: &Rules, row_key: Vec<u8>, seen: CurrentRow, doc: Arc<DocBuf>) -> Result<Change> {
    let partial = rules.partial_of(doc.as_raw())?;
    Ok(Change::Replace { row_key, seen, doc, partial })
}

/// Edits every row that the selection means, a chunk at a time.
pub(super) async fn edit_all(
    writer: &Writer<'_>,
    selection: &Selection,
    editor: &dyn Editor,
) -> Result<Tally> {
    let Some(collection) = writer.collection()? else { return Ok(Tally::default()) };
    if selection.only_row(&collection).is_some() {
        let edited = edit_one(writer, selection, editor).await?;
        let modified = edited.as_ref().is_some_and(|edited| edited.modified);
        let matched = u64::from(edited.is_some());
        return Ok(Tally { matched, modified: u64::from(modified) });
    }
    let own = Backlog::default();
    let backlog = writer.backlog.unwrap_or(&own);
    let Some((search, collection)) = Search::begin(writer, selection, false).await? else {
        return Ok(Tally::default());
    };
    let writer = Writer { backlog: Some(backlog), more_follows: true, ..*writer };
    let all = EditAll { writer: &writer, collection, editor, tally: Tally::default() };
    let tally = all.run(search).await;
    backlog.settle_within(writer.sequencer, writer.patience).await?;
    tally
}

/// A row to edit, and whether it is known to match.
struct Candidate {
    row_key: Vec<u8>,
    row: CurrentRow,
    matched: bool,
}

async fn next_chunk(search: &mut Search, writer: &Writer<'_>) -> Result<VecDeque<Candidate>> {
    let mut chunk = VecDeque::new();
    let mut bytes = 0usize;
    while chunk.len() < CHUNK_ROWS_MAX && bytes < CHUNK_BYTES_MAX {
        let Some(found) = search.next(writer.watch).await? else { break };
        bytes = bytes.saturating_add(found.doc.as_bytes().len());
        let row = CurrentRow { revision: found.revision, doc: Arc::new(found.doc) };
        chunk.push_back(Candidate { row_key: found.row_key, row, matched: true });
    }
    Ok(chunk)
}

/// A statement over many rows on its way.
struct EditAll<'a, 'w> {
    writer: &'a Writer<'w>,
    collection: Arc<Collection>,
    editor: &'a dyn Editor,
    tally: Tally,
}

impl EditAll<'_, '_> {
    /// Edits what the search finds, a chunk at a time.
    async fn run(mut self, mut search: Search) -> Result<Tally> {
        loop {
            let chunk = next_chunk(&mut search, self.writer).await?;
            if chunk.is_empty() {
                return Ok(self.tally);
            }
            self.edit_chunk(chunk).await?;
            self.writer.watch.check()?;
        }
    }

    /// Edits the rows of a chunk in their order. An edit that fails ends the statement, but what
    /// stands before it is written.
    async fn edit_chunk(&mut self, mut chunk: VecDeque<Candidate>) -> Result<()> {
        let mut failed = None;
        while !chunk.is_empty() {
            let mut candidates = Vec::new();
            let mut changes = Vec::new();
            if let Err(error) = self.evaluate(&mut chunk, &mut candidates, &mut changes) {
                // Rows behind it are left alone; those before it may still have to be tried again.
                chunk.clear();
                failed = Some(error);
            }
            for candidate in self.submit(candidates, changes).await?.into_iter().rev() {
                chunk.push_front(candidate);
            }
            if !chunk.is_empty() {
                self.writer.watch.check()?;
                give_way().await;
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Evaluates candidates until an entry of the log is full or the turn on the thread is over.
    fn evaluate(
        &mut self,
        chunk: &mut VecDeque<Candidate>,
        candidates: &mut Vec<Candidate>,
        changes: &mut Vec<Change>,
    ) -> Result<()> {
        let rules = self.writer.sequencer.rules(&self.collection)?;
        let mut bytes = 0usize;
        let mut slice = Slice::begin();
        while bytes < ENTRY_BYTES_MAX
            && !slice.is_over()
            && let Some(candidate) = chunk.pop_front()
        {
            let Candidate { row_key, row, matched } = &candidate;
            let change = match self.editor.edit(&self.collection, &rules, row, *matched)? {
                Edit::Unmatched => continue,
                Edit::Unchanged => {
                    self.tally.matched += 1;
                    continue;
                }
                Edit::Replace(doc) => {
                    bytes = bytes.saturating_add(doc.as_bytes().len());
                    replace(&rules, row_key.clone(), row.clone(), Arc::new(doc))?
                }
                Edit::Delete => Change::Delete { row_key: row_key.clone(), seen: row.clone() },
            };
            changes.push(change);
            candidates.push(candidate);
        }
        Ok(())
    }

    /// Puts changes in order; gives back the candidates that must be evaluated again.
    async fn submit(
        &mut self,
        candidates: Vec<Candidate>,
        changes: Vec<Change>,
    ) -> Result<VecDeque<Candidate>> {
        if changes.is_empty() {
            return Ok(VecDeque::new());
        }
        let sequencer = self.writer.sequencer;
        let Put::Done(verdicts) = put(self.writer, &self.collection, changes, true, None).await?
        else {
            self.collection = self.altered_collection()?;
            return Ok(candidates.into());
        };
        let mut again = VecDeque::new();
        for (candidate, verdict) in candidates.into_iter().zip(verdicts) {
            match verdict {
                Verdict::Accepted => {
                    self.tally.matched += 1;
                    self.tally.modified += 1;
                }
                Verdict::Duplicate(error) | Verdict::Unindexable(error) => return Err(error),
                Verdict::Skipped => again.push_back(candidate),
                Verdict::Stale => {
                    if let Some(row) = sequencer.current(&self.collection, &candidate.row_key)? {
                        again.push_back(Candidate { row, matched: false, ..candidate });
                    }
                }
            }
        }
        Ok(again)
    }

    /// The same collection under the newest catalogue.
    fn altered_collection(&self) -> Result<Arc<Collection>> {
        let catalog = self.writer.sequencer.documents().catalog();
        let Collection { id, namespace, uuid, .. } = self.collection.as_ref();
        find_again(&catalog, *id, namespace, *uuid).cloned()
    }
}
