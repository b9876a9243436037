//! A query in progress: a source of documents and what is done with them.
//!
//! Owns the join of scan and pipeline. Between turns it is plain data that a cursor keeps.

use crate::scan::{Found, Scan, ScanStep};
use crate::{Slice, Watch};
use quire_bson::{DocBuf, DocBuilder, RawDoc, RawValue};
use quire_documents::ReadView;
use quire_errors::Result;
use quire_query::filter::Filter;
use quire_query::path::FieldPath;
use quire_query::pipeline::{Chain, Input, Step};
use quire_query::projection::Projection;
use std::collections::VecDeque;
use std::sync::Arc;

/// Where a query's documents come from.
pub enum Source {
    Scan(Box<Scan>),
    /// Documents that were computed at once, such as a list of collections.
    Given(VecDeque<DocBuf>),
    Made(Made),
}

/// Makes documents that are stored nowhere, some at a time.
pub trait Maker: Send {
    /// The documents that follow, as the view shows them; when there are none, it is the end.
    fn more(&mut self, view: &ReadView) -> Result<Vec<DocBuf>>;
}

/// Documents that are made while they are asked for.
pub struct Made {
    maker: Box<dyn Maker>,
    waiting: VecDeque<DocBuf>,
}

impl Made {
    pub fn by(maker: Box<dyn Maker>) -> Made {
        Made { maker, waiting: VecDeque::new() }
    }

    fn next(&mut self, view: &ReadView) -> Result<Step> {
        if self.waiting.is_empty() {
            self.waiting = self.maker.more(view)?.into();
        }
        Ok(self.waiting.pop_front().map_or(Step::Done, Step::Doc))
    }
}

/// What a find shows of the documents it found.
#[derive(Debug)]
pub struct FindOutput {
    /// For a projection that needs to know which array element matched.
    pub filter: Arc<Filter>,
    pub projection: Option<Projection>,
    /// Only the keys by which the index in use found the document, which has these fields.
    pub return_key: Option<Vec<FieldPath>>,
    pub record_id: bool,
}

/// The field in which a document's place is shown.
const RECORD_ID: &str = "$recordId";

/// A query in progress.
pub struct Query {
    source: Source,
    chain: Chain,
    output: Option<FindOutput>,
    found: u64,
}

/// A source for as long as one turn lasts.
struct Turn<'a> {
    source: &'a mut Source,
    record_id: bool,
    found: &'a mut u64,
    view: &'a ReadView,
    watch: &'a dyn Watch,
    slice: &'a mut Slice,
}

impl Input for Turn<'_> {
    fn next(&mut self) -> Result<Step> {
        match self.source {
            Source::Given(documents) => {
                self.watch.check()?;
                if self.slice.is_over() {
                    return Ok(Step::Yield);
                }
                Ok(documents.pop_front().map_or(Step::Done, Step::Doc))
            }
            Source::Made(made) => {
                self.watch.check()?;
                if self.slice.is_over() {
                    return Ok(Step::Yield);
                }
                made.next(self.view)
            }
            Source::Scan(scan) => Ok(match scan.next(self.view, self.watch, self.slice)? {
                ScanStep::Found(found) => {
                    *self.found += 1;
                    if !self.record_id {
                        return Ok(Step::Doc(found.doc));
                    }
                    Step::Doc(with_record_id(&found, scan.is_in_order_of_insertion()))
                }
                ScanStep::Yield => Step::Yield,
                ScanStep::End => Step::Done,
            }),
        }
    }
}

/// The document with its place: a number where rows stand in the order of insertion, and the key of
/// the row, as for MongoDB's clustered collections, where they do not.
fn with_record_id(found: &Found, numbered: bool) -> DocBuf {
    let mut builder = DocBuilder::new();
    for element in found.doc.as_raw() {
        builder.append_element(element);
    }
    match numbered.then(|| <[u8; 8]>::try_from(found.row_key.as_slice())) {
        Some(Ok(bytes)) => builder.append_i64(RECORD_ID, i64::from_be_bytes(bytes)),
        _ => builder.append(RECORD_ID, RawValue::Binary { subtype: 0, bytes: &found.row_key }),
    };
    builder.finish()
}

