//! The leader's side of a write: from what a client wants to the effects of an entry.
//!
//! Owns what the sequencer owns in the server, without its threads: everything is planned over what
//! is applied plus what is pending, and what is pending is forgotten when it is lost.

use crate::checks::OperationId;
use quire_bson::{Bson, DocBuf, RawValue, doc};
use quire_documents::{
    Collection, CollectionId, Direction, Documents, Effect, Effects, EngineError, IndexState,
    Layout, Namespace, Range, SessionKey, StatementResult, Statements, id_row_key,
};
use quire_log::{StateMachine, Timestamp};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What is to be done for a client.
pub enum Plan {
    Propose(Timestamp, Vec<u8>),
    /// It took effect before.
    Done,
    /// Something else has to be finished first.
    Wait,
}

#[derive(Default)]
pub struct Planner {
    last: u64,
    lists: BTreeMap<i32, (u64, Vec<i64>)>,
    sessions: BTreeMap<u32, (u64, u32)>,
    catalog_change: Option<u64>,
}

const LISTS: &str = "lists";
const NOTES: &str = "notes";

impl Planner {
    /// Everything pending is lost.
    pub fn lost(&mut self) {
        self.lists.clear();
        self.sessions.clear();
        self.catalog_change = None;
    }

    /// Forgets what is applied by now.
    pub fn applied(&mut self, documents: &Documents) {
        let applied = documents.applied().timestamp.0;
        self.lists.retain(|_, (stamp, _)| *stamp > applied);
        self.sessions.retain(|_, (stamp, _)| *stamp > applied);
        self.catalog_change = self.catalog_change.filter(|stamp| *stamp > applied);
    }

    /// The next so many stamps; gives the first.
    pub fn stamp(&mut self, documents: &Documents, seconds: u32, count: usize) -> u64 {
        let applied = documents.applied().timestamp.0;
        let now = Timestamp::new(seconds, 0).0;
        let first = self.last.max(applied).saturating_add(1).max(now);
        self.last = first.saturating_add(count.saturating_sub(1) as u64);
        first
    }

    fn propose(
        &mut self,
        documents: &Documents,
        seconds: u32,
        count: usize,
        effects: impl FnOnce(u64) -> Vec<Effect>,
    ) -> Plan {
        let first = self.stamp(documents, seconds, count);
        let effects = Effects {
            wall_millis: i64::from(seconds) * 1000,
            effects: effects(first),
            ..Effects::default()
        };
        Plan::Propose(Timestamp(self.last), effects.encode())
    }

    /// Appends an operation to the list under a key, once.
    pub fn append(
        &mut self,
        documents: &Documents,
        seconds: u32,
        OperationId(session, number): OperationId,
        key: i32,
    ) -> Plan {
        if self.catalog_change.is_some() {
            return Plan::Wait;
        }
        let (Some(lists), Some(notes)) = (find(documents, LISTS), find(documents, NOTES)) else {
            return self.set_up(documents, seconds);
        };
        if self.sessions.contains_key(&session) {
            return Plan::Wait;
        }
        // Whoever cannot read cannot plan.
        let statement = Statement::of(number);
        let (Ok(recorded), Ok(stored)) =
            (statement.is_recorded(documents, session), read(documents, &lists, key))
        else {
            return Plan::Wait;
        };
        if recorded {
            return Plan::Done;
        }
        let id = OperationId(session, number).to_number();
        // The note before is gone where a forced configuration gave it up.
        let old = OperationId(session, number.saturating_sub(1)).to_number();
        let Ok(has_old) = has_note(documents, &notes, old) else { return Plan::Wait };
        let is_new = stored.is_none() && !self.lists.contains_key(&key);
        let pending = self.lists.get(&key).map(|(_, list)| list.clone());
        let mut list = pending.or(stored).unwrap_or_default();
        list.push(id);
        let plan = self.propose(documents, seconds, 3, |first| {
            let mut effects = vec![write(&lists, first, key, &list, is_new)];
            effects.push(note(&notes, first + 1, id));
            if has_old {
                let row_key = id_row_key(RawValue::Int64(old));
                let revision = Timestamp(first + 2);
                effects.push(Effect::DeleteRow {
                    collection: notes.id,
                    row_key,
                    revision,
                    id: None,
                });
            }
            effects.push(statement.record(session, first + 2));
            effects
        });
        self.lists.insert(key, (self.last, list));
        self.sessions.insert(session, (self.last, number));
        plan
    }

