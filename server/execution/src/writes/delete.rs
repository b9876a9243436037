//! Deleting documents.

use super::Writer;
use super::editing::{Edit, Editor, edit_all, edit_one};
use super::selection::Selection;
use crate::{CurrentRow, Rules};
use quire_documents::Collection;
use quire_errors::Result;

/// One delete statement.
#[derive(Debug)]
pub struct DeleteStatement {
    pub selection: Selection,
    /// All documents that match, not only the first.
    pub multi: bool,
}

/// Deletes every row that still matches.
pub(super) struct Deleting<'a>(pub(super) &'a Selection);

impl Editor for Deleting<'_> {
    fn edit(
        &self,
        _collection: &Collection,
        _rules: &Rules,
        row: &CurrentRow,
        matched: bool,
    ) -> Result<Edit> {
        let matches = matched || self.0.filter.matches(row.doc.as_raw())?;
        Ok(if matches { Edit::Delete } else { Edit::Unmatched })
    }
}

/// Runs a delete statement and tells how many documents it deleted.
pub async fn delete(writer: &Writer<'_>, statement: &DeleteStatement) -> Result<u64> {
    let selection = &statement.selection;
    let editor = Deleting(selection);
    if statement.multi {
        return Ok(edit_all(writer, selection, &editor).await?.modified);
    }
    let edited = edit_one(writer, selection, &editor).await?;
    Ok(u64::from(edited.is_some()))
}