impl Query {
    pub fn new(source: Source, chain: Chain, output: Option<FindOutput>) -> Query {
        Query { source, chain, output, found: 0 }
    }

    /// Spares copying documents that are only counted: empty ones come out instead. Not for queries
    /// with stages that look at documents.
    pub fn only_count(&mut self) {
        if let Source::Scan(scan) = &mut self.source {
            scan.only_count();
        }
    }

    /// Says what is shown of the documents that come out.
    pub fn show(&mut self, output: FindOutput) {
        self.output = Some(output);
    }

    /// Documents that are already there.
    pub fn of(documents: Vec<DocBuf>) -> Query {
        Query::new(Source::Given(documents.into()), Chain::new(Vec::new()), None)
    }

    /// Begins a turn with a new view; fails when what the query reads is gone since the last one.
    pub fn resume(&mut self, view: &ReadView) -> Result<()> {
        match &mut self.source {
            Source::Scan(scan) => scan.resume(view),
            Source::Given(_) | Source::Made(_) => Ok(()),
        }
    }

    /// The next document, or why there is none for now.
    pub fn next(&mut self, view: &ReadView, watch: &dyn Watch, slice: &mut Slice) -> Result<Step> {
        let record_id = self.output.as_ref().is_some_and(|output| output.record_id);
        let (source, found) = (&mut self.source, &mut self.found);
        let mut turn = Turn { source, record_id, found, view, watch, slice };
        match (self.chain.next(&mut turn)?, &self.output) {
            (Step::Doc(doc), Some(output)) => Ok(Step::Doc(output.show(doc)?)),
            (step, _) => Ok(step),
        }
    }

    /// How many documents the scan has found so far.
    pub fn found(&self) -> u64 {
        self.found
    }

    /// Lets a tailing cursor look for documents that were added behind its position.
    pub fn look_again(&mut self) {
        if let Source::Scan(scan) = &mut self.source {
            scan.look_again();
        }
    }
}

impl FindOutput {
    fn show(&self, doc: DocBuf) -> Result<DocBuf> {
        let raw = doc.as_raw();
        if let Some(fields) = &self.return_key {
            return Ok(FindOutput::keys_of(raw, fields));
        }
        let Some(projection) = &self.projection else { return Ok(doc) };
        let mut position = None;
        if projection.needs_position() {
            self.filter.matches_at(raw, &mut position)?;
        }
        let mut builder = DocBuilder::new();
        projection.apply_into(raw, position, &mut builder)?;
        let shown = builder.finish();
        match raw.get(RECORD_ID).filter(|_| self.record_id) {
            Some(id) if shown.as_raw().get(RECORD_ID).is_none() => Ok(appended(&shown, id)),
            _ => Ok(shown),
        }
    }

    /// Index keys alone: not even a record id goes with them.
    fn keys_of(doc: RawDoc<'_>, fields: &[FieldPath]) -> DocBuf {
        let mut builder = DocBuilder::new();
        for field in fields {
            builder.append(field.as_str(), first_value(doc, field.as_str()));
        }
        builder.finish()
    }
}

fn appended(doc: &DocBuf, record_id: RawValue<'_>) -> DocBuf {
    let mut builder = DocBuilder::new();
    for element in doc.as_raw() {
        builder.append_element(element);
    }
    builder.append(RECORD_ID, record_id);
    builder.finish()
}

/// The value of an index's field: of arrays the first element, and null where there is none.
fn first_value<'a>(doc: RawDoc<'a>, path: &str) -> RawValue<'a> {
    let mut value = RawValue::Document(doc);
    for name in path.split('.') {
        let inside = match value {
            RawValue::Array(items) => items.nth(0).map_or(RawValue::Null, |item| item.value()),
            other => other,
        };
        value = inside.as_document().and_then(|doc| doc.get(name)).unwrap_or(RawValue::Null);
    }
    match value {
        RawValue::Array(items) => items.nth(0).map_or(RawValue::Null, |item| item.value()),
        value => value,
    }
}
