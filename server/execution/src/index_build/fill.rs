//! Walking the rows of a collection for its new indexes.

use super::building;
use crate::wait::give_way;
use crate::{Sequencer, Slice, Watch, key_error, local_failure};
use quire_documents::{
    Collection, CollectionId, Direction, Effect, Index, IndexId, Range, ReadView, Row, keys_of,
};
use quire_errors::{CommandError, Result};
use quire_log::Timestamp;
use std::ops::{Bound, ControlFlow};

/// Rows in one entry of the log.
const CHUNK_ROWS: usize = 500;

/// The fill phase of a build.
pub(super) struct Filling<'a> {
    sequencer: &'a Sequencer,
    collection: CollectionId,
    indexes: &'a [IndexId],
    watch: &'a dyn Watch,
    /// Where the next turn goes on.
    rest: Range,
}

/// What one turn found.
struct Chunk {
    /// The rows that belong into each index, in the order of the indexes.
    members: Vec<Vec<(Vec<u8>, Timestamp)>>,
    /// A document that an index cannot hold, if it still is what was read.
    unindexable: Option<(Vec<u8>, Timestamp, CommandError)>,
    last: Option<Vec<u8>>,
    rows: usize,
    ended: bool,
}

impl<'a> Filling<'a> {
    pub(super) fn new(
        sequencer: &'a Sequencer,
        collection: CollectionId,
        indexes: &'a [IndexId],
        watch: &'a dyn Watch,
    ) -> Filling<'a> {
        Filling { sequencer, collection, indexes, watch, rest: Range::ALL }
    }

    pub(super) async fn run(mut self) -> Result<()> {
        loop {
            self.watch.check()?;
            let chunk = self.read()?;
            let (ended, unindexable) = (chunk.ended, chunk.unindexable.clone());
            let last = chunk.last.clone();
            self.log(chunk).await?;
            if let Some((row_key, revision, error)) = unindexable {
                self.check_unindexable(&row_key, revision, error).await?;
            }
            if ended {
                return Ok(());
            }
            if let Some(last) = last {
                self.rest.lower = Bound::Excluded(last);
            }
            give_way().await;
        }
    }

    /// Reads rows for one turn.
    fn read(&self) -> Result<Chunk> {
        let (collection, indexes) = building(self.sequencer, self.collection, self.indexes)?;
        let view = self.sequencer.documents().view();
        let mut chunk = Chunk {
            members: indexes.iter().map(|_| Vec::new()).collect(),
            unindexable: None,
            last: None,
            rows: 0,
            ended: true,
        };
        let failure = self.read_rows(&view, &collection, &indexes, &mut chunk)?;
        self.watch.examined(0, chunk.rows as u64);
        failure.map_or(Ok(chunk), Err)
    }

    fn read_rows(
        &self,
        view: &ReadView,
        collection: &Collection,
        indexes: &[std::sync::Arc<Index>],
        chunk: &mut Chunk,
    ) -> Result<Option<CommandError>> {
        let rules = self.sequencer.rules(collection)?;
        let mut slice = Slice::begin();
        let mut failure = None;
        view.scan_rows(self.collection, &self.rest, Direction::Forward, &mut |row_key, row| {
            match rules.partial_of(row.doc) {
                Ok(partial) => chunk.add(indexes, &partial, row_key, row),
                Err(error) => failure = Some(error),
            }
            let stop = failure.is_some()
                || chunk.unindexable.is_some()
                || chunk.rows >= CHUNK_ROWS
                || slice.is_over();
            if !stop {
                return ControlFlow::Continue(());
            }
            chunk.ended = false;
            chunk.last = Some(row_key.to_vec());
            ControlFlow::Break(())
        })
        .map_err(local_failure)?;
        Ok(failure)
    }

    /// Has the rows of a turn indexed.
    async fn log(&self, chunk: Chunk) -> Result<()> {
        let members = self.indexes.iter().zip(chunk.members);
        let effects: Vec<Effect> = members
            .filter(|(_, rows)| !rows.is_empty())
            .map(|(index, rows)| Effect::IndexRows {
                collection: self.collection,
                index: *index,
                rows,
            })
            .collect();
        if effects.is_empty() { Ok(()) } else { self.sequencer.append(effects).await }
    }

    /// Fails the build unless the document was written again since it was read: then its writer
    /// answered for it.
    async fn check_unindexable(
        &self,
        row_key: &[u8],
        revision: Timestamp,
        error: CommandError,
    ) -> Result<()> {
        // What is still queued may be lost, and then the document stays what it is.
        self.sequencer.caught_up().await;
        let (collection, _) = building(self.sequencer, self.collection, self.indexes)?;
        let mut unchanged = false;
        let live = self.sequencer.documents().live();
        live.get_row(collection.id, row_key, &mut |row| unchanged = row.revision == revision)
            .map_err(local_failure)?;
        if unchanged {
            let context = format!("Index build failed: Collection {}", collection.namespace);
            return Err(error.context(&context));
        }
        Ok(())
    }
}

impl Chunk {
    fn add(
        &mut self,
        indexes: &[std::sync::Arc<Index>],
        partial: &[IndexId],
        row_key: &[u8],
        row: Row<'_>,
    ) {
        self.rows += 1;
        for (index, members) in indexes.iter().zip(&mut self.members) {
            if index.spec.partial_filter.is_some() && !partial.contains(&index.id) {
                continue;
            }
            match keys_of(index, row.doc) {
                Ok(keys) if keys.is_empty() => {}
                Ok(_) => members.push((row_key.to_vec(), row.revision)),
                Err(error) => {
                    let error = key_error(&error);
                    self.unindexable = Some((row_key.to_vec(), row.revision, error));
                }
            }
        }
    }
}
