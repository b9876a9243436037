//! What a view may stand on.
//!
//! Owns the checks of `viewOn` and `pipeline`: the pipeline parses, and following view after view
//! ends at a collection, without a circle and within the bound on depth.

use quire_bson::{DocBuf, RawValue};
use quire_documents::{Catalog, Namespace};
use quire_errors::{Code, CommandError, Result};
use quire_query::pipeline::Pipeline;
use quire_query::{Constants, ValueOrder};
use std::sync::Arc;

/// The most views that may stand on each other.
const DEPTH_MAX: usize = 20;

/// What a view shows.
#[derive(Clone, Debug)]
pub struct ViewDefinition {
    pub view_on: String,
    /// The stages as a BSON array, kept in the form of a document.
    pub pipeline: DocBuf,
}

/// Checks the definition that the view `namespace` would have.
pub fn check(
    catalog: &Catalog,
    namespace: &Namespace,
    view: &ViewDefinition,
    order: &ValueOrder,
    constants: &Arc<Constants>,
) -> Result<()> {
    let pipeline = Pipeline::parse(view.pipeline.as_raw(), constants)
        .map_err(|error| error.context("Invalid pipeline for view"))?;
    if let Some(sink) = pipeline.sink() {
        return Err(CommandError::new(
            Code::OptionNotSupportedOnView,
            format!(
                "The aggregation stage {} in location {} of the pipeline cannot be used in the \
                 view definition of {namespace} because it writes to disk",
                sink.name(),
                view.pipeline.as_raw().count().saturating_sub(1)
            ),
        ));
    }
    let base = crate::server::namespace(namespace.database(), &view.view_on)?;
    if let Some(below) = catalog.find(&base).filter(|below| below.is_view())
        && below.order() != *order
    {
        return Err(CommandError::new(
            Code::OptionNotSupportedOnView,
            format!("View {namespace} has conflicting collation with view {base}"),
        ));
    }
    check_chain(catalog, namespace, base)
}

fn check_chain(catalog: &Catalog, namespace: &Namespace, base: Namespace) -> Result<()> {
    let mut chain = vec![namespace.clone()];
    let mut next = base;
    loop {
        let circular = chain.contains(&next);
        chain.push(next.clone());
        if circular {
            let names: Vec<String> = chain.iter().map(Namespace::to_string).collect();
            return Err(CommandError::new(
                Code::GraphContainsCycle,
                format!("View cycle detected: {}", names.join(" => ")),
            ));
        }
        let view_on = catalog
            .find(&next)
            .and_then(|found| found.option("viewOn").and_then(RawValue::as_str).map(str::to_owned));
        let Some(view_on) = view_on else { return Ok(()) };
        if chain.len() > DEPTH_MAX {
            return Err(CommandError::new(
                Code::ViewDepthLimitExceeded,
                format!("View depth limit exceeded; maximum depth is {DEPTH_MAX}"),
            ));
        }
        next = crate::server::namespace(namespace.database(), &view_on)?;
    }
}
