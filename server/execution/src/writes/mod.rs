//! Writing documents: from a client's statement to changes in their order.
//!
//! Owns how a statement is planned: which rows it means, what becomes of each, and what is done when
//! somebody else was quicker. Statements are evaluated outside of any lock over the applied state and
//! what is pending; the sequencer then accepts a change only if the row still is the one that was
//! evaluated. Never writes by itself: everything leaves through [`Sequencer::sequence`].
//!
//! | file | what it owns |
//! |---|---|
//! | `insert` | documents that are new |
//! | `update`, `delete`, `find_and_modify` | the statements over documents that are there |
//! | `selection` | which rows a statement means, and how they are searched |
//! | `editing` | carrying an edit through races, one row or many |
//! | `submit` | one batch through the sequencer |
//! | `numbering` | what is recorded of statements that a client may send again |
//! | `backlog` | what a command waits for at its end instead of in between |

mod backlog;
mod delete;
mod editing;
mod find_and_modify;
mod insert;
mod numbering;
mod selection;
mod submit;
mod update;
mod upsert;

pub use backlog::Backlog;
pub use delete::{DeleteStatement, delete};
pub use find_and_modify::{Found, find_and_modify, find_and_remove};
pub use insert::{InsertOptions, Inserted, insert};
pub use numbering::{Numbered, Numbering, Show, StatementIds};
pub use selection::Selection;
pub use submit::ends_command;
pub use update::{UpdateStatement, Updated, update};

use crate::{Identities, Patience, Sequencer, Watch};
use quire_documents::{Collection, Namespace};
use quire_errors::{Code, CommandError, Result};
use quire_log::Timestamp;
use quire_query::Constants;
use std::sync::Arc;

/// What a statement may reach, for as long as one command runs.
#[derive(Clone, Copy)]
pub struct Writer<'a> {
    pub sequencer: &'a Sequencer,
    pub watch: &'a dyn Watch,
    pub identities: &'a dyn Identities,
    pub namespace: &'a Namespace,
    /// The only collection that may have that name, by its uuid: none is made, and none that
    /// somebody else made is written to.
    pub only: Option<[u8; 16]>,
    pub constants: &'a Arc<Constants>,
    /// The collection's validator is not asked.
    pub bypass_validation: bool,
    /// How long the command waits for its commits.
    pub patience: &'a Patience,
    /// Where the waiting of a command with several statements is put off to. Its owner settles it.
    pub backlog: Option<&'a Backlog>,
    /// The command writes again before it looks at the applied state.
    pub more_follows: bool,
    /// The client may send the command again, so what the statement does is recorded.
    pub numbering: Option<Numbering<'a>>,
}

impl Writer<'_> {
    /// Waits until the applied state has all that this command wrote so far.
    async fn settled(&self) -> Result<()> {
        match self.backlog {
            Some(backlog) => backlog.settle(self.sequencer).await,
            None => Ok(()),
        }
    }

    /// Waits, now or at the end of the command, until a row of this revision is certain: nobody may
    /// hear of a write that could still be lost, unless the answer says so. False when it is lost.
    async fn certain(&self, revision: Timestamp) -> bool {
        match self.backlog {
            Some(backlog) => {
                backlog.note(revision);
                true
            }
            None => self.patience.wait(self.sequencer.reached(revision)).await.unwrap_or(true),
        }
    }

    /// The collection as it is now; a view is refused.
    fn collection(&self) -> Result<Option<Arc<Collection>>> {
        let catalog = self.sequencer.documents().catalog();
        let Some(collection) = catalog.find(self.namespace) else { return Ok(None) };
        refuse_view(collection)?;
        Ok(Some(collection.clone()))
    }

    /// The collection as it is now, created when it is not there.
    async fn ensured_collection(&self) -> Result<Arc<Collection>> {
        let there = self.collection()?;
        if let Some(uuid) = self.only {
            let there = there.filter(|there| there.uuid == uuid);
            return there.ok_or_else(|| {
                let namespace = self.namespace;
                let message = format!("the collection {namespace} was dropped meanwhile");
                CommandError::new(Code::NamespaceNotFound, message)
            });
        }
        if let Some(collection) = there {
            return Ok(collection);
        }
        let Writer { sequencer, identities, namespace, patience, .. } = *self;
        let ensured = crate::ensure_collection(sequencer, identities, namespace);
        let collection = patience.wait_first(ensured).await??;
        refuse_view(&collection)?;
        Ok(collection)
    }
}

fn refuse_view(collection: &Collection) -> Result<()> {
    if !collection.is_view() {
        return Ok(());
    }
    Err(CommandError::new(
        Code::CommandNotSupportedOnView,
        format!("Namespace {} is a view, not a collection", collection.namespace),
    ))
}
