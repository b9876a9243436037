//! Which documents a statement means, and searching them.
//!
//! Owns the short way to a document named by its `_id`, and the search over everything else: one
//! snapshot for the whole statement, so that no document comes up twice because it was changed, given
//! out a turn at a time. A candidate is only that: whoever edits it looks at the row again.

use super::Writer;
use crate::{Choice, Found, Hint, Hit, Scan, Slice, Watch, Wish, choose_as_wished};
use quire_bson::{RawDoc, RawValue};
use quire_documents::{Collection, Layout, ReadView, id_row_key};
use quire_errors::Result;
use quire_query::filter::{Filter, is_operator_document};
use quire_query::pipeline::{Flow, Stopped};
use quire_query::sort::SortPattern;
use quire_query::{Constants, ValueOrder};
use std::collections::VecDeque;
use std::sync::Arc;

/// The documents a statement means.
#[derive(Debug)]
pub struct Selection {
    pub(super) filter: Arc<Filter>,
    pub(super) sort: SortPattern,
    hint: Option<Hint>,
    /// The key of the only row that can match, where rows are keyed by `_id`.
    row_key: Option<Vec<u8>>,
}

impl Selection {
    pub fn parse(
        filter: RawDoc<'_>,
        sort: Option<RawDoc<'_>>,
        hint: Option<RawValue<'_>>,
        constants: &Arc<Constants>,
    ) -> Result<Selection> {
        let hint = hint.map(Hint::parse).transpose()?.flatten();
        Ok(Selection {
            filter: Arc::new(Filter::parse_query(filter, constants)?),
            sort: match sort {
                Some(sort) => SortPattern::parse(sort, &constants.order)?,
                None => SortPattern::default(),
            },
            // Who gives a hint wants it checked.
            row_key: if hint.is_none() { pinned_row(filter, &constants.order) } else { None },
            hint,
        })
    }

    pub fn filter(&self) -> &Arc<Filter> {
        &self.filter
    }

    /// The key of the only row of this collection that can match, if the filter tells it.
    pub(super) fn only_row(&self, collection: &Collection) -> Option<&[u8]> {
        if collection.layout == Layout::ById { self.row_key.as_deref() } else { None }
    }
}

/// The row key that an equality on `_id` pins. By a collation, strings equal more than themselves.
fn pinned_row(filter: RawDoc<'_>, order: &ValueOrder) -> Option<Vec<u8>> {
    let value = match filter.get("_id")? {
        RawValue::Document(operators) if is_operator_document(operators) => {
            let mut elements = operators.iter();
            let only = elements.next().filter(|element| element.key_bytes() == b"$eq")?;
            if elements.next().is_some() {
                return None;
            }
            only.value()
        }
        value => value,
    };
    // Regular expressions are patterns, and an array equals more than itself.
    let plain = !matches!(value, RawValue::Regex { .. } | RawValue::Array(_) | RawValue::Undefined);
    let exact = order.around(value).collation().is_none();
    (plain && exact).then(|| id_row_key(value))
}

/// Candidates found in one go: few at first, for those who want only one.
const CHUNK_FIRST: usize = 4;
const CHUNK_MAX: usize = 256;
const CHUNK_BYTES_MAX: usize = 1 << 20;

/// A search in progress.
pub(super) struct Search {
    view: ReadView,
    scan: Scan,
    slice: Slice,
    /// Candidates that were found and not given out yet.
    found: VecDeque<Found>,
    chunk: usize,
    ended: bool,
    /// The candidates come in the order of the sort.
    sorted: bool,
}

impl Search {
    /// Begins a search of the applied state, which has all that this command wrote before. Gives the
    /// collection as that state knows it; `None` when there is none. `limited` says that the first
    /// row will do.
    pub(super) async fn begin(
        writer: &Writer<'_>,
        selection: &Selection,
        limited: bool,
    ) -> Result<Option<(Search, Arc<Collection>)>> {
        writer.settled().await?;
        let view = writer.sequencer.documents().view();
        let Some(collection) = view.catalog().find(writer.namespace).cloned() else {
            return Ok(None);
        };
        super::refuse_view(&collection)?;
        let wish = Wish { hint: selection.hint.as_ref(), limited, ..Wish::default() };
        let Choice { access, sorted, .. } =
            choose_as_wished(&collection, &selection.filter, &selection.sort, wish)?;
        let scan = Scan::new(&collection, access, selection.filter.clone());
        let sorted = sorted || selection.sort.is_empty();
        let search = Search {
            view,
            scan,
            slice: Slice::begin(),
            found: VecDeque::new(),
            chunk: CHUNK_FIRST,
            ended: false,
            sorted,
        };
        Ok(Some((search, collection)))
    }

