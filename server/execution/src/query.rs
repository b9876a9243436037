//! A query in progress: a source of documents and what is done with them.
//!
//! Owns the join of scan and pipeline. Between turns it is plain data that a cursor keeps.

use crate::scan::{Scan, ScanStep};
use crate::{Slice, Watch};
use quire_bson::DocBuf;
use quire_documents::ReadView;
use quire_errors::Result;
use quire_query::filter::Filter;
use quire_query::pipeline::{Chain, Input, Step};
use quire_query::projection::Projection;
use std::collections::VecDeque;
use std::sync::Arc;

/// Where a query's documents come from.
pub enum Source {
    Scan(Box<Scan>),
    /// Documents that were computed at once, such as a list of collections.
    Given(VecDeque<DocBuf>),
}

/// A find's projection; it may need to know which array element matched.
pub struct FindProjection {
    pub projection: Projection,
    pub filter: Arc<Filter>,
}

/// A query in progress.
pub struct Query {
    source: Source,
    chain: Chain,
    projection: Option<FindProjection>,
}

/// A source for as long as one turn lasts.
struct Turn<'a> {
    source: &'a mut Source,
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
            Source::Scan(scan) => Ok(match scan.next(self.view, self.watch, self.slice)? {
                ScanStep::Found(found) => Step::Doc(found.doc),
                ScanStep::Yield => Step::Yield,
                ScanStep::End => Step::Done,
            }),
        }
    }
}

impl Query {
    pub fn new(source: Source, chain: Chain, projection: Option<FindProjection>) -> Query {
        Query { source, chain, projection }
    }

    /// Documents that are already there.
    pub fn of(documents: Vec<DocBuf>) -> Query {
        Query::new(Source::Given(documents.into()), Chain::new(Vec::new()), None)
    }

    /// The next document, or why there is none for now.
    pub fn next(&mut self, view: &ReadView, watch: &dyn Watch, slice: &mut Slice) -> Result<Step> {
        let mut turn = Turn { source: &mut self.source, view, watch, slice };
        let step = self.chain.next(&mut turn)?;
        let (Step::Doc(doc), Some(find)) = (&step, &self.projection) else { return Ok(step) };
        let mut position = None;
        if find.projection.needs_position() {
            find.filter.matches_at(doc.as_raw(), &mut position)?;
        }
        Ok(Step::Doc(find.projection.apply(doc.as_raw(), position)?))
    }

    /// Lets a tailing cursor look for documents that were added behind its position.
    pub fn look_again(&mut self) {
        if let Source::Scan(scan) = &mut self.source {
            scan.look_again();
        }
    }
}
