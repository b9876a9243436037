//! Replacement documents: everything but `_id` becomes different.

use super::timestamps::fill_timestamps;
use crate::Constants;
use quire_bson::{DocBuf, DocBuilder, RawDoc, RawElement, RawValue};
use quire_errors::{Code, CommandError, Result};
use std::cmp::Ordering;

/// Refuses top-level names with a dollar, but for those of a database reference.
pub(super) fn refuse_dollar_names(doc: RawDoc<'_>) -> Result<()> {
    let mut before: Option<RawElement<'_>> = None;
    let mut elements = doc.iter().peekable();
    while let Some(element) = elements.next() {
        let after = |name: &str| before.is_some_and(|before| before.key() == name);
        let is_text = element.value().as_str().is_some();
        let fine = match element.key() {
            "$ref" => is_text && elements.peek().is_some_and(|next| next.key() == "$id"),
            "$id" => after("$ref"),
            "$db" => is_text && after("$id"),
            name => !name.starts_with('$'),
        };
        if !fine {
            return Err(dollar_error(element.key()));
        }
        before = Some(element);
    }
    Ok(())
}

pub(super) fn dollar_error(name: &str) -> CommandError {
    CommandError::new(
        Code::DollarPrefixedFieldName,
        format!(
            "The dollar ($) prefixed field '{name}' in '{name}' is not allowed in the context of an \
             update's replacement document. Consider using an aggregation pipeline with \
             $replaceWith."
        ),
    )
}

/// The replacement with the `_id` of the document before and the time in its empty timestamps.
pub(super) fn replace(
    before: RawDoc<'_>,
    replacement: RawDoc<'_>,
    constants: &Constants,
) -> Result<DocBuf> {
    let after = keep_id(before, replacement)?;
    Ok(fill_timestamps(after.as_raw(), constants).unwrap_or(after))
}

/// The document after, with the `_id` of the document before, when there is one, in first place.
pub(super) fn keep_id(before: RawDoc<'_>, after: RawDoc<'_>) -> Result<DocBuf> {
    let old_id = element(before, "_id");
    let new_id = element(after, "_id");
    refuse_altered_id(old_id, new_id)?;
    let Some(id) = new_id.or(old_id) else {
        return Ok(DocBuf::from(after));
    };
    let mut out = DocBuilder::in_buffer(Vec::with_capacity(after.as_bytes().len() + 32));
    out.append_element(id);
    for element in after.iter().filter(|element| element.key_bytes() != b"_id") {
        out.append_element(element);
    }
    Ok(out.finish())
}

fn element<'a>(doc: RawDoc<'a>, name: &str) -> Option<RawElement<'a>> {
    doc.iter().find(|element| element.key_bytes() == name.as_bytes())
}

/// `_id` may be written anew only with an equal value.
fn refuse_altered_id(before: Option<RawElement<'_>>, after: Option<RawElement<'_>>) -> Result<()> {
    let (Some(before), Some(after)) = (before, after) else {
        return Ok(());
    };
    let (before, after) = (before.value(), after.value());
    if quire_bson::compare(before, after) == Ordering::Equal {
        return Ok(());
    }
    if let RawValue::Array(_) = after {
        return Err(CommandError::new(
            Code::NotSingleValueField,
            "After applying the update to the document, the (immutable) field '_id' was found to be \
             an array or array descendant.",
        ));
    }
    Err(CommandError::new(
        Code::ImmutableField,
        format!(
            "After applying the update, the (immutable) field '_id' was found to have been altered \
             to {}",
            crate::render::element("_id", after)
        ),
    ))
}
