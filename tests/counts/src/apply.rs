//! Applying what the log brings: an entry with 1,000 new rows of 254 bytes.
//!
//! Owns the entries. Decoding one is part of applying it; making one is counted with it, and is little
//! beside it: its rows are copies of one.

use quire_bson::{DocBuf, doc};
use quire_documents::{CollectionId, Documents, Effect, Effects, IndexId, Layout, Namespace};
use quire_engine::MemoryEngine;
use quire_keys::KeySpace;
use quire_log::{Entry, EntryKind, LogIndex, StateMachine, Term, Timestamp};
use std::sync::Arc;

const EFFECTS: u32 = 1000;
/// Where the value of a document's `_id` stands: behind the length, the type and `_id\0`.
const ID_AT: usize = 9;
const COLLECTION: CollectionId = CollectionId(1);

pub(crate) fn apply(times: u32) -> Result<(), String> {
    let engine = Arc::new(MemoryEngine::new(KeySpace::ALL.len()));
    let documents = Documents::open(engine).map_err(|error| error.to_string())?;
    let mut next = 1u64;
    let mut apply = |effects: Vec<Effect>| {
        let effects = Effects { wall_millis: 1_767_225_600_000, effects, ..Effects::default() };
        let entry = Entry {
            index: LogIndex(next),
            term: Term(1),
            timestamp: Timestamp::new(1_767_225_600, u32::try_from(next).unwrap_or(0)),
            kind: EntryKind::Effects,
            payload: effects.encode().into(),
        };
        next += 1;
        documents.apply(&[entry]).map_err(|fatal| fatal.reason)
    };
    apply(vec![Effect::CreateCollection {
        id: COLLECTION,
        namespace: Namespace::new("test", "c").map_err(|error| error.to_string())?,
        uuid: [7; 16],
        options: DocBuf::new(),
        layout: Layout::ById,
        id_index: IndexId(1),
    }])?;
    let template = template();
    for time in 0..times {
        let first = i64::from(time) * i64::from(EFFECTS);
        apply((0..EFFECTS).map(|row| row_of(&template, first + i64::from(row))).collect())?;
    }
    match documents.refused_effects() {
        0 => Ok(()),
        refused => Err(format!("{refused} effects were refused")),
    }
}

fn template() -> Vec<u8> {
    let document = doc! {
        "_id": 0_i64, "user": "user00000001", "status": "closed", "age": 46, "qty": 7,
        "note": "gift express fragile return invoice pickup weekly bulk ".repeat(3),
    };
    DocBuf::from(&document).into_bytes()
}

fn row_of(template: &[u8], id: i64) -> Effect {
    let mut bytes = template.to_vec();
    if let Some(place) = bytes.get_mut(ID_AT..ID_AT + 8) {
        place.copy_from_slice(&id.to_le_bytes());
    }
    Effect::InsertRow {
        collection: COLLECTION,
        revision: Timestamp::new(1_767_225_600, u32::try_from(id).unwrap_or(0)),
        doc: DocBuf::from_validated(bytes),
        partial: Vec::new(),
    }
}
