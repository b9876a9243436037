//! Filling a collection that takes the place of another one all at once.
//!
//! Owns the temporary collection: made with the options and indexes of the one it is to replace,
//! shown as `temp` while it is filled, and renamed in the same entry of the log that drops the other.
//! So readers see all of the old documents or all of the new ones, on every member.
//!
//! | the filling ends because | the temporary collection |
//! |---|---|
//! | all documents are in | takes the other's place |
//! | a document cannot be written, the other collection was changed meanwhile | is dropped |
//! | somebody dropped it, alone or with its database | stays dropped: nothing makes it again |
//! | its command was killed, ran out of time or lost its client | is dropped by who tends orphans |
//! | the process went down, or this member is primary no more | is dropped by who tends orphans on the next primary |

use crate::creation::{check_case, random_uuid};
use crate::wait::Signal;
use crate::writes::{self, InsertOptions, Writer};
use crate::{Identities, Sequencer};
use parking_lot::Mutex;
use quire_bson::{DocBuf, DocBuilder, RawDoc, RawValue, shell_text};
use quire_documents::{Catalog, Collection, Effect, IndexId, Layout, Namespace, NextIds};
use quire_errors::{Code, CommandError, Result};
use std::collections::HashSet;
use std::fmt::Write;
use std::sync::Arc;

/// How the names of temporary collections begin. Clients may make collections with such names; those
/// do not have the option.
const PREFIX: &str = "tmp.agg_out.";

/// The option that tells a temporary collection.
const TEMPORARY: &str = "temp";

/// The temporary collections that operations of this process are filling.
#[derive(Debug, Default)]
pub struct Temporaries {
    filled: Mutex<HashSet<[u8; 16]>>,
    changed: Signal,
}

impl Temporaries {
    /// Rings when a collection is filled no more.
    pub fn changed(&self) -> &Signal {
        &self.changed
    }

    fn claim(&self, uuid: [u8; 16]) -> Temporary<'_> {
        self.filled.lock().insert(uuid);
        Temporary { temporaries: self, uuid }
    }

    fn is_filled(&self, uuid: &[u8; 16]) -> bool {
        self.filled.lock().contains(uuid)
    }
}

/// A temporary collection that is being filled. Once this is dropped, the collection is an orphan.
#[derive(Debug)]
pub struct Temporary<'a> {
    temporaries: &'a Temporaries,
    uuid: [u8; 16],
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        self.temporaries.filled.lock().remove(&self.uuid);
        self.temporaries.changed.notify();
    }
}

/// What is known of the collection that is to be replaced.
#[derive(Debug, PartialEq, Eq)]
struct Before {
    options: DocBuf,
    /// The specifications of its indexes, that on `_id` first.
    indexes: Vec<DocBuf>,
}

impl Before {
    fn of(collection: Option<&Arc<Collection>>) -> Before {
        let Some(collection) = collection else {
            return Before { options: DocBuf::new(), indexes: Vec::new() };
        };
        let indexes = collection.indexes.iter().map(|index| index.spec.document.clone()).collect();
        Before { options: collection.options.clone(), indexes }
    }
}

/// A collection on its way into the place of another.
#[derive(Debug)]
pub struct Replacement<'a> {
    namespace: Namespace,
    target: Namespace,
    before: Before,
    temporary: Temporary<'a>,
}

