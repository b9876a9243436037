//! Changing one document and showing it.

use super::Writer;
use super::delete::Deleting;
use super::editing::edit_one;
use super::selection::Selection;
use super::update::{UpdateStatement, Updating};
use super::upsert::{Upserted, upsert};
use quire_bson::{Bson, DocBuf};
use quire_errors::Result;
use std::sync::Arc;

/// What was found and what became of it.
#[derive(Debug, Default)]
pub struct Found {
    /// The document before, unless it was inserted.
    pub before: Option<Arc<DocBuf>>,
    /// The document after, unless it was deleted.
    pub after: Option<Arc<DocBuf>>,
    pub modified: bool,
    /// The `_id` of the document that was inserted.
    pub upserted: Option<Bson>,
}

/// Updates the first document that matches, or inserts one.
pub async fn find_and_modify(writer: &Writer<'_>, statement: &UpdateStatement) -> Result<Found> {
    let UpdateStatement { selection, update, .. } = statement;
    let editor = Updating { writer, selection, update };
    let mut attempts = 0;
    loop {
        if let Some(edited) = edit_one(writer, selection, &editor).await? {
            return Ok(Found {
                before: Some(edited.before),
                after: edited.after,
                modified: edited.modified,
                upserted: None,
            });
        }
        if !statement.upsert {
            return Ok(Found::default());
        }
        attempts += 1;
        match upsert(writer, selection, update, attempts).await? {
            Upserted::Inserted { id, doc } => {
                return Ok(Found { after: Some(doc), upserted: Some(id), ..Found::default() });
            }
            Upserted::Overtaken => {}
        }
    }
}

/// Deletes the first document that matches.
pub async fn find_and_remove(writer: &Writer<'_>, selection: &Selection) -> Result<Found> {
    let edited = edit_one(writer, selection, &Deleting(selection)).await?;
    Ok(edited.map_or_else(Found::default, |edited| Found {
        before: Some(edited.before),
        modified: true,
        ..Found::default()
    }))
}
