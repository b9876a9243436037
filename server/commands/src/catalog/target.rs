//! What a catalogue command is aimed at: a collection that is there and is no view.

use quire_documents::{Catalog, Collection, Namespace};
use quire_errors::{Code, CommandError, Result};
use std::sync::Arc;

/// Refuses a view where only a collection makes sense.
pub fn refuse_view(collection: &Collection) -> Result<()> {
    if !collection.is_view() {
        return Ok(());
    }
    Err(CommandError::new(
        Code::CommandNotSupportedOnView,
        format!("Namespace {} is a view, not a collection", collection.namespace),
    ))
}

/// The collection of this name, no view; `missing` words the error when there is none.
pub fn existing<'c>(
    catalog: &'c Catalog,
    namespace: &Namespace,
    missing: impl FnOnce() -> String,
) -> Result<&'c Arc<Collection>> {
    let found = catalog.find(namespace);
    let collection = found.ok_or_else(|| CommandError::new(Code::NamespaceNotFound, missing()))?;
    refuse_view(collection)?;
    Ok(collection)
}