impl<'a> Replacement<'a> {
    /// Makes the temporary collection, empty. `check` refuses a target that cannot be replaced.
    pub async fn begin(
        sequencer: &Sequencer,
        identities: &dyn Identities,
        temporaries: &'a Temporaries,
        target: &Namespace,
        check: impl Fn(&Collection) -> Result<()>,
    ) -> Result<Replacement<'a>> {
        let uuid = random_uuid(identities);
        let namespace = Namespace::new(target.database(), &temporary_name(uuid))
            .map_err(|error| CommandError::new(Code::InvalidNamespace, error.to_string()))?;
        // Before it is in the catalogue, so that nobody ever takes it for an orphan.
        let temporary = temporaries.claim(uuid);
        let before = sequencer
            .change_catalog(|catalog| {
                let there = catalog.find(target);
                there.map_or(Ok(()), |there| check(there))?;
                check_case(catalog, target.database())?;
                Ok((creation(catalog.next_ids(), &namespace, uuid, there), Before::of(there)))
            })
            .await?;
        Ok(Replacement { namespace, target: target.clone(), before, temporary })
    }

    /// The temporary collection.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Adds documents. `writer` says how; where to is known here.
    pub async fn insert(&self, writer: Writer<'_>, documents: &[RawDoc<'_>]) -> Result<()> {
        // Were it made anew, it would be a collection like any other, and nobody would drop it.
        let only = Some(self.temporary.uuid);
        let writer = Writer { namespace: &self.namespace, only, ..writer };
        let options = InsertOptions { ordered: true, keep_empty_timestamps: false, refuse: None };
        let inserted = writes::insert(&writer, documents, options).await?;
        inserted.errors.into_iter().next().map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Takes the other's place, unless that is not what it was at the beginning.
    pub async fn complete(&self, sequencer: &Sequencer) -> Result<()> {
        sequencer
            .change_catalog(|catalog| {
                let own = self.find(catalog).ok_or_else(|| self.dropped())?;
                let there = catalog.find(&self.target);
                self.check_unchanged(&Before::of(there))?;
                let rename = Effect::RenameCollection {
                    id: own.id,
                    to: self.target.clone(),
                    drop_target: there.map(|there| there.id),
                };
                let options = self.before.options.clone();
                Ok((vec![rename, Effect::ModifyCollection { id: own.id, options }], ()))
            })
            .await
    }

    /// Drops the temporary collection.
    pub async fn abandon(self, sequencer: &Sequencer) -> Result<()> {
        sequencer
            .change_catalog(|catalog| {
                let own = self.find(catalog);
                Ok((own.map(|own| Effect::DropCollection { id: own.id }).into_iter().collect(), ()))
            })
            .await
    }

    fn find<'c>(&self, catalog: &'c Catalog) -> Option<&'c Arc<Collection>> {
        catalog.find(&self.namespace).filter(|found| found.uuid == self.temporary.uuid)
    }

    fn dropped(&self) -> CommandError {
        CommandError::new(
            Code::NamespaceNotFound,
            format!("the collection {} was dropped meanwhile", self.namespace),
        )
    }

    fn check_unchanged(&self, now: &Before) -> Result<()> {
        let target = &self.target;
        let message = if now.options != self.before.options {
            format!(
                "collection options of target collection {target} changed during processing. \
                 Original options: {}, new options: {}",
                shell_text(self.before.options.as_raw()),
                shell_text(now.options.as_raw())
            )
        } else if now.indexes != self.before.indexes {
            format!("indexes of target collection {target} changed during processing.")
        } else {
            return Ok(());
        };
        Err(CommandError::new(Code::CommandFailed, message))
    }
}

fn temporary_name(uuid: [u8; 16]) -> String {
    let mut name = PREFIX.to_owned();
    for byte in uuid {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// The effects that make an empty collection like another one. Its indexes have nothing to be built
/// from, so they are ready at once.
fn creation(
    ids: NextIds,
    namespace: &Namespace,
    uuid: [u8; 16],
    like: Option<&Arc<Collection>>,
) -> Vec<Effect> {
    let mut options = DocBuilder::new();
    options.append_bool(TEMPORARY, true);
    for element in like.iter().flat_map(|like| like.options.as_raw().iter()) {
        options.append_element(element);
    }
    let mut effects = vec![Effect::CreateCollection {
        id: ids.collection,
        namespace: namespace.clone(),
        uuid,
        options: options.finish(),
        layout: like.map_or(Layout::ById, |like| like.layout),
        id_index: ids.index,
    }];
    let others = like.iter().flat_map(|like| like.indexes.iter().filter(|index| !index.is_on_id()));
    for (n, index) in (1u32..).zip(others) {
        let (collection, id) = (ids.collection, IndexId(ids.index.0.saturating_add(n)));
        let spec = index.spec.document.clone();
        effects.push(Effect::CreateIndex { collection, id, spec });
        effects.push(Effect::IndexReady { collection, index: id });
    }
    effects
}

/// Drops the temporary collections that nobody fills, and gives their names. A crash leaves such, and
/// every operation that was cut off.
pub async fn drop_orphans(
    sequencer: &Sequencer,
    temporaries: &Temporaries,
) -> Result<Vec<Namespace>> {
    let orphans = |catalog: &Catalog| -> Vec<Arc<Collection>> {
        let all = catalog.collections().filter(|collection| is_temporary(collection));
        all.filter(|collection| !temporaries.is_filled(&collection.uuid)).cloned().collect()
    };
    // Most of the time there are none, and then the log need not be asked.
    if orphans(&sequencer.documents().catalog()).is_empty() {
        return Ok(Vec::new());
    }
    sequencer
        .change_catalog(|catalog| {
            let found = orphans(catalog);
            let drops = found.iter().map(|found| Effect::DropCollection { id: found.id }).collect();
            Ok((drops, found.iter().map(|found| found.namespace.clone()).collect()))
        })
        .await
}

fn is_temporary(collection: &Collection) -> bool {
    collection.namespace.collection().starts_with(PREFIX)
        && collection.option(TEMPORARY).and_then(RawValue::as_bool) == Some(true)
}
