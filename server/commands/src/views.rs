//! What a name stands for: a collection, a view over one, or nothing.
//!
//! Owns following views to the collection below, and the pipeline that all of them make together.

use quire_bson::{ArrayBuilder, RawDoc, RawValue};
use quire_documents::{Catalog, Collection, Namespace};
use quire_errors::{Code, CommandError, Result};
use std::sync::Arc;

/// How many views may stand over each other.
const DEPTH_MAX: usize = 20;

/// What a query on a name reads.
#[derive(Debug)]
pub struct Resolved {
    /// The collection below all views.
    pub namespace: Namespace,
    /// `None` when it does not exist, which reads as empty.
    pub collection: Option<Arc<Collection>>,
    /// The pipelines of the views, the lowest first; empty for a collection.
    views: Vec<Arc<Collection>>,
    pub is_view: bool,
}

/// Follows views.
pub fn resolve(catalog: &Catalog, asked: Namespace) -> Result<Resolved> {
    let mut namespace = asked.clone();
    let mut views = Vec::new();
    loop {
        let found = catalog.find(&namespace);
        let Some(view) = found.filter(|collection| collection.is_view()) else {
            views.reverse();
            let is_view = !views.is_empty();
            return Ok(Resolved { namespace, collection: found.cloned(), views, is_view });
        };
        if views.len() >= DEPTH_MAX {
            return Err(CommandError::new(
                Code::ViewDepthLimitExceeded,
                format!("View depth too deep or view cycle detected; maximum depth is {DEPTH_MAX}"),
            )
            .context(&format!("cannot resolve view '{asked}'")));
        }
        let on = view.option("viewOn").and_then(RawValue::as_str).unwrap_or_default();
        namespace = crate::server::namespace(asked.database(), on)?;
        views.push(view.clone());
    }
}

impl Resolved {
    /// Appends the stages of all views to a pipeline.
    pub fn append_stages(&self, pipeline: &mut ArrayBuilder) {
        for view in &self.views {
            let stages = view.option("pipeline").and_then(RawValue::as_array);
            for stage in stages.unwrap_or(RawDoc::EMPTY) {
                pipeline.push(stage.value());
            }
        }
    }
}