    /// The next candidate.
    pub(super) async fn next(&mut self, watch: &dyn Watch) -> Result<Option<Found>> {
        loop {
            if let Some(found) = self.found.pop_front() {
                return Ok(Some(found));
            }
            if self.ended {
                return Ok(None);
            }
            let (chunk, mut bytes) = (self.chunk, 0usize);
            let found = &mut self.found;
            let mut keep = |hit: Hit<'_>| {
                bytes = bytes.saturating_add(hit.row.doc.as_bytes().len());
                found.push_back(hit.into());
                let is_full = found.len() >= chunk || bytes >= CHUNK_BYTES_MAX;
                Ok(if is_full { Flow::Full } else { Flow::More })
            };
            let wanted = chunk as u64;
            match self.scan.run(&self.view, watch, &mut self.slice, wanted, &mut keep)? {
                Stopped::Full => self.chunk = self.chunk.saturating_mul(2).min(CHUNK_MAX),
                Stopped::Yield => self.give_way().await,
                Stopped::End => self.ended = true,
            }
        }
    }

    /// The candidate that comes first in the order of `sort`.
    pub(super) async fn first_by(
        &mut self,
        sort: &SortPattern,
        watch: &dyn Watch,
    ) -> Result<Option<Found>> {
        let mut best: Option<(Vec<u8>, Found)> = None;
        let mut key = Vec::new();
        loop {
            let mut compare = |hit: Hit<'_>| {
                key.clear();
                sort.write_key(hit.row.doc, &mut key)?;
                if best.as_ref().is_none_or(|(least, _)| key < *least) {
                    best = Some((std::mem::take(&mut key), hit.into()));
                }
                Ok(Flow::More)
            };
            let slice = &mut self.slice;
            if self.scan.run(&self.view, watch, slice, u64::MAX, &mut compare)? == Stopped::End {
                return Ok(best.map(|(_, found)| found));
            }
            self.give_way().await;
        }
    }

    async fn give_way(&mut self) {
        crate::wait::give_way().await;
        self.slice = Slice::begin();
    }

    pub(super) fn is_sorted(&self) -> bool {
        self.sorted
    }
}

#[cfg(test)]
mod tests {
    use super::pinned_row;
    use quire_bson::{Bson, DocBuf, Document, RawValue, doc};
    use quire_documents::id_row_key;
    use quire_query::ValueOrder;

    fn pinned(filter: Document) -> Option<Vec<u8>> {
        pinned_row(DocBuf::from(&filter).as_raw(), &ValueOrder::BYTES)
    }

    fn key(id: Bson) -> Vec<u8> {
        let value = DocBuf::of_value(&id);
        id_row_key(value.as_raw().nth(0).unwrap().value())
    }

    #[test]
    fn an_equality_on_the_id_pins_the_row() {
        for (filter, id) in [
            (doc! {"_id": 1, "a": 2}, Bson::Int32(1)),
            (doc! {"_id": {"$eq": "x"}}, Bson::from("x")),
            (doc! {"_id": {"a": 1}}, Bson::from(doc! {"a": 1})),
            (doc! {"_id": 1.0}, Bson::Int64(1)),
        ] {
            assert_eq!(pinned(filter.clone()), Some(key(id)), "{filter}");
        }
    }

    #[test]
    fn nothing_else_pins_it() {
        let pattern = RawValue::Regex { pattern: "^a", options: "" }.to_bson();
        for filter in [
            doc! {},
            doc! {"a": 1},
            doc! {"_id": {"$gt": 1}},
            doc! {"_id": {"$eq": 1, "$gt": 0}},
            doc! {"_id": {"$in": [1]}},
            doc! {"_id": [1]},
            doc! {"_id": pattern},
        ] {
            assert_eq!(pinned(filter.clone()), None, "{filter}");
        }
    }
}
