//! Deleting documents whose time is up.
//!
//! Owns one pass over one TTL index: the entries with a date that is old enough name the rows to
//! delete, and each row is looked at again as the next writer would see it, because the date may have
//! been moved meanwhile. An array expires by its earliest date, which its entries give by themselves.

use crate::wait::give_way;
use crate::{Change, CurrentRow, Refusal, Sequencer, Verdict, Watch, local_failure};
use quire_bson::RawValue;
use quire_documents::{
    Collection, CollectionId, Direction, FieldOrder, Index, IndexId, IndexPlace, IndexState, Range,
    encode_field, keys_of,
};
use quire_errors::Result;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

/// Documents that are deleted together.
const CHUNK: usize = 200;

/// Deletes what has expired by any index at `now_millis`; gives the number of documents.
pub async fn delete_expired(
    sequencer: &Sequencer,
    now_millis: i64,
    watch: &dyn Watch,
) -> Result<u64> {
    let mut deleted = 0u64;
    for collection in sequencer.documents().catalog().collections() {
        for index in collection.indexes.iter().filter(|index| is_expiring(index)) {
            let pass = Pass { sequencer, collection: collection.id, index: index.id, now_millis };
            deleted = deleted.saturating_add(pass.run(watch).await?);
        }
    }
    Ok(deleted)
}

fn is_expiring(index: &Index) -> bool {
    index.state == IndexState::Ready
        && index.place == IndexPlace::Entries
        && index.spec.expire_after_seconds.is_some()
        && index.spec.fields.len() == 1
}

/// The rows that some entries name, and the last of those entries.
struct Named {
    row_keys: Vec<Vec<u8>>,
    last: Option<Vec<u8>>,
}

struct Pass<'a> {
    sequencer: &'a Sequencer,
    collection: CollectionId,
    index: IndexId,
    now_millis: i64,
}

impl Pass<'_> {
    async fn run(&self, watch: &dyn Watch) -> Result<u64> {
        let mut deleted = 0u64;
        let mut after: Option<Vec<u8>> = None;
        loop {
            watch.check()?;
            // The index may be changed or dropped between two turns.
            let Some((collection, index)) = self.find() else { return Ok(deleted) };
            let Some(expired) = expired_range(&index, self.now_millis) else { return Ok(deleted) };
            let found = self.read(&index, &expired, after.take())?;
            let Some(last) = found.last else { return Ok(deleted) };
            after = Some(last);
            let row_keys = found.row_keys;
            deleted =
                deleted.saturating_add(self.delete(&collection, &index, &expired, row_keys).await?);
            give_way().await;
        }
    }

    fn find(&self) -> Option<(Arc<Collection>, Arc<Index>)> {
        let catalog = self.sequencer.documents().catalog();
        let collection = catalog.collection(self.collection)?;
        let index = collection.index(self.index).filter(|index| is_expiring(index))?;
        Some((collection.clone(), index.clone()))
    }

    fn read(&self, index: &Index, expired: &Range, after: Option<Vec<u8>>) -> Result<Named> {
        let mut rest = expired.clone();
        if let Some(after) = after {
            rest.lower = Bound::Excluded(after);
        }
        let mut row_keys: Vec<Vec<u8>> = Vec::new();
        let mut last = None;
        let view = self.sequencer.documents().view();
        view.scan_index(index, &rest, Direction::Forward, &mut |fields, row_key| {
            if !row_keys.iter().any(|seen| seen == row_key) {
                row_keys.push(row_key.to_vec());
            }
            last = Some([fields, row_key].concat());
            let full = row_keys.len() >= CHUNK;
            if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .map_err(local_failure)?;
        Ok(Named { row_keys, last })
    }

    async fn delete(
        &self,
        collection: &Collection,
        index: &Index,
        expired: &Range,
        row_keys: Vec<Vec<u8>>,
    ) -> Result<u64> {
        let mut changes = Vec::new();
        for row_key in row_keys {
            if let Some(seen) = self.sequencer.current(collection, &row_key)?
                && self.is_expired(collection, index, expired, &seen)?
            {
                changes.push(Change::Delete { row_key, seen });
            }
        }
        if changes.is_empty() {
            return Ok(0);
        }
        match self.sequencer.sequence(collection, changes, false) {
            Ok(sequenced) => {
                let verdicts = sequenced.committed(self.sequencer).await?.unwrap_or_default();
                let accepted = verdicts.iter().filter(|v| matches!(v, Verdict::Accepted));
                Ok(accepted.count() as u64)
            }
            // What is skipped now is found again by the next pass.
            Err(Refusal::CatalogChanged) => Ok(0),
            Err(Refusal::CatalogBusy { generation }) => {
                self.sequencer.applied_signal().changed_since(generation).await;
                Ok(0)
            }
            Err(Refusal::Error(error)) => Err(error),
        }
    }

    fn is_expired(
        &self,
        collection: &Collection,
        index: &Index,
        expired: &Range,
        row: &CurrentRow,
    ) -> Result<bool> {
        let doc = row.doc.as_raw();
        if index.spec.partial_filter.is_some()
            && !self.sequencer.rules(collection)?.partial_of(doc)?.contains(&index.id)
        {
            return Ok(false);
        }
        let Ok(keys) = keys_of(index, doc) else { return Ok(false) };
        Ok(keys.iter().any(|key| contains(expired, key)))
    }
}

fn contains(range: &Range, key: &[u8]) -> bool {
    let above = match &range.lower {
        Bound::Included(lower) => lower.as_slice() <= key,
        Bound::Excluded(lower) => lower.as_slice() < key,
        Bound::Unbounded => true,
    };
    let below = match &range.upper {
        Bound::Included(upper) => key <= upper.as_slice(),
        Bound::Excluded(upper) => key < upper.as_slice(),
        Bound::Unbounded => true,
    };
    above && below
}

/// The entries whose date is old enough.
fn expired_range(index: &Index, now_millis: i64) -> Option<Range> {
    let seconds = index.spec.expire_after_seconds?;
    let order = index.spec.fields.first()?.order;
    let threshold = now_millis.saturating_sub(seconds.saturating_mul(1000));
    let key = |millis: i64| {
        let mut key = Vec::new();
        encode_field(&mut key, order, RawValue::DateTime(millis));
        key
    };
    let (first, last) = match order {
        FieldOrder::Ascending | FieldOrder::Hashed => (i64::MIN, threshold),
        FieldOrder::Descending => (threshold, i64::MIN),
        FieldOrder::Special => return None,
    };
    let upper = Range::of_prefix(&key(last)).upper;
    Some(Range { lower: Bound::Included(key(first)), upper })
}
