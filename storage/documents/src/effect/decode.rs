//! Reading effects, every byte checked: they may come from a peer.

use super::encode::{VERSION, tag};
use super::{Effect, Effects, Malformed, Names};
use crate::codec::Reader;
use crate::session::{SessionKey, read_statements};
use crate::{IndexId, IndexSpec, Layout};
use quire_bson::DocBuf;

/// The version before names and deleted `_id`s.
const FIRST_VERSION: u8 = 1;

impl Effects {
    /// Reads the payload of an entry.
    pub fn decode(payload: &[u8]) -> Result<Effects, Malformed> {
        let mut input = Reader::new(payload);
        let version = input.u8()?;
        if !(FIRST_VERSION..=VERSION).contains(&version) {
            return Err(Malformed::Format(version));
        }
        let wall_millis = input.i64()?;
        let names = match version {
            FIRST_VERSION => {
                if input.flag()? {
                    input.bytes()?;
                }
                Names::default()
            }
            _ => Names::read(&mut input)?,
        };
        // the smallest effect drops a collection: tag, id
        let count = input.count(5)?;
        let effects =
            (0..count).map(|_| read(&mut input, version)).collect::<Result<Vec<_>, _>>()?;
        input.end()?;
        Ok(Effects { wall_millis, names, effects })
    }
}

fn read(input: &mut Reader<'_>, version: u8) -> Result<Effect, Malformed> {
    let tag = input.u8()?;
    match tag {
        tag::INSERT_ROW | tag::REPLACE_ROW | tag::DELETE_ROW => {
            read_row_effect(tag, input, version)
        }
        tag::CREATE_COLLECTION
        | tag::DROP_COLLECTION
        | tag::RENAME_COLLECTION
        | tag::MODIFY_COLLECTION => read_collection_effect(tag, input),
        tag::CREATE_INDEX
        | tag::INDEX_ROWS
        | tag::INDEX_READY
        | tag::DROP_INDEX
        | tag::MODIFY_INDEX => read_index_effect(tag, input),
        tag::RECORD_STATEMENTS => Ok(Effect::RecordStatements {
            session: SessionKey::from_bytes(&input.array()?),
            number: input.i64()?,
            revision: input.revision()?,
            statements: read_statements(input)?,
        }),
        tag::FORGET_SESSION => Ok(Effect::ForgetSession {
            session: SessionKey::from_bytes(&input.array()?),
            revision: input.revision()?,
        }),
        tag::NOOP => Ok(Effect::Noop { note: input.doc()? }),
        unknown => Err(Malformed::Tag(unknown)),
    }
}

fn read_row_effect(tag: u8, input: &mut Reader<'_>, version: u8) -> Result<Effect, Malformed> {
    let collection = input.collection()?;
    Ok(match tag {
        tag::INSERT_ROW => Effect::InsertRow {
            collection,
            revision: input.revision()?,
            doc: input.doc()?,
            partial: read_indexes(input)?,
        },
        tag::REPLACE_ROW => Effect::ReplaceRow {
            collection,
            row_key: input.bytes()?.to_vec(),
            revision: input.revision()?,
            doc: input.doc()?,
            partial: read_indexes(input)?,
        },
        tag::DELETE_ROW => Effect::DeleteRow {
            collection,
            row_key: input.bytes()?.to_vec(),
            revision: input.revision()?,
            id: match version > FIRST_VERSION && input.flag()? {
                true => Some(input.doc()?),
                false => None,
            },
        },
        unknown => return Err(Malformed::Tag(unknown)),
    })
}

fn read_collection_effect(tag: u8, input: &mut Reader<'_>) -> Result<Effect, Malformed> {
    let id = input.collection()?;
    Ok(match tag {
        tag::CREATE_COLLECTION => Effect::CreateCollection {
            id,
            namespace: input.namespace()?,
            uuid: input.array()?,
            options: input.doc()?,
            layout: Layout::from_tag(input.u8()?)?,
            id_index: input.index()?,
        },
        tag::DROP_COLLECTION => Effect::DropCollection { id },
        tag::RENAME_COLLECTION => Effect::RenameCollection {
            id,
            to: input.namespace()?,
            drop_target: match input.flag()? {
                true => Some(input.collection()?),
                false => None,
            },
        },
        tag::MODIFY_COLLECTION => Effect::ModifyCollection { id, options: input.doc()? },
        unknown => return Err(Malformed::Tag(unknown)),
    })
}

fn read_index_effect(tag: u8, input: &mut Reader<'_>) -> Result<Effect, Malformed> {
    let collection = input.collection()?;
    let index = input.index()?;
    Ok(match tag {
        tag::CREATE_INDEX => Effect::CreateIndex { collection, id: index, spec: read_spec(input)? },
        tag::INDEX_ROWS => {
            let count = input.count(9)?;
            let row = |input: &mut Reader<'_>| Ok((input.bytes()?.to_vec(), input.revision()?));
            let rows = (0..count).map(|_| row(input)).collect::<Result<Vec<_>, Malformed>>()?;
            Effect::IndexRows { collection, index, rows }
        }
        tag::INDEX_READY => Effect::IndexReady { collection, index },
        tag::DROP_INDEX => Effect::DropIndex { collection, index },
        tag::MODIFY_INDEX => Effect::ModifyIndex { collection, index, spec: read_spec(input)? },
        unknown => return Err(Malformed::Tag(unknown)),
    })
}

/// Specifications are checked here, so that applying one cannot fail.
fn read_spec(input: &mut Reader<'_>) -> Result<DocBuf, Malformed> {
    let spec = input.doc()?;
    IndexSpec::parse(spec.clone()).map_err(|_| Malformed::IndexSpec)?;
    Ok(spec)
}

fn read_indexes(input: &mut Reader<'_>) -> Result<Vec<IndexId>, Malformed> {
    let count = input.count(4)?;
    (0..count).map(|_| input.index()).collect()
}
