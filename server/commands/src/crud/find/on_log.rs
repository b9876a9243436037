//! A find on a collection that is computed and reads like a capped one: the oplog.

use super::super::reading::{Prepared, hint};
use super::{FindRequest, append_window, check_natural, projection};
use crate::computed::{Computed, Walk};
use quire_bson::{ArrayBuilder, RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};
use quire_execution::{FindOutput, Hint};
use quire_query::Constants;
use quire_query::filter::Filter;
use quire_query::pipeline::Pipeline;
use quire_query::sort::SortPattern;
use std::sync::Arc;

/// By which the documents are in order.
const ORDERED_BY: &str = "ts";

pub fn prepare(
    log: &Computed,
    request: &FindRequest<'_>,
    constants: &Arc<Constants>,
) -> Result<Prepared> {
    check(request)?;
    let filter = Arc::new(Filter::parse_query(request.filter, constants)?);
    let sort = SortPattern::parse(request.sort, &constants.order)?;
    let projection = projection(request, constants)?;
    let hint = hint(request.hint)?;
    check_natural(&sort, hint.as_ref())?;
    let (backwards, sorted) = match (sort.natural(), by_time(request.sort), &hint) {
        (Some(direction), ..) => (direction < 0, true),
        (None, Some(backwards), None) => (backwards, true),
        (None, _, Some(Hint::Natural { backwards })) => (*backwards, sort.is_empty()),
        (None, None, None) => (false, sort.is_empty()),
        (None, _, Some(Hint::Name(_) | Hint::KeyPattern(_))) => {
            return Err(CommandError::bad_value(
                "error processing query: planner returned error :: caused by :: hint provided \
                 does not correspond to an existing index",
            ));
        }
    };
    let mut stages = ArrayBuilder::detached();
    stages.push_with(|stage| {
        stage.append_doc("$match", request.filter);
    });
    if !sorted {
        stages.push_with(|stage| {
            stage.append_doc("$sort", request.sort);
        });
    }
    append_window(&mut stages, request);
    let pipeline = Pipeline::parse(stages.finish().as_raw(), constants)?;
    let walk = Walk { filter: request.filter, backwards };
    let mut prepared = Prepared::made(log, &walk, &pipeline);
    prepared.summary = "COLLSCAN".to_owned();
    if projection.is_some() {
        let output = FindOutput { filter, projection, return_key: None, record_id: false };
        prepared.query.show(output);
    }
    Ok(prepared)
}

/// Whether a sort by the time alone goes against the order.
fn by_time(sort: RawDoc<'_>) -> Option<bool> {
    let only = sort.nth(0).filter(|only| sort.count() == 1 && only.key() == ORDERED_BY)?;
    let is = |direction| quire_bson::compare(only.value(), RawValue::Int32(direction)).is_eq();
    (is(1) || is(-1)).then(|| is(-1))
}

/// Refuses what is about rows and indexes, which there are none of.
fn check(request: &FindRequest<'_>) -> Result<()> {
    let unsupported = [
        ("showRecordId", request.show_record_id),
        ("returnKey", request.return_key),
        ("min", request.min.is_some()),
        ("max", request.max.is_some()),
    ];
    match unsupported.iter().find(|(_, used)| *used) {
        Some((name, _)) => Err(CommandError::new(
            Code::CommandNotSupported,
            format!("Option {name} is not supported on the oplog"),
        )),
        None => Ok(()),
    }
}
