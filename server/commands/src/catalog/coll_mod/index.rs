//! What `collMod` changes of an index.

use super::super::index_spec::{expire_after, same_pattern};
use super::invalid;
use crate::arguments::Arguments;
use crate::server::Context;
use quire_bson::{DocBuf, DocBuilder, RawDoc, RawValue, shell_text};
use quire_documents::{Collection, Effect, Index};
use quire_errors::{Code, CommandError, Result};
use quire_execution::index_build::{Duplicate, find_duplicates};
use quire_execution::local_failure;
use std::sync::Arc;

/// How many values that stand in the way of uniqueness are shown.
const VIOLATIONS_MAX: usize = 1000;

#[derive(Clone, Debug)]
enum Wanted {
    Name(String),
    Key(DocBuf),
}

/// The index a request names, and the options that change.
#[derive(Clone, Debug)]
pub struct IndexChange {
    wanted: Wanted,
    expire_after: Option<i32>,
    hidden: Option<bool>,
    prepare_unique: Option<bool>,
    unique: bool,
}

impl IndexChange {
    pub fn read(given: RawDoc<'_>) -> Result<IndexChange> {
        let mut arguments = Arguments::nested("collMod.index", given)?;
        let name = arguments.optional_str("name")?;
        let key = arguments.optional_doc("keyPattern")?;
        let expire = arguments.take("expireAfterSeconds");
        let hidden = arguments.optional_flag("hidden")?;
        let prepare_unique = arguments.optional_flag("prepareUnique")?;
        let unique = arguments.optional_flag("unique")?;
        if let Some(value) = expire.filter(|value| !value.is_number()) {
            return Err(arguments.wrong_type("expireAfterSeconds", value, "long"));
        }
        arguments.finish()?;
        let wanted = match (name, key) {
            (Some(_), Some(_)) => return Err(invalid("Cannot specify both key pattern and name.")),
            (None, None) => return Err(invalid("Must specify either index name or key pattern.")),
            (Some(name), None) => Wanted::Name(name.to_owned()),
            (None, Some(key)) => Wanted::Key(key.into()),
        };
        if expire.is_none() && hidden.is_none() && prepare_unique.is_none() && unique.is_none() {
            return Err(invalid("no expireAfterSeconds, hidden, unique, or prepareUnique field"));
        }
        if unique == Some(false) {
            return Err(CommandError::bad_value("'unique: false' is not supported"));
        }
        Ok(IndexChange {
            wanted,
            expire_after: expire.map(expire_after).transpose()?,
            hidden,
            prepare_unique,
            unique: unique.is_some(),
        })
    }

    /// True when the index is to become unique.
    pub fn converts(&self) -> bool {
        self.unique
    }

    pub fn find(&self, collection: &Collection) -> Result<Arc<Index>> {
        super::super::target::refuse_view(collection)?;
        let not_found = |what: String| {
            let namespace = &collection.namespace;
            CommandError::new(
                Code::IndexNotFound,
                format!("cannot find index {what} for ns {namespace}"),
            )
        };
        match &self.wanted {
            Wanted::Name(name) => {
                collection.index_by_name(name).cloned().ok_or_else(|| not_found(name.clone()))
            }
            Wanted::Key(key) => {
                let key = key.as_raw();
                let mut like =
                    collection.indexes.iter().filter(|i| same_pattern(i.spec.key(), key));
                match (like.next(), like.next()) {
                    (Some(index), None) => Ok(index.clone()),
                    (None, _) => Err(not_found(shell_text(key))),
                    (Some(_), Some(_)) => Err(CommandError::new(
                        Code::AmbiguousIndexKeyPattern,
                        format!(
                            "index keyPattern {} matches more than one index, must use index name",
                            shell_text(key)
                        ),
                    )),
                }
            }
        }
    }

