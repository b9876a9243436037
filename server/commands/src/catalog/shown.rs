//! Collections and indexes in the form clients see.
//!
//! Owns the documents of `listCollections` and `listIndexes`, and how a UUID is written.

use quire_bson::{DocBuf, DocBuilder, RawDoc, RawValue};
use quire_documents::{Collection, Index, Layout};

/// One element of `listCollections`.
pub fn collection(collection: &Collection, name_only: bool) -> DocBuf {
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
        b.append_doc("idIndex", on_id.spec.document.as_raw());
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
pub fn index(collection: &Collection, index: &Index) -> DocBuf {
    let clustered = collection.option("clusteredIndex").and_then(RawValue::as_document);
    match clustered.filter(|_| index.is_on_id()) {
        Some(clustered) => clustered_index(clustered),
        None => index.spec.document.clone(),
    }
}

fn clustered_index(option: RawDoc<'_>) -> DocBuf {
    let mut b = DocBuilder::new();
    for element in option {
        b.append_element(element);
    }
    b.append_bool("clustered", true);
    b.finish()
}
