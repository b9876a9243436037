//! The concerns of those who name none.
//!
//! Owns the document in which a set keeps what `setDefaultRWConcern` was told, and what holds while
//! nobody told it anything. The document is replicated like any other, so every member knows it.

use super::read::Level;
use crate::persona::Behaviour;
use crate::server::Server;
use quire_bson::{DocBuf, Document, RawDoc, RawValue};
use quire_documents::{Namespace, id_row_key};
use quire_errors::Result;
use quire_execution::local_failure;
use quire_replset::ReplicaSetConfig;
use quire_replset::write_concern::{W, WriteConcern};

/// The collection and the document in it.
const DATABASE: &str = "config";
const COLLECTION: &str = "settings";
pub const ID: &str = "ReadWriteConcernDefaults";

/// Who asked for a concern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Client,
    /// `setDefaultRWConcern`.
    Global,
    Implicit,
}

impl Origin {
    pub fn provenance(self) -> &'static str {
        match self {
            Origin::Client => "clientSupplied",
            Origin::Global => "customDefault",
            Origin::Implicit => "implicitDefault",
        }
    }

    /// As `getDefaultRWConcern` calls it.
    pub fn source(self) -> &'static str {
        match self {
            Origin::Client | Origin::Global => "global",
            Origin::Implicit => "implicit",
        }
    }
}

/// What `setDefaultRWConcern` was told last.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    pub write: Option<WriteConcern>,
    pub read: Option<Level>,
    pub updated: Option<Document>,
}

pub fn namespace() -> Result<Namespace> {
    crate::server::namespace(DATABASE, COLLECTION)
}

impl Defaults {
    /// What is stored now; nothing, unless an operator set it.
    pub fn stored(server: &Server) -> Result<Defaults> {
        let view = server.documents.live();
        let Some(collection) = view.catalog().find_by_name(DATABASE, COLLECTION) else {
            return Ok(Defaults::default());
        };
        let mut stored = Ok(Defaults::default());
        let key = id_row_key(RawValue::String(ID));
        view.get_row(collection.id, &key, &mut |row| stored = Defaults::parse(row.doc))
            .map_err(local_failure)?;
        stored
    }

    fn parse(doc: RawDoc<'_>) -> Result<Defaults> {
        let concern = |name: &str| doc.get(name).and_then(RawValue::as_document);
        let read = concern("defaultReadConcern").and_then(|concern| concern.get("level"));
        let mut updated = Document::new();
        for name in ["updateOpTime", "updateWallClockTime"] {
            if let Some(value) = doc.get(name) {
                updated.insert(name, value.to_bson());
            }
        }
        Ok(Defaults {
            write: concern("defaultWriteConcern").map(WriteConcern::parse).transpose()?,
            read: read.map(Level::parse).transpose()?,
            updated: Some(updated),
        })
    }

    /// The document to store, without its `_id`.
    pub fn to_bson(&self) -> DocBuf {
        let mut doc = self.updated.clone().unwrap_or_default();
        if let Some(write) = &self.write {
            doc.insert("defaultWriteConcern", write.to_document());
        }
        if let Some(read) = self.read {
            doc.insert("defaultReadConcern", quire_bson::doc! { "level": read.name() });
        }
        DocBuf::from(&doc)
    }
}

/// The write concern of a client that names none.
pub fn write_concern(server: &Server, config: &ReplicaSetConfig) -> Result<(WriteConcern, Origin)> {
    let stored = Defaults::stored(server)?;
    Ok(match stored.write {
        Some(concern) => (concern, Origin::Global),
        None => (implicit_write_concern(server, config), Origin::Implicit),
    })
}

pub fn implicit_write_concern(server: &Server, config: &ReplicaSetConfig) -> WriteConcern {
    let is_majority = config.implicit_default_is_majority()
        && server.facts.persona.has(Behaviour::MajorityByDefault);
    let w = if is_majority { W::Majority } else { W::Count(1) };
    WriteConcern { w: Some(w), ..WriteConcern::default() }
}

/// The read concern level of a client that names none, if an operator set one.
pub fn read_level(server: &Server) -> Result<Option<Level>> {
    Ok(Defaults::stored(server)?.read)
}
