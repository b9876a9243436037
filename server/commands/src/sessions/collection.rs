//! `config.system.sessions`: the sessions of all members.
//!
//! Owns the collection: that it is there with the index by which sessions expire, and how sessions
//! are written to it. Only a primary writes it, when there is something to write.

use super::{Changes, SessionEntry, SessionKey};
use crate::Server;
use crate::catalog::Unasked;
use quire_bson::{DocBuf, RawValue, doc};
use quire_documents::{Catalog, Collection, Effect, Layout, Namespace, id_row_key};
use quire_errors::{Code, CommandError, Result};
use quire_execution::index_build::{self, Build};
use quire_execution::{Change, NewCollection, Refusal, create_collection, local_failure};
use std::sync::Arc;

const DATABASE: &str = "config";
const COLLECTION: &str = "system.sessions";

/// The index by which sessions expire.
const INDEX: &str = "lsidTTLIndex";

/// Sessions that one entry of the log writes.
const BATCH: usize = 1000;

pub fn namespace() -> Result<Namespace> {
    crate::server::namespace(DATABASE, COLLECTION)
}

/// Writes what has changed.
pub(super) async fn write(server: &Server, changes: &Changes) -> Result<()> {
    for used in changes.used.chunks(BATCH) {
        let put = |collection: &Collection| puts(server, collection, used);
        write_batch(server, &put).await?;
    }
    for ended in changes.ended.chunks(BATCH) {
        let delete = |collection: &Collection| deletes(server, collection, ended);
        write_batch(server, &delete).await?;
    }
    Ok(())
}

/// When a session was used last according to the collection.
pub(super) fn last_use(server: &Server, key: &SessionKey) -> Result<Option<i64>> {
    let view = server.documents.live();
    let Some(collection) = view.catalog().find_by_name(DATABASE, COLLECTION) else {
        return Ok(None);
    };
    let mut found = None;
    view.get_row(collection.id, &row_key(key), &mut |row| {
        if let Some(RawValue::DateTime(millis)) = row.doc.get("lastUse") {
            found = Some(millis);
        }
    })
    .map_err(local_failure)?;
    Ok(found)
}

fn row_key(key: &SessionKey) -> Vec<u8> {
    let id = DocBuf::from(&super::lsid::whole_of(key));
    id_row_key(RawValue::Document(id.as_raw()))
}

/// Those that the collection does not show as used so lately.
fn puts(server: &Server, collection: &Collection, used: &[SessionEntry]) -> Result<Vec<Change>> {
    let mut changes = Vec::with_capacity(used.len());
    for session in used {
        let (row_key, doc) = (row_key(&session.key), Arc::new(session.document()));
        let partial = Vec::new();
        match server.sequencer.current(collection, &row_key)? {
            Some(seen) if last_use_in(&seen.doc) >= Some(session.last_use_millis) => {}
            Some(seen) => changes.push(Change::Replace { row_key, seen, doc, partial }),
            None => changes.push(Change::Insert { doc, partial }),
        }
    }
    Ok(changes)
}

fn last_use_in(doc: &DocBuf) -> Option<i64> {
    match doc.as_raw().get("lastUse") {
        Some(RawValue::DateTime(millis)) => Some(millis),
        _ => None,
    }
}

fn deletes(server: &Server, collection: &Collection, ended: &[SessionKey]) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for key in ended {
        let row_key = row_key(key);
        if let Some(seen) = server.sequencer.current(collection, &row_key)? {
            changes.push(Change::Delete { row_key, seen });
        }
    }
    Ok(changes)
}

/// Writes one batch. A row that changed meanwhile was written by somebody who knew no less.
async fn write_batch(
    server: &Server,
    plan: &(dyn Fn(&Collection) -> Result<Vec<Change>> + Sync),
) -> Result<()> {
    let sequencer = &server.sequencer;
    loop {
        let collection = set_up(server).await?;
        let changes = plan(&collection)?;
        if changes.is_empty() {
            return Ok(());
        }
        match sequencer.sequence(&collection, changes, false) {
            Ok(sequenced) => {
                sequenced.committed(sequencer).await?;
                return Ok(());
            }
            Err(Refusal::CatalogChanged) => {}
            Err(Refusal::CatalogBusy { generation }) => {
                sequencer.applied_signal().changed_since(generation).await;
            }
            Err(Refusal::Error(error)) => return Err(error),
        }
    }
}

/// The collection, made if it is not there, with its index as the parameters of today want it.
async fn set_up(server: &Server) -> Result<Arc<Collection>> {
    let namespace = namespace()?;
    loop {
        let catalog = server.documents.catalog();
        let Some(collection) = catalog.find(&namespace) else {
            let new = NewCollection {
                namespace: namespace.clone(),
                options: DocBuf::new(),
                layout: Layout::ById,
            };
            create_collection(&server.sequencer, server, &new).await?;
            continue;
        };
        if collection.layout != Layout::ById {
            return Err(CommandError::new(
                Code::InvalidOptions,
                format!("{namespace} has options with which sessions cannot be kept in it"),
            ));
        }
        if expires_after(collection) == Some(wanted_seconds(server)) {
            return Ok(collection.clone());
        }
        let watch = Unasked(server);
        let plan = |catalog: &Catalog| plan_index(server, &watch, catalog, &namespace);
        if let Some(build) = server.sequencer.change_catalog(plan).await? {
            index_build::build(&server.sequencer, build).await?;
        }
    }
}

fn wanted_seconds(server: &Server) -> i64 {
    i64::from(server.parameters.session_timeout_minutes()).saturating_mul(60)
}

fn expires_after(collection: &Collection) -> Option<i64> {
    collection.index_by_name(INDEX)?.spec.expire_after_seconds
}

/// Makes or changes the index, unless it is as it should be by now.
fn plan_index<'a>(
    server: &'a Server,
    watch: &'a Unasked<'a>,
    catalog: &Catalog,
    namespace: &Namespace,
) -> Result<(Vec<Effect>, Option<Build<'a>>)> {
    let Some(collection) = catalog.find(namespace) else { return Ok((Vec::new(), None)) };
    let seconds = wanted_seconds(server);
    if expires_after(collection) == Some(seconds) {
        return Ok((Vec::new(), None));
    }
    let spec = DocBuf::from(&doc! {
        "v": 2,
        "key": { "lastUse": 1 },
        "name": INDEX,
        "expireAfterSeconds": i32::try_from(seconds).unwrap_or(i32::MAX),
    });
    let id = collection.id;
    if let Some(index) = collection.index_by_name(INDEX) {
        let modify = Effect::ModifyIndex { collection: id, index: index.id, spec };
        return Ok((vec![modify], None));
    }
    let index = catalog.next_ids().index;
    let Some(build) = server.index_builds.claim(id, vec![index], watch) else {
        return Err(CommandError::internal("an index that is not there yet is being built"));
    };
    Ok((vec![Effect::CreateIndex { collection: id, id: index, spec }], Some(build)))
}
