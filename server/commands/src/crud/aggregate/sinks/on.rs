//! By which fields `$merge` finds a document's counterpart.

use quire_bson::{DocBuf, DocBuilder, ObjectId, RawDoc, RawValue};
use quire_documents::{Catalog, FieldOrder, Index, Namespace};
use quire_errors::{CommandError, Result};
use quire_query::ValueOrder;

/// The fields, each once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct On {
    fields: Vec<String>,
    /// The client has named them, so that it must be shown that they are unique.
    named: bool,
}

impl On {
    pub(super) fn the_id() -> On {
        On { fields: vec!["_id".to_owned()], named: false }
    }

    pub(super) fn parse(value: RawValue<'_>) -> Result<On> {
        let mut fields: Vec<String> = Vec::new();
        let named = match value {
            RawValue::String(name) => vec![name],
            RawValue::Array(names) => {
                names.iter().map(|name| one(name.value())).collect::<Result<_>>()?
            }
            other => {
                return Err(CommandError::location(
                    51186,
                    format!(
                        "$merge 'on' field must be either a string or an array of strings, but \
                         found {}",
                        other.type_name()
                    ),
                ));
            }
        };
        for name in named {
            check_path(name)?;
            if fields.iter().any(|known| known == name) {
                return Err(CommandError::location(
                    31465,
                    format!("Found a duplicate field '{name}'"),
                ));
            }
            fields.push(name.to_owned());
        }
        if fields.is_empty() {
            return Err(CommandError::location(
                51187,
                "If explicitly specifying $merge 'on', must include at least one field",
            ));
        }
        Ok(On { fields, named: true })
    }

    pub(super) fn has_id(&self) -> bool {
        self.fields.iter().any(|field| field == "_id")
    }

    /// Whether a document is found by its `_id` alone.
    pub(super) fn is_id_alone(&self) -> bool {
        self.fields.len() == 1 && self.has_id()
    }

    /// Refuses fields by which more than one document could be found.
    pub(super) fn check_unique(
        &self,
        catalog: &Catalog,
        target: &Namespace,
        order: &ValueOrder,
    ) -> Result<()> {
        let unique = match catalog.find(target) {
            _ if !self.named => true,
            None => self.is_id_alone(),
            Some(collection) => {
                collection.ready_indexes().any(|index| self.is_unique_by(index, order))
            }
        };
        if unique {
            return Ok(());
        }
        Err(CommandError::location(
            51183,
            "Cannot find index to verify that join fields will be unique",
        ))
    }

    fn is_unique_by(&self, index: &Index, order: &ValueOrder) -> bool {
        let spec = &index.spec;
        let plain = |order| matches!(order, FieldOrder::Ascending | FieldOrder::Descending);
        spec.unique
            && spec.partial_filter.is_none()
            && spec.order == *order
            && spec.fields.len() == self.fields.len()
            && spec.fields.iter().all(|field| {
                plain(field.order) && self.fields.iter().any(|own| **own == *field.path)
            })
    }

    /// The filter that finds the counterpart of a document.
    pub(super) fn filter(&self, doc: RawDoc<'_>) -> Result<DocBuf> {
        let mut filter = DocBuilder::new();
        for field in &self.fields {
            let value = value_at(doc, field)?;
            filter.append_with(field, |equals| {
                equals.append("$eq", value);
            });
        }
        Ok(filter.finish())
    }

    /// Whether an error says that another document with the same fields is there.
    pub(super) fn is_taken(&self, error: &CommandError) -> bool {
        let extra = RawDoc::from_validated(error.extra());
        let pattern = extra.get("keyPattern").and_then(RawValue::as_document);
        pattern.is_some_and(|pattern| {
            pattern.count() == self.fields.len()
                && self.fields.iter().all(|field| pattern.get(field).is_some())
        })
    }
}

fn one(name: RawValue<'_>) -> Result<&str> {
    name.as_str().ok_or_else(|| {
        CommandError::location(
            51134,
            format!("$merge 'on' array elements must be strings, but found {}", name.type_name()),
        )
    })
}

fn check_path(path: &str) -> Result<()> {
    if path.is_empty() {
        return Err(CommandError::location(
            40352,
            "FieldPath cannot be constructed with empty string",
        ));
    }
    for name in path.split('.') {
        if name.is_empty() {
            return Err(CommandError::location(
                15998,
                "FieldPath field names may not be empty strings.",
            ));
        }
        if name.starts_with('$') {
            return Err(CommandError::location(
                16410,
                format!(
                    "FieldPath field names may not start with '$'. Consider using $getField or \
                     $setField. (was '{name}')"
                ),
            ));
        }
    }
    Ok(())
}

fn value_at<'a>(doc: RawDoc<'a>, path: &str) -> Result<RawValue<'a>> {
    let refused = |code| {
        CommandError::location(
            code,
            "$merge write error: 'on' field cannot be missing, null, undefined or an array",
        )
    };
    let mut value = RawValue::Document(doc);
    for name in path.split('.') {
        let inside = value.as_document().and_then(|inside| inside.get(name));
        value = inside.unwrap_or(RawValue::Null);
        if matches!(value, RawValue::Array(_)) {
            return Err(refused(51185));
        }
    }
    match value {
        RawValue::Null | RawValue::Undefined => Err(refused(51132)),
        value => Ok(value),
    }
}

/// The document with its `_id` in first place, which `make` gives where there is none.
pub(super) fn with_id_first(doc: &DocBuf, make: impl FnOnce() -> ObjectId) -> DocBuf {
    let raw = doc.as_raw();
    let is_first = raw.nth(0).is_some_and(|first| first.key_bytes() == b"_id");
    if is_first {
        return doc.clone();
    }
    let mut out = DocBuilder::in_buffer(Vec::with_capacity(doc.as_bytes().len() + 17));
    match raw.get("_id") {
        Some(id) => out.append("_id", id),
        None => out.append("_id", RawValue::ObjectId(make())),
    };
    for element in raw.iter().filter(|element| element.key_bytes() != b"_id") {
        out.append_element(element);
    }
    out.finish()
}
