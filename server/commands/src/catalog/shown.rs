//! Collections and indexes in the form clients see.
//!
//! Owns the documents of `listCollections` and `listIndexes`, and how a UUID is written.

use crate::persona::{Behaviour, Persona};
use quire_bson::{DocBuf, DocBuilder, RawDoc, RawValue};
use quire_documents::{Collection, Index, Layout};

/// One element of `listCollections`.
pub fn collection(persona: Persona, collection: &Collection, name_only: bool) -> DocBuf {
    let mut b = DocBuilder::new();
    b.append_str("name", collection.namespace.collection());
    b.append_str("type", if collection.is_view() { "view" } else { "collection" });
    if name_only {
        return b.finish();
    }
    b.append_doc("options", collection.options.as_raw());
    b.append_with("info", |info| {
        info.append_bool("readOnly", collection.is_view());
        if !collection.is_view() {
            info.append("uuid", uuid(collection));
        }
    });
    if collection.option("clusteredIndex").is_none()
        && let Some(on_id) = collection.id_index()
    {
        b.append_doc("idIndex", specification(persona, collection, on_id).as_raw());
    }
    b.finish()
}

/// The `uuid` of a collection.
pub fn uuid(collection: &Collection) -> RawValue<'_> {
    RawValue::Binary { subtype: 4, bytes: &collection.uuid }
}

/// The options with the collection's UUID in front, as error messages quote them.
pub fn options_with_uuid(collection: &Collection) -> DocBuf {
    let mut b = DocBuilder::new();
    if collection.layout != Layout::View {
        b.append("uuid", uuid(collection));
    }
    for element in collection.options.as_raw() {
        b.append_element(element);
    }
    b.finish()
}

/// An index's specification: what `listIndexes` gives of it. That of a clustered collection's `_id`
/// is an option of the collection.
pub fn index(persona: Persona, collection: &Collection, index: &Index) -> DocBuf {
    let clustered = collection.option("clusteredIndex").and_then(RawValue::as_document);
    match clustered.filter(|_| index.is_on_id()) {
        Some(clustered) => clustered_index(clustered),
        None => specification(persona, collection, index),
    }
}

/// Old versions tell with each index whose it is.
fn specification(persona: Persona, collection: &Collection, index: &Index) -> DocBuf {
    let document = &index.spec.document;
    if !persona.has(Behaviour::IndexNamespaces) {
        return document.clone();
    }
    let mut b = DocBuilder::new();
    for element in document.as_raw() {
        b.append_element(element);
    }
    b.append_str("ns", &collection.namespace.to_string());
    b.finish()
}

fn clustered_index(option: RawDoc<'_>) -> DocBuf {
    let mut b = DocBuilder::new();
    for element in option {
        b.append_element(element);
    }
    b.append_bool("clustered", true);
    b.finish()
}
