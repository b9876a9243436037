//! A query in progress: a source of documents and what is done with them.
//!
//! Owns the join of scan and pipeline. Between turns it is plain data that a cursor keeps.

use crate::scan::{Hit, Scan};
use crate::{Slice, Watch};
use quire_bson::{DocBuf, DocBuilder, RawDoc, RawElement, RawValue, Scratch};
use quire_documents::ReadView;
use quire_errors::Result;
use quire_query::filter::Filter;
use quire_query::path::FieldPath;
use quire_query::pipeline::{Chain, Flow, Input, Output, Stopped};
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

    fn next(&mut self, view: &ReadView) -> Result<Option<DocBuf>> {
        if self.waiting.is_empty() {
            self.waiting = self.maker.more(view)?.into();
        }
        Ok(self.waiting.pop_front())
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
    /// Where documents are made in the form in which they are shown.
    shown: Scratch,
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
    wanted: u64,
}

impl Input for Turn<'_> {
    fn give(&mut self, output: &mut dyn Output) -> Result<Stopped> {
        match self.source {
            Source::Given(documents) => {
                let next = || Ok(documents.pop_front());
                give_owned(next, self.watch, self.slice, output)
            }
            Source::Made(made) => {
                let next = || made.next(self.view);
                give_owned(next, self.watch, self.slice, output)
            }
            Source::Scan(scan) => {
                let numbered = scan.is_in_order_of_insertion();
                let mut placed = Scratch::default();
                let mut show = |hit: Hit<'_>| {
                    *self.found += 1;
                    match self.record_id {
                        false => output.take(hit.row.doc),
                        true => output.take(with_record_id(hit, numbered, &mut placed)),
                    }
                };
                scan.run(self.view, self.watch, self.slice, self.wanted, &mut show)
            }
        }
    }
}

/// Gives documents that are in nobody else's hands.
fn give_owned(
    mut next: impl FnMut() -> Result<Option<DocBuf>>,
    watch: &dyn Watch,
    slice: &mut Slice,
    output: &mut dyn Output,
) -> Result<Stopped> {
    loop {
        watch.check()?;
        if slice.is_over() {
            return Ok(Stopped::Yield);
        }
        let Some(doc) = next()? else { return Ok(Stopped::End) };
        match output.take(doc.as_raw())? {
            Flow::More => {}
            Flow::Full => return Ok(Stopped::Full),
            Flow::End => return Ok(Stopped::End),
        }
    }
}

/// The document with its place: a number where rows stand in the order of insertion, and the key of
/// the row, as for MongoDB's clustered collections, where they do not.
fn with_record_id<'s>(hit: Hit<'_>, numbered: bool, scratch: &'s mut Scratch) -> RawDoc<'s> {
    let number = numbered.then(|| <[u8; 8]>::try_from(hit.row_key));
    scratch.make(|builder| {
        for element in hit.row.doc {
            builder.append_element(element);
        }
        match number {
            Some(Ok(bytes)) => builder.append_i64(RECORD_ID, i64::from_be_bytes(bytes)),
            _ => builder.append(RECORD_ID, RawValue::Binary { subtype: 0, bytes: hit.row_key }),
        };
    })
}

impl Query {
    pub fn new(source: Source, chain: Chain, output: Option<FindOutput>) -> Query {
        Query { source, chain, output, shown: Scratch::default(), found: 0 }
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

    /// Gives the documents that follow. `wanted` says how many of them `output` takes before it is
    /// full, at the least.
    pub fn run(
        &mut self,
        view: &ReadView,
        watch: &dyn Watch,
        slice: &mut Slice,
        wanted: u64,
        output: &mut dyn Output,
    ) -> Result<Stopped> {
        let record_id = self.output.as_ref().is_some_and(|output| output.record_id);
        let wanted = self.chain.needs(wanted);
        let (source, found) = (&mut self.source, &mut self.found);
        let mut turn = Turn { source, record_id, found, view, watch, slice, wanted };
        match &self.output {
            None => self.chain.run(&mut turn, output),
            Some(shown_as) => {
                let scratch = &mut self.shown;
                let mut show = |doc: RawDoc<'_>| output.take(shown_as.show(doc, scratch)?);
                self.chain.run(&mut turn, &mut show)
            }
        }
    }

    /// How many documents the scan has found so far.
    pub fn found(&self) -> u64 {
        self.found
    }

    /// Lets a tailing cursor look for documents that were added behind its position.
    pub fn look_again(&mut self) {
        self.chain.look_again();
        if let Source::Scan(scan) = &mut self.source {
            scan.look_again();
        }
    }
}

impl FindOutput {
    fn show<'d>(&self, doc: RawDoc<'d>, scratch: &'d mut Scratch) -> Result<RawDoc<'d>> {
        if let Some(fields) = &self.return_key {
            return Ok(scratch.make(|builder| FindOutput::append_keys(doc, fields, builder)));
        }
        let Some(projection) = &self.projection else { return Ok(doc) };
        let mut position = None;
        if projection.needs_position() {
            self.filter.matches_at(doc, &mut position)?;
        }
        let place = doc.get(RECORD_ID).filter(|_| self.record_id);
        scratch.try_make(|builder| {
            projection.apply_into(doc, position, builder)?;
            let is_shown = |element: RawElement<'_>| element.key_bytes() == RECORD_ID.as_bytes();
            match place {
                Some(place) if !builder.elements().any(is_shown) => {
                    builder.append(RECORD_ID, place);
                }
                _ => {}
            }
            Ok(())
        })
    }

    /// Index keys alone: not even a record id goes with them.
    fn append_keys(doc: RawDoc<'_>, fields: &[FieldPath], builder: &mut DocBuilder) {
        for field in fields {
            builder.append(field.as_str(), first_value(doc, field.as_str()));
        }
    }
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
