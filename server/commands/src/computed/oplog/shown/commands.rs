//! Changes of the catalogue, as the commands that the oplog has for them.

use super::{Operation, Target, target};
use quire_bson::{DocBuf, DocBuilder, RawDoc, RawValue, doc};
use quire_documents::{CollectionId, Effect, Effects, IndexId, Layout, Namespace};

/// Properties of an index that `collMod` can change.
const MODIFIABLE: [&str; 4] = ["expireAfterSeconds", "hidden", "unique", "prepareUnique"];

/// `None` where the entry does not tell what it is about, or when the effect is no such change.
pub(super) fn of<'a>(content: &'a Effects, effect: &'a Effect) -> Option<Operation<'a>> {
    match effect {
        Effect::CreateCollection { namespace, uuid, options, layout, .. } => {
            let target = Target { uuid, namespace };
            Some(Operation::Command { target, o: creation(namespace, options, *layout), o2: None })
        }
        Effect::DropCollection { id } => on(content, *id, |b, target| {
            b.append_str("drop", target.namespace.collection());
        }),
        Effect::RenameCollection { id, to, drop_target } => on(content, *id, |b, renamed| {
            b.append_str("renameCollection", &renamed.namespace.to_string());
            b.append_str("to", &to.to_string()).append_bool("stayTemp", false);
            if let Some(dropped) = drop_target.and_then(|id| target(content, id)) {
                b.append("dropTarget", RawValue::Binary { subtype: 4, bytes: dropped.uuid });
            }
        }),
        Effect::ModifyCollection { id, options } => on(content, *id, |b, target| {
            b.append_str("collMod", target.namespace.collection());
            append_all(b, options.as_raw());
        }),
        Effect::CreateIndex { collection, spec, .. } => on(content, *collection, |b, target| {
            b.append_str("createIndexes", target.namespace.collection());
            append_all(b, spec.as_raw());
        }),
        Effect::ModifyIndex { collection, spec, .. } => on(content, *collection, |b, target| {
            b.append_str("collMod", target.namespace.collection());
            b.append_with("index", |index| append_modified(index, spec.as_raw()));
        }),
        Effect::DropIndex { collection, index } => drop_of(content, *collection, *index),
        _ => None,
    }
}

fn on<'a>(
    content: &'a Effects,
    id: CollectionId,
    build: impl FnOnce(&mut DocBuilder, &Target<'_>),
) -> Option<Operation<'a>> {
    let target = target(content, id)?;
    let mut o = DocBuilder::new();
    build(&mut o, &target);
    Some(Operation::Command { target, o: o.finish(), o2: None })
}

fn creation(namespace: &Namespace, options: &DocBuf, layout: Layout) -> DocBuf {
    let mut o = DocBuilder::new();
    o.append_str("create", namespace.collection());
    append_all(&mut o, options.as_raw());
    if layout != Layout::View && options.as_raw().get("clusteredIndex").is_none() {
        let on_id = DocBuf::from(&doc! { "v": 2, "key": { "_id": 1 }, "name": "_id_" });
        o.append_doc("idIndex", on_id.as_raw());
    }
    o.finish()
}

fn drop_of(content: &Effects, id: CollectionId, index: IndexId) -> Option<Operation<'_>> {
    let spec = content.names.index(index)?;
    let target = target(content, id)?;
    let mut o = DocBuilder::new();
    o.append_str("dropIndexes", target.namespace.collection());
    o.append("index", spec.as_raw().get("name").unwrap_or(RawValue::Null));
    Some(Operation::Command { target, o: o.finish(), o2: Some(spec.clone()) })
}

fn append_modified(b: &mut DocBuilder, spec: RawDoc<'_>) {
    for element in spec {
        if element.key() == "name" || MODIFIABLE.contains(&element.key()) {
            b.append_element(element);
        }
    }
}

fn append_all(b: &mut DocBuilder, options: RawDoc<'_>) {
    for element in options {
        b.append_element(element);
    }
}