    /// The effect, and the old and new values for the reply.
    pub fn plan(&self, collection: &Collection, reply: &mut DocBuilder) -> Result<Option<Effect>> {
        let index = self.find(collection)?;
        self.check(collection, &index)?;
        let spec = &index.spec;
        let mut edited = spec.document.clone();
        if let Some(seconds) = self.expire_after {
            if let Some(old) = spec.expire_after_seconds {
                reply.append_i64("expireAfterSeconds_old", old);
            }
            reply.append_i64("expireAfterSeconds_new", i64::from(seconds));
            edited = with(&edited, "expireAfterSeconds", Some(RawValue::Int32(seconds)));
        }
        let flags = [
            ("hidden", self.hidden, spec.hidden),
            ("prepareUnique", self.prepare_unique.filter(|_| !spec.unique), spec.prepare_unique),
        ];
        for (name, new, old) in flags {
            let Some(new) = new.filter(|new| *new != old) else { continue };
            reply.append_bool(&format!("{name}_old"), old);
            reply.append_bool(&format!("{name}_new"), new);
            edited = with(&edited, name, new.then_some(RawValue::Boolean(true)));
        }
        if self.unique && !spec.unique {
            reply.append_bool("unique_new", true);
            edited = with(&edited, "prepareUnique", None);
            edited = with(&edited, "unique", Some(RawValue::Boolean(true)));
        }
        if edited == spec.document {
            return Ok(None);
        }
        let (collection, index) = (collection.id, index.id);
        Ok(Some(Effect::ModifyIndex { collection, index, spec: edited }))
    }

    fn check(&self, collection: &Collection, index: &Index) -> Result<()> {
        if index.is_on_id() {
            if self.hidden == Some(true) {
                return Err(CommandError::bad_value("can't hide _id index"));
            }
            if self.expire_after.is_some() {
                return Err(invalid("the _id field does not support TTL indexes"));
            }
        }
        if self.expire_after.is_some() {
            if index.spec.fields.len() > 1 {
                return Err(invalid(
                    "TTL indexes are single-field indexes, compound indexes do not support TTL",
                ));
            }
            if collection.capped().is_some() {
                return Err(invalid("TTL indexes are not supported for capped collections."));
            }
        }
        if self.unique && !index.spec.unique && !index.spec.prepare_unique {
            return Err(invalid(
                "Cannot make index unique with 'prepareUnique=false'. Run collMod to set it first.",
            ));
        }
        Ok(())
    }
}

/// A specification with one option set, or without it.
fn with(spec: &DocBuf, name: &str, value: Option<RawValue<'_>>) -> DocBuf {
    let mut b = DocBuilder::new();
    let mut value = value;
    for element in spec.as_raw() {
        if element.key() != name {
            b.append_element(element);
        } else if let Some(value) = value.take() {
            b.append(name, value);
        }
    }
    if let Some(value) = value {
        b.append(name, value);
    }
    b.finish()
}

/// Refuses to make an index unique that holds a value twice. No new ones can come: the index is
/// prepared to be unique, which writers respect.
pub async fn check_unique(
    context: &Context<'_>,
    collection: &Arc<Collection>,
    change: &IndexChange,
) -> Result<()> {
    let index = change.find(collection)?;
    change.check(collection, &index)?;
    if index.spec.unique {
        return Ok(());
    }
    let server = context.server;
    server.sequencer.caught_up().await;
    let watch = context.operation.as_ref();
    let found = find_duplicates(&server.sequencer, &index, watch, VIOLATIONS_MAX).await?;
    if found.is_empty() {
        return Ok(());
    }
    let mut extra = DocBuilder::new();
    let ids: Vec<Vec<DocBuf>> =
        found.iter().map(|d| ids(context, collection, d)).collect::<Result<_>>()?;
    extra.append_array("violations", |violations| {
        for ids in &ids {
            violations.push_with(|violation| {
                violation.append_array("ids", |list| {
                    for id in ids.iter().filter_map(|id| id.as_raw().nth(0)) {
                        list.push(id.value());
                    }
                });
            });
        }
    });
    Err(CommandError::new(
        Code::CannotConvertIndexToUnique,
        "Cannot convert the index to unique. Please resolve conflicting documents before running \
         collMod again.",
    )
    .with_extra(extra.finish().into_bytes()))
}

/// The `_id`s of documents that share a value, each in a document of its own.
fn ids(
    context: &Context<'_>,
    collection: &Collection,
    duplicate: &Duplicate,
) -> Result<Vec<DocBuf>> {
    let view = context.server.documents.live();
    let row_keys: Vec<&[u8]> = duplicate.row_keys.iter().map(Vec::as_slice).collect();
    let mut ids = Vec::new();
    view.get_rows(collection.id, &row_keys, &mut |_, row| {
        let Some(id) = row.and_then(|row| row.doc.get("_id")) else { return };
        let mut b = DocBuilder::new();
        b.append("_id", id);
        ids.push(b.finish());
    })
    .map_err(local_failure)?;
    Ok(ids)
}
