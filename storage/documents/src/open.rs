//! Opening a store: what format it has, and what is in it.
//!
//! Looks before it touches: a store of a newer format is left exactly as it was found.

use crate::catalog::{Catalog, Collection, NextIds};
use crate::codec::{Malformed, Reader, Writer};
use crate::copy::read_mark;
use crate::counts::Counts;
use crate::{CollectionId, Documents};
use quire_engine::{Batch, Direction, Durability, Engine, EngineError, KeyRange, Read, Space};
use quire_keys::{Key, KeySpace, Range};
use quire_log::{Applied, Completeness, LogIndex, Term, Timestamp};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// The format of everything in the store. A store says it once, in its first key.
pub(crate) const FORMAT_VERSION: u32 = 1;

/// Why a store cannot be opened.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "the store has format {found}, this version reads up to {FORMAT_VERSION}: open it with the \
         version that wrote it"
    )]
    Newer { found: u32 },
    #[error("the store is damaged: {what}: {why}")]
    Damaged { what: String, why: Malformed },
    #[error("the store is not empty and has no format version: is it a store of this server?")]
    Foreign,
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// What a store holds besides rows and index entries.
#[derive(Default)]
pub(crate) struct Stored {
    pub(crate) catalog: Catalog,
    pub(crate) counts: BTreeMap<CollectionId, Counts>,
    pub(crate) standing: Standing,
}

/// Where the state stands.
#[derive(Clone, Default)]
pub(crate) struct Standing {
    pub(crate) applied: Applied,
    pub(crate) completeness: Completeness,
    /// Effects were left out of what is here.
    pub(crate) hollow: bool,
    /// The payload of the last configuration entry.
    pub(crate) configuration: Option<Arc<[u8]>>,
}

impl Stored {
    pub(crate) fn load(reader: &dyn Read) -> Result<Stored, OpenError> {
        match read_mark(reader)? {
            Completeness::Partial => Ok(Stored::arriving()),
            completeness => Stored::load_as(reader, completeness),
        }
    }

    /// What is to be seen of a store while a copy arrives, whatever lies there already.
    pub(crate) fn arriving() -> Stored {
        let standing = Standing { completeness: Completeness::Partial, ..Standing::default() };
        Stored { standing, ..Stored::default() }
    }

    /// What lies in the store, whatever its mark says.
    pub(crate) fn load_as(
        reader: &dyn Read,
        completeness: Completeness,
    ) -> Result<Stored, OpenError> {
        let configuration = reader.get(space(KeySpace::Meta), &Key::Configuration.encode())?;
        let hollow = reader.get(space(KeySpace::Meta), &Key::Hollow.encode())?.is_some();
        Ok(Stored {
            catalog: load_catalog(reader)?,
            counts: load_counts(reader)?,
            standing: Standing {
                applied: read_applied(reader)?,
                completeness,
                hollow,
                configuration: configuration.map(Arc::from),
            },
        })
    }
}

impl Documents {
    /// Opens the store in `engine`, whose spaces are those of [`KeySpace::ALL`]. An empty engine
    /// becomes an empty store.
    pub fn open(engine: Arc<dyn Engine>) -> Result<Documents, OpenError> {
        check_format(engine.as_ref())?;
        let stored = Stored::load(engine.as_ref())?;
        Ok(Documents::from_stored(engine, stored))
    }
}

fn check_format(engine: &dyn Engine) -> Result<(), OpenError> {
    let meta = space(KeySpace::Meta);
    let key = Key::FormatVersion.encode();
    if let Some(bytes) = engine.get(meta, &key)? {
        let mut input = Reader::new(&bytes);
        let found = input.u32().map_err(|why| damaged("the format version", why))?;
        return match found {
            1..=FORMAT_VERSION => Ok(()),
            0 => Err(damaged("the format version", Malformed::Number)),
            _ => Err(OpenError::Newer { found }),
        };
    }
    let mut empty = true;
    for key_space in KeySpace::ALL {
        engine.scan(space(key_space), KeyRange::ALL, Direction::Forward, &mut |_, _| {
            empty = false;
            ControlFlow::Break(())
        })?;
    }
    if !empty {
        return Err(OpenError::Foreign);
    }
    // Unsynced is enough: whatever becomes durable later stands behind this in the same order.
    let mut out = Writer::default();
    out.u32(FORMAT_VERSION);
    let mut batch = Batch::new();
    batch.put(meta, &key, &out.finish());
    engine.write(&batch, Durability::Unsynced)?;
    Ok(())
}

fn load_catalog(reader: &dyn Read) -> Result<Catalog, OpenError> {
    let ids = match reader.get(space(KeySpace::Meta), &Key::Counters.encode())? {
        Some(bytes) => NextIds::decode(&bytes).map_err(|why| damaged("the next ids", why))?,
        None => NextIds::default(),
    };
    let mut collections = Vec::new();
    for (key, value) in scan_meta(reader, &Key::all_collections())? {
        let what = format!("the catalogue record {key:02x?}");
        let collection = Collection::decode(&value).map_err(|why| damaged(&what, why))?;
        if Key::decode(KeySpace::Meta, &key)
            != Some(Key::Collection { collection: collection.id.0 })
        {
            return Err(damaged(&what, Malformed::Number));
        }
        collections.push(collection);
    }
    Ok(Catalog::from_records(ids, collections))
}

fn load_counts(reader: &dyn Read) -> Result<BTreeMap<CollectionId, Counts>, OpenError> {
    let mut all = BTreeMap::new();
    for (key, value) in scan_meta(reader, &Key::all_counts())? {
        let counts = Counts::decode(&value).map_err(|why| damaged("a collection's counts", why))?;
        if let Some(Key::Counts { collection }) = Key::decode(KeySpace::Meta, &key) {
            all.insert(CollectionId(collection), counts);
        }
    }
    Ok(all)
}

/// A key and its value.
type Pair = (Vec<u8>, Vec<u8>);

fn scan_meta(reader: &dyn Read, range: &Range) -> Result<Vec<Pair>, EngineError> {
    let mut found = Vec::new();
    let meta = space(KeySpace::Meta);
    reader.scan(meta, key_range(range), Direction::Forward, &mut |key, value| {
        found.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// The position that the state seen by `reader` stands at.
pub(crate) fn read_applied(reader: &dyn Read) -> Result<Applied, EngineError> {
    match reader.get(space(KeySpace::Meta), &Key::Applied.encode())? {
        Some(bytes) => decode_applied(&bytes),
        None => Ok(Applied::default()),
    }
}

pub(crate) fn encode_applied(applied: Applied) -> Vec<u8> {
    let mut out = Writer::with_capacity(24);
    out.u64(applied.index.0);
    out.u64(applied.term.0);
    out.u64(applied.timestamp.0);
    out.finish()
}

pub(crate) fn decode_applied(bytes: &[u8]) -> Result<Applied, EngineError> {
    let read = || {
        let mut input = Reader::new(bytes);
        let index = LogIndex(input.u64()?);
        let term = Term(input.u64()?);
        let timestamp = Timestamp(input.u64()?);
        input.end()?;
        Ok(Applied { index, term, timestamp })
    };
    read().map_err(|why: Malformed| EngineError::Corruption(format!("the applied position: {why}")))
}

pub(crate) fn space(key_space: KeySpace) -> Space {
    Space(key_space.number())
}

pub(crate) fn key_range(range: &Range) -> KeyRange<'_> {
    let (lower, upper) = range.bounds();
    KeyRange { lower, upper }
}

fn damaged(what: &str, why: Malformed) -> OpenError {
    OpenError::Damaged { what: what.to_owned(), why }
}
