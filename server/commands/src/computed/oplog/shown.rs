//! Entries of the log as operations of MongoDB's oplog.
//!
//! Owns the form of each operation and its time. An entry holds one operation or many; each has a
//! time of its own, and the last has the entry's. An update is shown as the whole new document, which
//! is what its effect is. The start of a term has no time and is not shown.

mod commands;

use quire_bson::{DocBuf, DocBuilder, RawDoc, RawValue, doc};
use quire_consensus::Membership;
use quire_documents::{CollectionId, Effect, Effects, Namespace, SessionKey, Statements};
use quire_errors::{Code, CommandError, Result};
use quire_log::{Entry, EntryKind, Term, Timestamp};
use quire_replset::{Detail, OpTime};

/// One operation.
pub struct Shown {
    pub time: Timestamp,
    pub document: DocBuf,
}

/// A collection as the entry knows it.
struct Target<'a> {
    uuid: &'a [u8; 16],
    namespace: &'a Namespace,
}

/// What an operation does.
enum Operation<'a> {
    Row {
        op: &'static str,
        target: Target<'a>,
        o: RawDoc<'a>,
        id: Option<RawValue<'a>>,
    },
    Command {
        target: Target<'a>,
        o: DocBuf,
        o2: Option<DocBuf>,
    },
    /// A record of a session is forgotten, which MongoDB has as a document of a collection.
    Forgotten(&'a SessionKey),
    Note(DocBuf),
}

/// The operations of one entry, in their order.
pub fn operations(entry: &Entry) -> Result<Vec<Shown>> {
    match entry.kind {
        EntryKind::TermStart => Ok(Vec::new()),
        EntryKind::Configuration => {
            let time = entry.timestamp;
            let wall = i64::from(time.seconds()).saturating_mul(1000);
            let note = Operation::Note(reconfiguration(&entry.payload));
            let document = Stamp { time, term: entry.term, wall }.document(&note, None);
            Ok(vec![Shown { time, document }])
        }
        EntryKind::Effects => {
            let effects = Effects::decode(&entry.payload).map_err(|why| {
                let index = entry.index;
                CommandError::new(
                    Code::DataCorruptionDetected,
                    format!("entry {index} of the log cannot be read: {why}"),
                )
            })?;
            Ok(of_effects(entry, &effects))
        }
    }
}

fn of_effects(entry: &Entry, content: &Effects) -> Vec<Shown> {
    let effects = &content.effects;
    let mut numbered = effects.iter().find_map(Numbered::of);
    let mut shown = Vec::with_capacity(effects.len());
    for (position, effect) in effects.iter().enumerate() {
        let Some(operation) = operation(content, effect) else { continue };
        // Effects that carry no time of their own have as many in a row as they are.
        let behind = (effects.len() - 1).saturating_sub(position) as u64;
        let time = revision(effect).unwrap_or(Timestamp(entry.timestamp.0.saturating_sub(behind)));
        let stamp = Stamp { time, term: entry.term, wall: content.wall_millis };
        let numbering = match operation {
            Operation::Row { .. } => numbered.as_mut().and_then(Numbered::next),
            _ => None,
        };
        let document = stamp.document(&operation, numbering.as_ref());
        if let (Some(numbered), Some(_)) = (&mut numbered, &numbering) {
            numbered.previous = stamp.op_time();
        }
        shown.push(Shown { time, document });
    }
    shown
}

fn revision(effect: &Effect) -> Option<Timestamp> {
    match effect {
        Effect::InsertRow { revision, .. }
        | Effect::ReplaceRow { revision, .. }
        | Effect::DeleteRow { revision, .. } => Some(*revision),
        _ => None,
    }
}

/// `None` for what is a part of other operations.
fn operation<'a>(content: &'a Effects, effect: &'a Effect) -> Option<Operation<'a>> {
    let row = |op, collection: CollectionId, o: RawDoc<'a>, id| match target(content, collection) {
        Some(target) => Operation::Row { op, target, o, id },
        None => unknown(),
    };
    Some(match effect {
        Effect::InsertRow { collection, doc, .. } => {
            row("i", *collection, doc.as_raw(), doc.as_raw().get("_id"))
        }
        Effect::ReplaceRow { collection, doc, .. } => {
            row("u", *collection, doc.as_raw(), doc.as_raw().get("_id"))
        }
        Effect::DeleteRow { collection, id, .. } => {
            let id = id.as_ref().map_or(RawDoc::EMPTY, DocBuf::as_raw);
            row("d", *collection, id, None)
        }
        Effect::RecordStatements { .. } => return None,
        Effect::ForgetSession { session, .. } => Operation::Forgotten(session),
        Effect::Noop { note } => Operation::Note(note.clone()),
        Effect::IndexRows { .. } => note("index build in progress"),
        Effect::IndexReady { .. } => note("index build complete"),
        command => commands::of(content, command).unwrap_or_else(unknown),
    })
}

/// Entries of the first version do not tell what their collections were called.
fn unknown<'a>() -> Operation<'a> {
    note("an operation of a collection whose name was not kept")
}

fn note<'a>(text: &str) -> Operation<'a> {
    Operation::Note(DocBuf::from(&doc! { "msg": text }))
}

