//! What each effect does to the catalogue.
//!
//! Owns the one function by which a catalogue changes, used for applying and by a leader that looks
//! ahead over effects it has proposed. Total and deterministic: an effect that does not fit is
//! refused and changes nothing.

use super::{Catalog, Collection, FieldOrder, Index, IndexPlace, IndexSpec, IndexState, Layout};
use crate::effect::Effect;
use crate::{CollectionId, IndexId};
use quire_bson::RawValue;
use std::sync::Arc;

/// Why an effect does not fit the catalogue. A leader that checks before it proposes never causes
/// one; applying counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("there is no such collection")]
    NoCollection,
    #[error("there is no such index")]
    NoIndex,
    #[error("the name or id is taken")]
    Taken,
    #[error("the index specification does not hold")]
    Spec,
}

impl Catalog {
    /// Makes the change of an effect; effects on rows and sessions change nothing.
    pub fn change(&mut self, effect: &Effect) -> Result<(), Refused> {
        match effect {
            Effect::CreateCollection { id, .. } => {
                self.create(effect)?;
                self.ids.collection = self.ids.collection.max(CollectionId(id.0.saturating_add(1)));
                Ok(())
            }
            Effect::DropCollection { id } => {
                self.remove(*id).map(|_| ()).ok_or(Refused::NoCollection)
            }
            Effect::RenameCollection { id, to, drop_target } => {
                let in_the_way = self.find(to).map(|collection| collection.id);
                if in_the_way != *drop_target || in_the_way == Some(*id) {
                    return Err(Refused::Taken);
                }
                let mut collection = self.collection(*id).ok_or(Refused::NoCollection)?.clone();
                if let Some(target) = drop_target {
                    self.remove(*target);
                }
                self.remove(*id);
                let renamed = Arc::make_mut(&mut collection);
                renamed.namespace = to.clone();
                renamed.version = renamed.version.saturating_add(1);
                self.insert(collection);
                Ok(())
            }
            Effect::ModifyCollection { id, options } => self.edit(*id, |collection| {
                collection.options = options.clone();
                Ok(())
            }),
            Effect::CreateIndex { collection, id, spec } => {
                let spec = IndexSpec::parse(spec.clone()).map_err(|_| Refused::Spec)?;
                self.edit(*collection, |collection| add_index(collection, *id, spec))?;
                self.use_index_id(*id);
                Ok(())
            }
            Effect::IndexReady { collection, index } => self.edit_index(*collection, *index, |i| {
                i.state = IndexState::Ready;
                Ok(())
            }),
            Effect::DropIndex { collection, index } => self.edit(*collection, |collection| {
                let droppable = |i: &Arc<Index>| i.id == *index && !i.is_on_id();
                let found = collection.indexes.iter().position(droppable);
                collection.indexes.remove(found.ok_or(Refused::NoIndex)?);
                Ok(())
            }),
            Effect::ModifyIndex { collection, index, spec } => {
                let spec = IndexSpec::parse(spec.clone()).map_err(|_| Refused::Spec)?;
                self.edit_index(*collection, *index, |i| {
                    // entries were made for this name and these fields
                    let same = spec.name == i.spec.name && spec.fields == i.spec.fields;
                    if !same {
                        return Err(Refused::Spec);
                    }
                    i.spec = spec;
                    Ok(())
                })
            }
            Effect::InsertRow { .. }
            | Effect::ReplaceRow { .. }
            | Effect::DeleteRow { .. }
            | Effect::IndexRows { .. }
            | Effect::RecordStatements { .. }
            | Effect::ForgetSession { .. }
            | Effect::Noop { .. } => Ok(()),
        }
    }

    /// Notes that documents had arrays on the paths of these fields.
    pub(crate) fn add_multikey(&mut self, collection: CollectionId, index: IndexId, fields: u32) {
        // a missing index has no flag to set
        let _ = self.edit_index(collection, index, |i| {
            i.multikey |= fields;
            Ok(())
        });
    }

    fn create(&mut self, effect: &Effect) -> Result<(), Refused> {
        let Effect::CreateCollection { id, namespace, uuid, options, layout, id_index } = effect
        else {
            return Ok(());
        };
        let taken = self.names.contains_key(id) || self.find(namespace).is_some();
        if taken || !has_end(id.0) || !has_end(id_index.0) {
            return Err(Refused::Taken);
        }
        let place = match layout {
            Layout::ById => Some(IndexPlace::Rows),
            Layout::ByRevision => Some(IndexPlace::Entries),
            Layout::View => None,
        };
        let spec = match options.as_raw().get("collation").and_then(RawValue::as_document) {
            // Rows that are keyed by `_id` compare as bytes.
            Some(_) if *layout == Layout::ById => return Err(Refused::Spec),
            Some(collation) => IndexSpec::on_id_by(collation).map_err(|_| Refused::Spec)?,
            None => IndexSpec::on_id(),
        };
        let on_id = place.map(|place| Index {
            id: *id_index,
            collection: *id,
            spec,
            state: IndexState::Ready,
            place,
            multikey: 0,
        });
        if on_id.is_some() {
            self.use_index_id(*id_index);
        }
        self.insert(Arc::new(Collection {
            id: *id,
            namespace: namespace.clone(),
            uuid: *uuid,
            options: options.clone(),
            layout: *layout,
            version: 1,
            indexes: on_id.into_iter().map(Arc::new).collect(),
        }));
        Ok(())
    }

    fn use_index_id(&mut self, id: IndexId) {
        self.ids.index = self.ids.index.max(IndexId(id.0.saturating_add(1)));
    }

    fn edit(
        &mut self,
        id: CollectionId,
        edit: impl FnOnce(&mut Collection) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let mut collection = self.collection(id).ok_or(Refused::NoCollection)?.clone();
        let edited = Arc::make_mut(&mut collection);
        edit(edited)?;
        edited.version = edited.version.saturating_add(1);
        self.insert(collection);
        Ok(())
    }

    fn edit_index(
        &mut self,
        collection: CollectionId,
        index: IndexId,
        edit: impl FnOnce(&mut Index) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        self.edit(collection, |collection| {
            let found = collection.indexes.iter_mut().find(|i| i.id == index);
            edit(Arc::make_mut(found.ok_or(Refused::NoIndex)?))
        })
    }
}

fn add_index(collection: &mut Collection, id: IndexId, spec: IndexSpec) -> Result<(), Refused> {
    if collection.is_view() {
        return Err(Refused::NoCollection);
    }
    let taken = |other: &Arc<Index>| other.id == id || other.spec.name == spec.name;
    if collection.indexes.iter().any(taken) || !has_end(id.0) {
        return Err(Refused::Taken);
    }
    let special = spec.fields.iter().any(|field| field.order == FieldOrder::Special);
    collection.indexes.push(Arc::new(Index {
        id,
        collection: collection.id,
        spec,
        state: IndexState::Building,
        place: if special { IndexPlace::Nowhere } else { IndexPlace::Entries },
        multikey: 0,
    }));
    Ok(())
}

/// The keys of the very last id would form a range without an end, which cannot be dropped.
fn has_end(id: u32) -> bool {
    id != u32::MAX
}
