//! A collection's entry in the catalogue as bytes.
//!
//! | part | bytes |
//! |---|---|
//! | format | 1, now always 1 |
//! | id, database, name, uuid | u32, `text`, `text`, 16 |
//! | layout, version | u8, u64 |
//! | options | `doc` |
//! | number of indexes | `len` |
//! | each index: id, state, place, multikey, specification | u32, u8, u8, u32, `doc` |
//!
//! The record of the ids that are free is the format and two u32.

use super::{Catalog, Collection, Index, IndexPlace, IndexSpec, IndexState, Layout, NextIds};
use crate::codec::{Malformed, Reader, Writer};
use std::sync::Arc;

const FORMAT: u8 = 1;

impl Collection {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(256);
        out.u8(FORMAT);
        out.collection(self.id);
        out.namespace(&self.namespace);
        out.raw(&self.uuid);
        out.u8(self.layout.tag());
        out.u64(self.version);
        out.doc(&self.options);
        out.len(self.indexes.len());
        for index in &self.indexes {
            out.index(index.id);
            out.u8(state_tag(index.state));
            out.u8(place_tag(index.place));
            out.u32(index.multikey);
            out.doc(&index.spec.document);
        }
        out.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Collection, Malformed> {
        let mut input = Reader::new(bytes);
        check_format(&mut input)?;
        let id = input.collection()?;
        let mut collection = Collection {
            id,
            namespace: input.namespace()?,
            uuid: input.array()?,
            layout: Layout::from_tag(input.u8()?)?,
            version: input.u64()?,
            options: input.doc()?,
            indexes: Vec::new(),
        };
        for _ in 0..input.count(15)? {
            let index = Index {
                id: input.index()?,
                collection: id,
                state: state_from(input.u8()?)?,
                place: place_from(input.u8()?)?,
                multikey: input.u32()?,
                spec: read_spec(&mut input)?,
            };
            collection.indexes.push(Arc::new(index));
        }
        input.end()?;
        Ok(collection)
    }
}

impl NextIds {
    pub(crate) fn encode(self) -> Vec<u8> {
        let mut out = Writer::with_capacity(9);
        out.u8(FORMAT);
        out.collection(self.collection);
        out.index(self.index);
        out.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<NextIds, Malformed> {
        let mut input = Reader::new(bytes);
        check_format(&mut input)?;
        let ids = NextIds { collection: input.collection()?, index: input.index()? };
        input.end()?;
        Ok(ids)
    }
}

impl Catalog {
    /// Puts a catalogue together from its records.
    pub(crate) fn from_records(ids: NextIds, collections: Vec<Collection>) -> Catalog {
        let mut catalog = Catalog { ids, ..Catalog::default() };
        for collection in collections {
            catalog.insert(Arc::new(collection));
        }
        catalog
    }
}

fn check_format(input: &mut Reader<'_>) -> Result<(), Malformed> {
    match input.u8()? {
        FORMAT => Ok(()),
        unknown => Err(Malformed::Format(unknown)),
    }
}

/// The index on `_id` has options that its document does not show.
fn read_spec(input: &mut Reader<'_>) -> Result<IndexSpec, Malformed> {
    let document = input.doc()?;
    let on_id = IndexSpec::on_id();
    if document == on_id.document {
        return Ok(on_id);
    }
    IndexSpec::parse(document).map_err(|_| Malformed::IndexSpec)
}

fn state_tag(state: IndexState) -> u8 {
    match state {
        IndexState::Building => 0,
        IndexState::Ready => 1,
    }
}

fn state_from(tag: u8) -> Result<IndexState, Malformed> {
    match tag {
        0 => Ok(IndexState::Building),
        1 => Ok(IndexState::Ready),
        unknown => Err(Malformed::Tag(unknown)),
    }
}

fn place_tag(place: IndexPlace) -> u8 {
    match place {
        IndexPlace::Rows => 0,
        IndexPlace::Entries => 1,
        IndexPlace::Nowhere => 2,
    }
}

fn place_from(tag: u8) -> Result<IndexPlace, Malformed> {
    match tag {
        0 => Ok(IndexPlace::Rows),
        1 => Ok(IndexPlace::Entries),
        2 => Ok(IndexPlace::Nowhere),
        unknown => Err(Malformed::Tag(unknown)),
    }
}
