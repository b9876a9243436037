//! Creating collections.
//!
//! Owns what a new collection gets: its ids, a random uuid, and its place in the catalogue, decided
//! under the catalogue's own order so that two creators make one collection. Which options are legal
//! is the command's affair.

use crate::{Patience, Sequencer};
use quire_bson::{DocBuf, ObjectId};
use quire_documents::{Catalog, Collection, Effect, Layout, Namespace};
use quire_errors::{Code, CommandError, Result};
use std::sync::Arc;

/// Where identities come from: the process has the clock and the randomness.
pub trait Identities: Send + Sync {
    /// An `_id` for a document that has none.
    fn object_id(&self) -> ObjectId;

    /// Sixty-four random bits.
    fn random(&self) -> u64;
}

/// A collection or view to create.
#[derive(Clone, Debug)]
pub struct NewCollection {
    pub namespace: Namespace,
    /// As `listCollections` shows them.
    pub options: DocBuf,
    pub layout: Layout,
}

/// What became of an attempt to create.
#[derive(Clone, Debug)]
pub enum Creation {
    Created,
    /// Something of that name was there first.
    Exists(Arc<Collection>),
}

/// Creates a collection or view unless one of that name exists.
pub async fn create_collection(
    sequencer: &Sequencer,
    identities: &dyn Identities,
    new: &NewCollection,
) -> Result<Creation> {
    create_collection_within(&Patience::endless(), sequencer, identities, new).await
}

/// [`create_collection`] for a command that need not see it: the patience may be over before it is
/// there.
pub async fn create_collection_within(
    patience: &Patience,
    sequencer: &Sequencer,
    identities: &dyn Identities,
    new: &NewCollection,
) -> Result<Creation> {
    check_creatable(&new.namespace)?;
    let uuid = random_uuid(identities);
    sequencer
        .change_catalog_within(patience, |catalog| {
            if let Some(there) = catalog.find(&new.namespace) {
                return Ok((Vec::new(), Creation::Exists(there.clone())));
            }
            check_case(catalog, new.namespace.database())?;
            let ids = catalog.next_ids();
            let effect = Effect::CreateCollection {
                id: ids.collection,
                namespace: new.namespace.clone(),
                uuid,
                options: new.options.clone(),
                layout: new.layout,
                id_index: ids.index,
            };
            Ok((vec![effect], Creation::Created))
        })
        .await
}

/// The collection a write goes to, created with default options if it is not there.
pub async fn ensure_collection(
    sequencer: &Sequencer,
    identities: &dyn Identities,
    namespace: &Namespace,
) -> Result<Arc<Collection>> {
    loop {
        if let Some(there) = sequencer.documents().catalog().find(namespace) {
            return Ok(there.clone());
        }
        let new = NewCollection {
            namespace: namespace.clone(),
            options: DocBuf::new(),
            layout: Layout::ById,
        };
        // It may be dropped again before the next look, so the loop.
        create_collection(sequencer, identities, &new).await?;
    }
}

/// Refuses names that no client may create.
pub fn check_creatable(namespace: &Namespace) -> Result<()> {
    if is_computed(namespace) {
        return Err(not_for_clients(namespace));
    }
    if namespace.is_system() && !namespace.is_known_system() {
        return Err(CommandError::new(
            Code::InvalidNamespace,
            format!("Invalid system namespace: {namespace}"),
        ));
    }
    Ok(())
}

/// Names under which something is shown that is stored otherwise: the configuration of a replica set,
/// which commands change, the records of sessions, the log, and the version of the data.
const COMPUTED: [(&str, &str); 4] = [
    ("admin", "system.version"),
    ("config", "transactions"),
    ("local", "oplog.rs"),
    ("local", "system.replset"),
];

fn is_computed(namespace: &Namespace) -> bool {
    COMPUTED.contains(&(namespace.database(), namespace.collection()))
}

fn not_for_clients(namespace: &Namespace) -> CommandError {
    CommandError::new(Code::InvalidNamespace, format!("cannot write to {namespace}"))
}

/// Refuses names that no client may write documents to.
pub fn check_writable(namespace: &Namespace) -> Result<()> {
    if matches!(namespace.collection(), "system.profile" | "system.views") {
        return Err(not_for_clients(namespace));
    }
    check_creatable(namespace)
}

/// Two databases may not differ in case only: file systems of other members may not tell them apart.
pub(crate) fn check_case(catalog: &Catalog, database: &str) -> Result<()> {
    match catalog.database_in_other_case(database) {
        None => Ok(()),
        Some(other) => Err(CommandError::new(
            Code::DatabaseDifferCase,
            format!(
                "db already exists with different case already have: [{other}] trying to create \
                 [{database}]"
            ),
        )),
    }
}

/// A version 4 UUID.
pub(crate) fn random_uuid(identities: &dyn Identities) -> [u8; 16] {
    let high = identities.random() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000;
    let low = identities.random() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000;
    (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
}
