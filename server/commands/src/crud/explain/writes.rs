//! Explaining commands that change documents: which documents they would find. Nothing is changed.

use super::{Question, target};
use crate::arguments::integer;
use crate::crud::find::{self, FindRequest};
use crate::server::Context;
use quire_bson::{DocBuf, DocBuilder, RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};
use quire_execution::PlanNode;

/// Plans the search of a write.
pub fn ask<'a>(
    context: &Context<'_>,
    command: RawDoc<'a>,
    name: &'static str,
) -> Result<Question<'a>> {
    let resolved = target(context, command)?;
    if resolved.is_view {
        return Err(CommandError::new(
            Code::CommandNotSupportedOnView,
            format!("Namespace {} is a view, not a collection", resolved.namespace),
        ));
    }
    let search = search(command, name)?;
    let request = FindRequest::read(search.as_raw())?;
    let variables = command.get("let").and_then(RawValue::as_document);
    let constants = context.constants(variables, resolved.order(request.collation.clone())?)?;
    let mut prepared = find::prepare(&resolved, &request, &constants)?;
    let removes = name == "delete" || command.get("remove").is_some_and(is_true);
    let stage = if removes { "DELETE" } else { "UPDATE" };
    let tree = std::mem::replace(&mut prepared.plan.tree, PlanNode::nothing());
    prepared.plan.tree = PlanNode::above(stage, tree, |_| {});
    let namespace = resolved.namespace.to_string();
    Ok(Question { namespace, prepared, command, is_pipeline: false, writes: false })
}

/// The find that finds what the write would change.
fn search(command: RawDoc<'_>, name: &str) -> Result<DocBuf> {
    let mut find = DocBuilder::new();
    find.append_i32("find", 1);
    let (statement, filter, all) = match name {
        "update" => {
            let statement = only_statement(command, "updates")?;
            (statement, "q", statement.get("multi").is_some_and(is_true))
        }
        "delete" => {
            let statement = only_statement(command, "deletes")?;
            (statement, "q", statement.get("limit").and_then(integer) == Some(0))
        }
        _ => (command, "query", false),
    };
    let same = ["sort", "hint", "collation"].map(|name| (name, name));
    for (from, to) in [(filter, "filter")].into_iter().chain(same) {
        if let Some(value) = statement.get(from) {
            find.append(to, value);
        }
    }
    if !all {
        find.append_i32("limit", 1);
    }
    Ok(find.finish())
}

fn only_statement<'a>(command: RawDoc<'a>, name: &str) -> Result<RawDoc<'a>> {
    let statements = command.get(name).and_then(RawValue::as_array).unwrap_or(RawDoc::EMPTY);
    let only = statements.nth(0).and_then(|element| element.value().as_document());
    match (only, statements.count()) {
        (Some(only), 1) => Ok(only),
        _ => {
            Err(CommandError::new(Code::InvalidLength, "explained write batches must be of size 1"))
        }
    }
}

fn is_true(value: RawValue<'_>) -> bool {
    value.as_bool().unwrap_or_else(|| integer(value).is_some_and(|n| n != 0))
}
