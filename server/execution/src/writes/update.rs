//! Updating documents.

use super::Writer;
use super::editing::{Edit, Editor, edit_all, edit_one};
use super::selection::Selection;
use super::upsert::{Upserted, upsert};
use crate::{CurrentRow, Rules};
use quire_bson::{Bson, DocBuf};
use quire_documents::Collection;
use quire_errors::{Code, CommandError, Result};
use quire_query::update::{Applied, Update};

/// One update statement.
#[derive(Debug)]
pub struct UpdateStatement {
    pub selection: Selection,
    pub update: Update,
    /// All documents that match, not only the first.
    pub multi: bool,
    /// Inserts a document when none matches.
    pub upsert: bool,
}

/// What an update statement did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Updated {
    pub matched: u64,
    pub modified: u64,
    /// The `_id` of the document that was inserted.
    pub upserted: Option<Bson>,
}

/// Applies an update to rows that still match.
pub(super) struct Updating<'a> {
    pub(super) writer: &'a Writer<'a>,
    pub(super) selection: &'a Selection,
    pub(super) update: &'a Update,
}

impl Editor for Updating<'_> {
    fn edit(
        &self,
        collection: &Collection,
        rules: &Rules,
        row: &CurrentRow,
        matched: bool,
    ) -> Result<Edit> {
        let before = row.doc.as_raw();
        let filter = &self.selection.filter;
        let mut position = None;
        let matches = if self.update.needs_position() {
            filter.matches_at(before, &mut position)?
        } else {
            matched || filter.matches(before)?
        };
        if !matches {
            return Ok(Edit::Unmatched);
        }
        let Applied::Changed(after) = self.update.apply(before, position)? else {
            return Ok(Edit::Unchanged);
        };
        refuse_growth(collection, &row.doc, &after)?;
        if !self.writer.bypass_validation {
            rules.validate(collection, Some(before), after.as_raw(), self.writer.constants)?;
        }
        Ok(Edit::Replace(after))
    }
}

/// A document in a capped collection keeps its size, so that the bound of the collection holds.
fn refuse_growth(collection: &Collection, before: &DocBuf, after: &DocBuf) -> Result<()> {
    let (before, after) = (before.as_bytes().len(), after.as_bytes().len());
    if after <= before || collection.capped().is_none() {
        return Ok(());
    }
    Err(CommandError::new(
        Code::CannotGrowDocumentInCappedNamespace,
        format!("Cannot change the size of a document in a capped collection: {before} != {after}"),
    ))
}

/// Runs an update statement.
pub async fn update(writer: &Writer<'_>, statement: &UpdateStatement) -> Result<Updated> {
    let UpdateStatement { selection, update, multi, .. } = statement;
    let editor = Updating { writer, selection, update };
    let mut attempts = 0;
    loop {
        let updated = if *multi {
            let tally = edit_all(writer, selection, &editor).await?;
            Updated { matched: tally.matched, modified: tally.modified, upserted: None }
        } else {
            let edited = edit_one(writer, selection, &editor).await?;
            let modified = edited.as_ref().is_some_and(|edited| edited.modified);
            let matched = u64::from(edited.is_some());
            Updated { matched, modified: u64::from(modified), upserted: None }
        };
        if updated.matched > 0 || !statement.upsert {
            return Ok(updated);
        }
        attempts += 1;
        match upsert(writer, selection, update, attempts).await? {
            Upserted::Inserted { id, .. } => {
                return Ok(Updated { upserted: Some(id), ..Updated::default() });
            }
            Upserted::Overtaken => {}
        }
    }
}
