//! The front of a pipeline: what a scan over an index can take over from it.

use super::Pipeline;
use super::stage::{Kind, StageSpec};
use crate::Constants;
use crate::filter::Filter;
use crate::sort::SortPattern;
use quire_bson::{DocBuf, DocBuilder, RawDoc};
use quire_errors::Result;
use std::sync::Arc;

/// The leading `$match`, `$sort`, `$skip` and `$limit` of a pipeline.
#[derive(Clone, Debug, Default)]
pub struct Front {
    /// The filters of all leading `$match`es as one.
    filter: Option<(DocBuf, Arc<Filter>)>,
    sort: Option<StageSpec>,
    window: Vec<StageSpec>,
}

/// What a scan does by itself. A later part can only be taken over together with the earlier ones:
/// to limit, the scan must filter and sort too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provided {
    Nothing,
    Filter,
    /// The filter, and the order.
    Sort,
    /// The filter, the order, and then the skipping and limiting.
    Window,
}

impl Front {
    /// The filter as the client wrote it (several joined by `$and`), and parsed.
    pub fn filter(&self) -> Option<(RawDoc<'_>, &Arc<Filter>)> {
        self.filter.as_ref().map(|(spec, filter)| (spec.as_raw(), filter))
    }

    pub fn sort(&self) -> Option<&SortPattern> {
        match self.sort.as_ref().map(|stage| &stage.kind) {
            Some(Kind::Sort(pattern, _)) => Some(pattern),
            _ => None,
        }
    }

    /// How many documents are skipped after filter and sort.
    pub fn skip(&self) -> u64 {
        match self.window.first().map(|stage| &stage.kind) {
            Some(Kind::Skip(skip)) => *skip,
            _ => 0,
        }
    }

    /// How many documents are wanted after filter, sort and skip.
    pub fn limit(&self) -> Option<u64> {
        match self.window.last().map(|stage| &stage.kind) {
            Some(Kind::Limit(limit)) => Some(*limit),
            _ => None,
        }
    }

    /// A filter that moved before the sort no longer stands between it and the window.
    fn bound_sort(&mut self) {
        let wanted = self.limit().and_then(|limit| limit.checked_add(self.skip()));
        if let Some(StageSpec { kind: Kind::Sort(_, limit), .. }) = &mut self.sort {
            *limit = limit.or(wanted);
        }
    }

    /// The stages that have to run over the documents of a scan that does `provided`.
    pub fn remaining(&self, provided: Provided) -> Pipeline {
        let mut stages = Vec::new();
        if provided < Provided::Filter
            && let Some((spec, filter)) = &self.filter
        {
            let kind = Kind::Match(Arc::clone(filter));
            let spec = quire_bson::RawValue::Document(spec.as_raw());
            stages.push(StageSpec::new("$match", spec, kind));
        }
        if provided < Provided::Sort {
            stages.extend(self.sort.clone());
        }
        if provided < Provided::Window {
            stages.extend(self.window.iter().cloned());
        }
        Pipeline { stages, ..Pipeline::default() }
    }
}

impl Pipeline {
    /// Takes the front off: the leading filters, then a sort, then one `$skip`, then one `$limit`,
    /// as far as they are there in this order. Filters right behind the sort count as leading: the
    /// result is the same, and there is less to sort.
    pub fn split_front(mut self, constants: &Arc<Constants>) -> Result<(Front, Pipeline)> {
        let mut front = Front::default();
        let mut rest = std::mem::take(&mut self.stages).into_iter().peekable();
        let mut filters = Vec::new();
        while let Some(stage) = rest.next_if(|stage| matches!(stage.kind, Kind::Match(_))) {
            filters.push(stage);
        }
        front.sort = rest.next_if(|stage| matches!(stage.kind, Kind::Sort(..)));
        while let Some(stage) = rest.next_if(|stage| matches!(stage.kind, Kind::Match(_))) {
            filters.push(stage);
        }
        front.filter = merge(filters, constants)?;
        front.window.extend(rest.next_if(|stage| matches!(stage.kind, Kind::Skip(_))));
        front.window.extend(rest.next_if(|stage| matches!(stage.kind, Kind::Limit(_))));
        front.bound_sort();
        self.stages = rest.collect();
        Ok((front, self))
    }
}

/// All filters as one.
fn merge(
    stages: Vec<StageSpec>,
    constants: &Arc<Constants>,
) -> Result<Option<(DocBuf, Arc<Filter>)>> {
    let operands = || stages.iter().filter_map(|stage| stage.operand().as_document());
    match stages.as_slice() {
        [] => Ok(None),
        [StageSpec { kind: Kind::Match(filter), .. }] => {
            let spec = operands().next().unwrap_or(RawDoc::EMPTY);
            Ok(Some((DocBuf::from(spec), Arc::clone(filter))))
        }
        _ => {
            let mut spec = DocBuilder::new();
            spec.append_array("$and", |list| {
                for operand in operands() {
                    list.push_doc(operand);
                }
            });
            let spec = spec.finish();
            let filter = Filter::parse(spec.as_raw(), constants)?;
            Ok(Some((spec, Arc::new(filter))))
        }
    }
}
