//! The `collation` of commands and their statements, and what holds where none is given.

use crate::arguments::Arguments;
use crate::server::Context;
use quire_bson::RawDoc;
use quire_documents::Namespace;
use quire_errors::Result;
use quire_query::{Constants, ValueOrder};
use std::sync::Arc;

/// Takes the `collation` of a command or statement; `None` leaves it to the collection.
pub fn take(arguments: &mut Arguments<'_>) -> Result<Option<ValueOrder>> {
    read(arguments.optional_doc("collation")?)
}

/// Reads a `collation`; an empty document is as good as none.
pub fn read(spec: Option<RawDoc<'_>>) -> Result<Option<ValueOrder>> {
    let spec = spec.filter(|spec| !spec.is_empty());
    spec.map(|spec| quire_query::collation(spec).map(ValueOrder::new)).transpose()
}

/// The order in which statements on a collection compare that ask for none.
pub fn of_collection(context: &Context<'_>, namespace: &Namespace) -> ValueOrder {
    let catalog = context.server.documents.catalog();
    catalog.find(namespace).map(|collection| collection.order()).unwrap_or_default()
}

/// A command's constants for a statement with a collation of its own.
pub fn of_statement(constants: &Arc<Constants>, own: Option<&ValueOrder>) -> Arc<Constants> {
    match own {
        Some(order) if *order != constants.order => {
            Arc::new(Constants { order: order.clone(), ..Constants::clone(constants) })
        }
        _ => constants.clone(),
    }
}

#[cfg(test)]
mod tests;