    /// Forgets what these sessions did, as it is applied here; gives how many there are. What is on
    /// its way is not looked at: a session that writes meanwhile keeps its record, because the
    /// effect names the revision that was seen.
    pub fn forget(
        &mut self,
        documents: &Documents,
        seconds: u32,
        may_go: impl Fn(u32) -> bool,
    ) -> Option<(u64, Plan)> {
        let mut effects = Vec::new();
        let scanned = documents.view().scan_sessions(None, usize::MAX, &mut |session, header| {
            if may_go(session_number(&session)) {
                effects.push(Effect::ForgetSession { session, revision: header.revision });
            }
            ControlFlow::Continue(())
        });
        let count = effects.len() as u64;
        if scanned.is_err() || count == 0 {
            return None;
        }
        Some((count, self.propose(documents, seconds, 1, |_| effects)))
    }

    /// The first entry of effects: the collections and their indexes.
    fn set_up(&mut self, documents: &Documents, seconds: u32) -> Plan {
        let next = documents.catalog().next_ids();
        let plan = self.propose(documents, seconds, 1, |_| {
            let mut effects = Vec::new();
            let mut index = next.index;
            for (offset, name) in (0..).zip([LISTS, NOTES]) {
                let collection = CollectionId(next.collection.0 + offset);
                effects.extend(create(collection, name, index));
                index.0 += 1;
                if name == LISTS {
                    for spec in [
                        doc! { "v": 2, "name": "last_1", "key": { "last": 1 }, "unique": true },
                        doc! { "v": 2, "name": "ops_1", "key": { "ops": 1 } },
                    ] {
                        let spec = DocBuf::from(&spec);
                        effects.push(Effect::CreateIndex { collection, id: index, spec });
                        effects.push(Effect::IndexReady { collection, index });
                        index.0 += 1;
                    }
                }
            }
            effects
        });
        self.catalog_change = Some(self.last);
        plan
    }

    /// Goes on with the index that comes and goes: creates it, builds it, drops it.
    pub fn change_indexes(&mut self, documents: &Documents, seconds: u32) -> Plan {
        let Some(notes) = find(documents, NOTES) else { return Plan::Wait };
        if self.catalog_change.is_some() || !self.sessions.is_empty() {
            return Plan::Wait;
        }
        let (collection, known) = (notes.id, notes.index_by_name("a_1"));
        let effects = match known.map(|index| (index.id, index.state)) {
            None => {
                let spec = DocBuf::from(&doc! { "v": 2, "name": "a_1", "key": { "a": 1 } });
                let id = documents.catalog().next_ids().index;
                vec![Effect::CreateIndex { collection, id, spec }]
            }
            Some((index, IndexState::Ready)) => vec![Effect::DropIndex { collection, index }],
            Some((index, _)) => {
                let mut rows = Vec::new();
                let scanned = documents.view().scan_rows(
                    collection,
                    &Range::ALL,
                    Direction::Forward,
                    &mut |key, row| {
                        rows.push((key.to_vec(), row.revision));
                        ControlFlow::Continue(())
                    },
                );
                if scanned.is_err() {
                    return Plan::Wait;
                }
                let build = Effect::IndexRows { collection, index, rows };
                vec![build, Effect::IndexReady { collection, index }]
            }
        };
        let plan = self.propose(documents, seconds, 1, |_| effects);
        self.catalog_change = Some(self.last);
        plan
    }
}

fn find(documents: &Documents, name: &str) -> Option<Arc<Collection>> {
    documents.catalog().find_by_name("sim", name).cloned()
}

/// A client's operation as a statement of a numbered command: a few make one.
#[derive(Clone, Copy)]
struct Statement {
    command: i64,
    id: i32,
}

/// So many statements a command has. Each is an entry of its own.
const STATEMENTS: u32 = 3;

impl Statement {
    /// The operations of a session are counted from one.
    fn of(number: u32) -> Statement {
        let before = number.saturating_sub(1);
        let id = i32::try_from(before % STATEMENTS).unwrap_or_default();
        Statement { command: i64::from(before / STATEMENTS) + 1, id }
    }

