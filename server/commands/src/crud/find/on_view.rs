//! A find on a view, which is an aggregation of the collection below.

use super::super::reading::{Prepared, hint, prepare_pipeline};
use super::{FindRequest, append_window};
use crate::views::Resolved;
use quire_bson::ArrayBuilder;
use quire_errors::{Code, CommandError, Result};
use quire_query::Constants;
use std::sync::Arc;

pub fn prepare(
    resolved: &Resolved,
    request: &FindRequest<'_>,
    constants: &Arc<Constants>,
) -> Result<Prepared> {
    check(request)?;
    let mut stages = ArrayBuilder::detached();
    for (name, operand) in
        [("$match", request.filter), ("$sort", request.sort)].iter().filter(|(_, d)| !d.is_empty())
    {
        stages.push_with(|stage| {
            stage.append_doc(name, *operand);
        });
    }
    append_window(&mut stages, request);
    if !request.projection.is_empty() {
        stages.push_with(|stage| {
            stage.append_doc("$project", request.projection);
        });
    }
    let hint = hint(request.hint)?;
    prepare_pipeline(resolved, stages.finish().as_raw(), hint.as_ref(), constants)
}

/// Refuses what has no meaning in an aggregation.
fn check(request: &FindRequest<'_>) -> Result<()> {
    let unsupported = [
        ("tailable", request.tailable),
        ("awaitData", request.await_data),
        ("showRecordId", request.show_record_id),
        ("returnKey", request.return_key),
        ("min", request.min.is_some()),
        ("max", request.max.is_some()),
    ];
    match unsupported.iter().find(|(_, used)| *used) {
        Some((name, _)) => Err(CommandError::new(
            Code::InvalidPipelineOperator,
            format!("Option {name} not supported in aggregation."),
        )),
        None if request.sort.get("$natural").is_some() => Err(CommandError::new(
            Code::InvalidPipelineOperator,
            "Sort option $natural cannot be set on a view",
        )),
        None => Ok(()),
    }
}
