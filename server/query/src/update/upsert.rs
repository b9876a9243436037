//! The document from which an upsert starts: what the filter says a match must equal.

use crate::filter::Filter;
use quire_bson::{Bson, DocBuf, DocBuilder, Document};
use quire_errors::{Code, CommandError, Result};

/// The fields that `filter` pins, dotted paths made into documents, `_id` first.
pub(super) fn base(filter: &Filter) -> Result<DocBuf> {
    let mut equalities = filter.equalities();
    // Stable, so all but `_id` keep the order of the filter.
    equalities.sort_by_key(|(path, _)| path != "_id");
    refuse_conflicts(&equalities)?;
    let mut base = Document::new();
    for (path, value) in equalities {
        refuse_partial_id(&path)?;
        put(&mut base, &path, value);
    }
    Ok(DocBuf::from(&base))
}

/// The same for a replacement, which takes only `_id` from the filter.
pub(super) fn base_for_replacement(filter: &Filter) -> Result<DocBuf> {
    let equalities = filter.equalities();
    let mut ids = equalities.iter().filter(|(path, _)| path == "_id" || path.starts_with("_id."));
    let mut base = DocBuilder::new();
    if let Some((path, value)) = ids.next() {
        refuse_partial_id(path)?;
        base.append_bson("_id", value);
    }
    if ids.next().is_some() {
        return Err(matched_twice("_id"));
    }
    Ok(base.finish())
}

fn refuse_partial_id(path: &str) -> Result<()> {
    if !path.starts_with("_id.") {
        return Ok(());
    }
    Err(CommandError::new(
        Code::NotExactValueField,
        format!("field at '_id' must be exactly specified, field at sub-path '{path}'found"),
    ))
}

fn refuse_conflicts(equalities: &[(String, Bson)]) -> Result<()> {
    let mut paths: Vec<&str> = equalities.iter().map(|(path, _)| path.as_str()).collect();
    // By components, so that a path stands right before those below it.
    paths.sort_by(|a, b| a.split('.').cmp(b.split('.')));
    for pair in paths.windows(2) {
        let [above, path] = pair else {
            continue;
        };
        if above == path {
            return Err(matched_twice(path));
        }
        if path.strip_prefix(above).is_some_and(|rest| rest.starts_with('.')) {
            return Err(CommandError::new(
                Code::NotSingleValueField,
                format!(
                    "cannot infer query fields to set, both paths '{path}' and '{above}' are \
                     matched"
                ),
            ));
        }
    }
    Ok(())
}

fn matched_twice(path: &str) -> CommandError {
    CommandError::new(
        Code::NotSingleValueField,
        format!("cannot infer query fields to set, path '{path}' is matched twice"),
    )
}

/// Puts a value at a dotted path. No two paths conflict, so every level on the way is a document.
fn put(doc: &mut Document, path: &str, value: Bson) {
    match path.split_once('.') {
        None => {
            doc.insert(path, value);
        }
        Some((name, rest)) => {
            if !matches!(doc.get(name), Some(Bson::Document(_))) {
                doc.insert(name, Document::new());
            }
            if let Some(Bson::Document(inner)) = doc.get_mut(name) {
                put(inner, rest, value);
            }
        }
    }
}