    /// The effect that tells of it, to stand in the entry that carries it out.
    fn record(self, session: u32, stamp: u64) -> Effect {
        let result = StatementResult::Updated;
        Effect::RecordStatements {
            session: session_key(session),
            number: self.command,
            revision: Timestamp(stamp),
            statements: vec![Statements { first: self.id, count: 1, result }],
        }
    }

    /// Whether it took effect. A client goes on only behind what did.
    fn is_recorded(self, documents: &Documents, session: u32) -> Result<bool, EngineError> {
        let (view, session) = (documents.view(), session_key(session));
        let Some(header) = view.session_header(&session)? else { return Ok(false) };
        if header.number != self.command {
            return Ok(header.number > self.command);
        }
        Ok(view.session_record(&session, header)?.result(self.id).is_some())
    }
}

fn session_key(session: u32) -> SessionKey {
    let mut id = [0; 16];
    for (byte, of_number) in id.iter_mut().zip(session.to_be_bytes()) {
        *byte = of_number;
    }
    SessionKey { id, user: [0; 32] }
}

fn session_number(session: &SessionKey) -> u32 {
    session.id.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

/// The list under a key as it is applied here, if there are lists.
pub fn read_list(documents: &Documents, key: i32) -> Result<Option<Vec<i64>>, EngineError> {
    match find(documents, LISTS) {
        Some(lists) => read(documents, &lists, key).map(Option::unwrap_or_default).map(Some),
        None => Ok(None),
    }
}

/// All lists.
pub fn read_lists(documents: &Documents) -> BTreeMap<i32, Vec<i64>> {
    let mut lists = BTreeMap::new();
    let Some(collection) = find(documents, LISTS) else { return lists };
    // A scan that fails gives too little, which the checks find.
    let _ = documents.view().scan_rows(
        collection.id,
        &Range::ALL,
        Direction::Forward,
        &mut |_, row| {
            let key = row.doc.get("_id").map(RawValue::to_bson);
            if let Some(Bson::Int32(key)) = key {
                lists.insert(key, operations(row.doc));
            }
            ControlFlow::Continue(())
        },
    );
    lists
}

fn read(
    documents: &Documents,
    lists: &Collection,
    key: i32,
) -> Result<Option<Vec<i64>>, EngineError> {
    let mut list = None;
    let row_key = id_row_key(RawValue::Int32(key));
    documents.view().get_row(lists.id, &row_key, &mut |row| list = Some(operations(row.doc)))?;
    Ok(list)
}

fn has_note(documents: &Documents, notes: &Collection, id: i64) -> Result<bool, EngineError> {
    let mut found = false;
    let row_key = id_row_key(RawValue::Int64(id));
    documents.view().get_row(notes.id, &row_key, &mut |_| found = true)?;
    Ok(found)
}

fn operations(doc: quire_bson::RawDoc<'_>) -> Vec<i64> {
    let array = doc.get("ops").and_then(RawValue::as_array);
    let values = array.into_iter().flat_map(|array| array.iter());
    values.filter_map(|element| element.value().to_bson().as_i64()).collect()
}

fn write(lists: &Collection, stamp: u64, key: i32, list: &[i64], is_new: bool) -> Effect {
    let ops: Vec<Bson> = list.iter().map(|id| Bson::Int64(*id)).collect();
    let last = list.last().copied().unwrap_or_default();
    let doc = DocBuf::from(&doc! { "_id": key, "ops": ops, "last": last });
    let (collection, revision, partial) = (lists.id, Timestamp(stamp), Vec::new());
    if is_new {
        return Effect::InsertRow { collection, revision, doc, partial };
    }
    let row_key = id_row_key(RawValue::Int32(key));
    Effect::ReplaceRow { collection, row_key, revision, doc, partial }
}

fn note(notes: &Collection, stamp: u64, id: i64) -> Effect {
    let doc = DocBuf::from(&doc! { "_id": id, "a": [id % 7, id % 11], "s": "note".repeat(8) });
    let (collection, revision) = (notes.id, Timestamp(stamp));
    Effect::InsertRow { collection, revision, doc, partial: Vec::new() }
}

fn create(id: CollectionId, name: &str, id_index: quire_documents::IndexId) -> Option<Effect> {
    Some(Effect::CreateCollection {
        id,
        namespace: Namespace::new("sim", name).ok()?,
        uuid: [u8::try_from(id.0).unwrap_or_default(); 16],
        options: DocBuf::new(),
        layout: Layout::ById,
        id_index,
    })
}
