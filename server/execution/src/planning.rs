//! From a filter and a collection to the ranges a scan walks.
//!
//! Owns the one place where the planner's answer becomes an [`Access`], for reads and writes alike:
//! which indexes the planner may know of, the text by which logs name a plan, and the tree that
//! `explain` shows.

mod explain;

pub use explain::{PlanNode, Role};
pub use quire_query::plan::Hint;

use crate::Access;
use quire_bson::{RawDoc, shell_text};
use quire_documents::{Collection, Direction, FieldOrder, Index, Layout};
use quire_errors::Result;
use quire_query::Constants;
use quire_query::filter::Filter;
use quire_query::path::FieldPath;
use quire_query::plan::{
    Access as Planned, FieldOrder as PlannedOrder, IndexDescription, IndexField, IndexScan, Plan,
    PlanOptions,
};
use quire_query::sort::SortPattern;
use std::sync::Arc;

/// What is asked of the planner besides the filter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish<'a> {
    pub hint: Option<&'a Hint>,
    /// The first and, excluded, the last key of a hinted index.
    pub min: Option<RawDoc<'a>>,
    pub max: Option<RawDoc<'a>>,
    /// The query stops after some documents.
    pub limited: bool,
}

/// How the documents of a query are found.
#[derive(Debug)]
pub struct Choice {
    pub access: Access,
    /// They come in the order of the sort.
    pub sorted: bool,
    /// As logs and the profiler show it.
    pub summary: String,
    plan: Plan,
    indexes: Vec<Arc<Index>>,
}

/// Chooses how to find the documents of `filter`.
pub fn choose(
    collection: &Collection,
    filter: &Filter,
    sort: &SortPattern,
    hint: Option<&Hint>,
) -> Result<Choice> {
    choose_as_wished(collection, filter, sort, Wish { hint, ..Wish::default() })
}

/// [`choose`] for those who wish more than a hint.
pub fn choose_as_wished(
    collection: &Collection,
    filter: &Filter,
    sort: &SortPattern,
    wish: Wish<'_>,
) -> Result<Choice> {
    let clustered = collection.layout == Layout::ById;
    let candidates = collection.indexes.iter().filter(|index| may_serve(index, clustered));
    // An index whose partial filter cannot be read cannot be trusted.
    let (indexes, descriptions): (Vec<Arc<Index>>, Vec<IndexDescription>) =
        candidates.filter_map(|index| Some((index.clone(), describe(index).ok()?))).unzip();
    let namespace = collection.namespace.to_string();
    let options = PlanOptions {
        namespace: &namespace,
        clustered,
        hint: wish.hint,
        min: wish.min,
        max: wish.max,
        limited: wish.limited,
        sort_order: sort.order(),
    };
    let natural = sort.natural().map(|direction| [("$natural".to_owned(), direction)]);
    let order = natural.as_ref().map_or(sort.fields(), |natural| natural.as_slice());
    let plan = quire_query::plan::choose(filter, Some(order), &descriptions, &options)?;
    let access = access(&plan.access, &indexes);
    let summary = summary(&plan.access, &indexes);
    Ok(Choice { access, sorted: plan.provides_sort, summary, plan, indexes })
}

/// Whether the planner may know of an index.
fn may_serve(index: &Index, clustered: bool) -> bool {
    index.is_usable() && !(clustered && index.is_on_id())
}

fn describe(index: &Index) -> Result<IndexDescription> {
    let spec = &index.spec;
    let partial = match &spec.partial_filter {
        Some(filter) => {
            let constants = Constants { order: spec.order.clone(), ..Constants::default() };
            Some(Filter::parse(filter.as_raw(), &Arc::new(constants))?)
        }
        None => None,
    };
    let field = |field: &quire_documents::IndexField| IndexField {
        path: FieldPath::new(&field.path),
        order: match field.order {
            FieldOrder::Ascending => PlannedOrder::Ascending,
            FieldOrder::Descending => PlannedOrder::Descending,
            FieldOrder::Hashed => PlannedOrder::Hashed,
            FieldOrder::Special => PlannedOrder::Special,
        },
    };
    Ok(IndexDescription {
        name: spec.name.clone(),
        fields: spec.fields.iter().map(field).collect(),
        unique: spec.unique,
        sparse: spec.sparse,
        hidden: spec.hidden,
        multikey: index.multikey,
        partial,
        order: spec.order.clone(),
    })
}

fn access(planned: &Planned, indexes: &[Arc<Index>]) -> Access {
    match planned {
        Planned::Nothing => Access::Union(Vec::new()),
        Planned::Rows { backwards } => Access::everything(direction(*backwards)),
        Planned::RowLookups { keys, backwards, .. } => {
            Access::Lookups { row_keys: walked(keys, *backwards) }
        }
        Planned::RowRanges { ranges, backwards, .. } => {
            Access::Rows { ranges: walked(ranges, *backwards), direction: direction(*backwards) }
        }
        Planned::Index(scan) => match indexes.get(scan.index) {
            Some(index) => Access::Index {
                index: index.clone(),
                ranges: walked(&scan.ranges, scan.backwards),
                direction: direction(scan.backwards),
                repeats: scan.repeats,
            },
            None => Access::everything(Direction::Forward),
        },
        Planned::Union(branches) => {
            Access::Union(branches.iter().map(|branch| access(branch, indexes)).collect())
        }
    }
}

fn direction(backwards: bool) -> Direction {
    if backwards { Direction::Backward } else { Direction::Forward }
}

/// A backwards scan takes what comes last first.
fn walked<T: Clone>(ascending: &[T], backwards: bool) -> Vec<T> {
    let mut walked = ascending.to_vec();
    if backwards {
        walked.reverse();
    }
    walked
}

fn summary(planned: &Planned, indexes: &[Arc<Index>]) -> String {
    match planned {
        Planned::Nothing => "EOF".to_owned(),
        Planned::Rows { .. } => "COLLSCAN".to_owned(),
        Planned::RowLookups { keys, .. } if keys.len() == 1 => EXPRESS.to_owned(),
        Planned::RowLookups { .. } | Planned::RowRanges { .. } => "IXSCAN { _id: 1 }".to_owned(),
        Planned::Index(IndexScan { index, .. }) => match indexes.get(*index) {
            Some(index) => format!("IXSCAN {}", shell_text(index.spec.key())),
            None => "COLLSCAN".to_owned(),
        },
        Planned::Union(branches) => {
            let parts: Vec<String> =
                branches.iter().map(|branch| summary(branch, indexes)).collect();
            parts.join(", ")
        }
    }
}

/// How a lookup of one document by its `_id` is named.
pub const EXPRESS: &str = "EXPRESS_IXSCAN { _id: 1 }";