/// A collection by its id: known to the entry, or created by it.
fn target(content: &Effects, id: CollectionId) -> Option<Target<'_>> {
    let created = |effect| match effect {
        &Effect::CreateCollection { id: created, ref namespace, ref uuid, .. } => {
            (created == id).then_some(Target { uuid, namespace })
        }
        _ => None,
    };
    match content.names.collection(id) {
        Some(known) => Some(Target { uuid: &known.uuid, namespace: &known.namespace }),
        None => content.effects.iter().find_map(created),
    }
}

/// The statements of a numbered command, which go with its writes one by one.
struct Numbered<'a> {
    session: &'a SessionKey,
    number: i64,
    statements: &'a [Statements],
    /// How many of the first statements were given out.
    given: u32,
    /// The write before, as far as this entry has it.
    previous: OpTime,
}

struct Numbering<'a> {
    session: &'a SessionKey,
    number: i64,
    statement: i32,
    previous: OpTime,
}

impl<'a> Numbered<'a> {
    fn of(effect: &'a Effect) -> Option<Numbered<'a>> {
        let Effect::RecordStatements { session, number, statements, .. } = effect else {
            return None;
        };
        let previous = OpTime::NULL;
        Some(Numbered { session, number: *number, statements, given: 0, previous })
    }

    fn next(&mut self) -> Option<Numbering<'a>> {
        let first = loop {
            let first = self.statements.first()?;
            if self.given < first.count {
                break first;
            }
            self.statements = self.statements.get(1..)?;
            self.given = 0;
        };
        let statement = first.first.checked_add_unsigned(self.given)?;
        self.given += 1;
        let Numbered { session, number, previous, .. } = *self;
        Some(Numbering { session, number, statement, previous })
    }
}

/// When, and in which term.
struct Stamp {
    time: Timestamp,
    term: Term,
    wall: i64,
}

impl Stamp {
    fn op_time(&self) -> OpTime {
        let term = i64::try_from(self.term.0).unwrap_or(i64::MAX);
        OpTime::new(self.time.seconds(), self.time.increment(), term)
    }

    fn document(&self, operation: &Operation<'_>, numbering: Option<&Numbering<'_>>) -> DocBuf {
        let mut b = DocBuilder::new();
        if let Some(numbering) = numbering {
            b.append_with("lsid", |lsid| append_session(lsid, numbering.session));
            b.append_i64("txnNumber", numbering.number);
        }
        append_operation(&mut b, operation);
        if let Some(numbering) = numbering {
            b.append_i32("stmtId", numbering.statement);
        }
        let at = self.op_time();
        append_time(&mut b, at);
        b.append_i64("v", 2);
        b.append("wall", RawValue::DateTime(self.wall));
        if let Some(numbering) = numbering {
            b.append_with("prevOpTime", |b| append_time(b, numbering.previous));
        }
        b.finish()
    }
}

fn append_operation(b: &mut DocBuilder, operation: &Operation<'_>) {
    match operation {
        Operation::Row { op, target, o, id } => {
            b.append_str("op", op);
            b.append_str("ns", &target.namespace.to_string());
            b.append("ui", RawValue::Binary { subtype: 4, bytes: target.uuid });
            b.append_doc("o", *o);
            if let Some(id) = id {
                b.append_with("o2", |o2| {
                    o2.append("_id", *id);
                });
            }
        }
        Operation::Command { target, o, o2 } => {
            b.append_str("op", "c");
            b.append_str("ns", &format!("{}.$cmd", target.namespace.database()));
            b.append("ui", RawValue::Binary { subtype: 4, bytes: target.uuid });
            b.append_doc("o", o.as_raw());
            if let Some(o2) = o2 {
                b.append_doc("o2", o2.as_raw());
            }
        }
        Operation::Forgotten(session) => {
            b.append_str("op", "d").append_str("ns", "config.transactions");
            b.append_with("o", |o| {
                o.append_with("_id", |id| append_session(id, session));
            });
        }
        Operation::Note(note) => {
            b.append_str("op", "n").append_str("ns", "");
            b.append_doc("o", note.as_raw());
        }
    }
}

fn append_session(b: &mut DocBuilder, session: &SessionKey) {
    b.append("id", RawValue::Binary { subtype: 4, bytes: &session.id });
    b.append("uid", RawValue::Binary { subtype: 0, bytes: &session.user });
}

fn append_time(b: &mut DocBuilder, at: OpTime) {
    b.append("ts", RawValue::Timestamp { time: at.ts.time, increment: at.ts.increment });
    b.append_i64("t", at.t);
}

/// What is told of an entry that changes the set.
fn reconfiguration(payload: &[u8]) -> DocBuf {
    let membership = Membership::decode(payload).unwrap_or_default();
    let detail = Detail::decode(&membership.detail).ok();
    // Whoever else votes was let in by a later entry.
    let is_first = membership.voters.len() == 1 && !membership.is_joint();
    DocBuf::from(&match detail.map(|detail| detail.config.version) {
        Some(1) if is_first => doc! { "msg": "initiating set" },
        Some(version) => doc! { "msg": "Reconfig set", "version": version },
        None => doc! { "msg": "Reconfig set" },
    })
}
