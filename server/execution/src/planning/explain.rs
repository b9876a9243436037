//! A plan as `explain` shows it.
//!
//! Owns the tree of stages with MongoDB's names. The tree says what is done; figures are put to it
//! by whoever ran the query.

use super::Choice;
use quire_bson::{DocBuf, DocBuilder, RawDoc, RawValue};
use quire_documents::Index;
use quire_query::filter::Filter;
use quire_query::plan::{Access as Planned, Bounds, IndexScan};
use std::sync::Arc;

/// What a stage's figures are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Gives keys of an index.
    Keys,
    /// Gives the documents that match.
    Documents,
    /// Changes what comes from below, or does all by itself.
    Above,
}

/// One stage of a plan.
#[derive(Clone, Debug)]
pub struct PlanNode {
    pub stage: &'static str,
    pub role: Role,
    /// What is told of the stage besides its name and its inputs.
    pub details: DocBuf,
    pub inputs: Vec<PlanNode>,
}

impl PlanNode {
    /// A stage over another one.
    pub fn above(
        stage: &'static str,
        input: PlanNode,
        details: impl FnOnce(&mut DocBuilder),
    ) -> PlanNode {
        PlanNode { stage, role: Role::Above, details: build(details), inputs: vec![input] }
    }

    /// The plan of a query whose collection does not exist.
    pub fn nothing() -> PlanNode {
        PlanNode { stage: "EOF", role: Role::Documents, details: DocBuf::new(), inputs: Vec::new() }
    }
}

fn build(fill: impl FnOnce(&mut DocBuilder)) -> DocBuf {
    let mut builder = DocBuilder::new();
    fill(&mut builder);
    builder.finish()
}

impl Choice {
    /// The stages that reach the documents of `filter`.
    pub fn tree(&self, filter: &Filter) -> PlanNode {
        let shown = filter.to_bson();
        node(&self.plan.access, &self.indexes, shown.as_raw())
    }

    /// The pattern of the only index that is used, with its name.
    pub fn only_index(&self) -> Option<&Arc<Index>> {
        match &self.plan.access {
            Planned::Index(scan) => self.indexes.get(scan.index),
            _ => None,
        }
    }

    /// True when the documents are found by their `_id`s.
    pub fn is_on_rows_by_id(&self) -> bool {
        matches!(self.plan.access, Planned::RowLookups { .. } | Planned::RowRanges { .. })
    }
}

fn node(planned: &Planned, indexes: &[Arc<Index>], filter: RawDoc<'_>) -> PlanNode {
    match planned {
        Planned::Nothing => PlanNode::nothing(),
        Planned::Rows { backwards } => collection_scan(*backwards, filter),
        Planned::RowLookups { keys, .. } if keys.len() == 1 && is_id_alone(filter) => PlanNode {
            stage: "EXPRESS_IXSCAN",
            role: Role::Documents,
            details: build(|details| {
                details.append_str("keyPattern", "{ _id: 1 }");
                details.append_str("indexName", "_id_");
            }),
            inputs: Vec::new(),
        },
        Planned::RowLookups { bounds, backwards, .. }
        | Planned::RowRanges { bounds, backwards, .. } => {
            fetch(id_scan(bounds, *backwards), filter)
        }
        Planned::Index(scan) => match indexes.get(scan.index) {
            Some(index) => fetch(index_scan(scan, index), filter),
            None => collection_scan(false, filter),
        },
        Planned::Union(branches) => {
            let inputs = branches.iter().map(|branch| node(branch, indexes, filter)).collect();
            PlanNode { stage: "OR", role: Role::Above, details: DocBuf::new(), inputs }
        }
    }
}

/// True for `{_id: {$eq: …}}` and nothing else.
fn is_id_alone(filter: RawDoc<'_>) -> bool {
    filter.count() == 1 && filter.nth(0).is_some_and(|element| element.key() == "_id")
}

fn direction(backwards: bool) -> &'static str {
    if backwards { "backward" } else { "forward" }
}

fn collection_scan(backwards: bool, filter: RawDoc<'_>) -> PlanNode {
    let details = build(|details| {
        if !filter.is_empty() {
            details.append_doc("filter", filter);
        }
        details.append_str("direction", direction(backwards));
    });
    PlanNode { stage: "COLLSCAN", role: Role::Documents, details, inputs: Vec::new() }
}

fn fetch(keys: PlanNode, filter: RawDoc<'_>) -> PlanNode {
    let details = build(|details| {
        if !filter.is_empty() {
            details.append_doc("filter", filter);
        }
    });
    PlanNode { stage: "FETCH", role: Role::Documents, details, inputs: vec![keys] }
}

/// The rows themselves are the index on `_id`.
fn id_scan(bounds: &Bounds, backwards: bool) -> PlanNode {
    let details = build(|details| {
        details.append_with("keyPattern", |key| {
            key.append_i32("_id", 1);
        });
        details.append_str("indexName", "_id_").append_bool("isMultiKey", false);
        details.append_with("multiKeyPaths", |paths| {
            paths.append_array("_id", |_| {});
        });
        details.append_bool("isUnique", true).append_bool("isSparse", false);
        details.append_bool("isPartial", false).append_i32("indexVersion", 2);
        details.append_str("direction", direction(backwards));
        details.append_doc("indexBounds", bounds.to_bson().as_raw());
    });
    PlanNode { stage: "IXSCAN", role: Role::Keys, details, inputs: Vec::new() }
}

fn index_scan(scan: &IndexScan, index: &Index) -> PlanNode {
    let spec = &index.spec;
    let details = build(|details| {
        details.append_doc("keyPattern", spec.key());
        details.append_str("indexName", &spec.name);
        details.append_bool("isMultiKey", index.is_multikey());
        details.append_with("multiKeyPaths", |paths| {
            for (n, field) in spec.fields.iter().enumerate() {
                paths.append_array(&field.path, |components| {
                    if index.is_field_multikey(n) {
                        components.push(RawValue::String(&field.path));
                    }
                });
            }
        });
        details.append_bool("isUnique", spec.unique).append_bool("isSparse", spec.sparse);
        details.append_bool("isPartial", spec.partial_filter.is_some());
        details.append_i32("indexVersion", 2);
        details.append_str("direction", direction(scan.backwards));
        details.append_doc("indexBounds", scan.bounds.to_bson().as_raw());
    });
    PlanNode { stage: "IXSCAN", role: Role::Keys, details, inputs: Vec::new() }
}
