//! Actions as stock drivers send them, and what a right answer to each looks like.
//!
//! Owns the requests' form (`lsid`, document sequences, write concern) and the check of every reply,
//! so that a server that answers quickly and wrongly gets no figure.

use crate::action::{Action, Analysis, BATCH_DOCUMENTS, GROUP_DOCUMENTS, Ids};
use crate::dataset::Dataset;
use crate::documents::{Documents, split, text};
use crate::random::Random;
use crate::stream::Stream;
use quire_bson::{DocBuf, DocBuilder, RawDoc, RawValue, doc};
use quire_protocol::{Flags, MsgRequest};

pub(crate) const DATABASE: &str = "bench";

/// What an acknowledgement must stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Concern {
    /// This node's disk.
    Journalled,
    /// The disks of a majority.
    Majority,
}

/// Writes the requests of one connection.
pub(crate) struct Writer {
    stream: Stream,
    concern: Concern,
    random: Random,
    numbered: Documents,
    with_object_ids: Documents,
    batch: Vec<u8>,
    next_object: u32,
}

impl Writer {
    pub(crate) fn new(stream: Stream, concern: Concern) -> Writer {
        Writer {
            random: stream.random(),
            stream,
            concern,
            numbered: Documents::numbered(),
            with_object_ids: Documents::with_object_ids(),
            batch: Vec::new(),
            next_object: 0,
        }
    }

    /// Appends a request.
    pub(crate) fn write(&mut self, action: Action, request_id: i32, out: &mut Vec<u8>) {
        let request = |body: &DocBuf, sequences: &[(&str, &[RawDoc<'_>])], out: &mut Vec<u8>| {
            MsgRequest { request_id, flags: Flags::NONE, body: body.as_raw(), sequences }
                .write(out);
        };
        match action {
            Action::Find(id) => request(&self.find(id), &[], out),
            Action::Range { from, count } => request(&self.range(from, count), &[], out),
            Action::Group(group) => request(&self.group(group), &[], out),
            Action::Insert { ids, count } => {
                self.fill_batch(ids, count);
                let body = self.write_command("insert", Dataset::Numbered);
                request(&body, &[("documents", &split(&self.batch))], out);
            }
            Action::Increment(id) => {
                let statement = statement(id, "$inc", |inc| {
                    inc.append_i32("n", 1);
                });
                let body = self.write_command("update", Dataset::Numbered);
                request(&body, &[("updates", &[statement.as_raw()])], out);
            }
            Action::SetText { id, field } => {
                let statement = statement(id, "$set", |set| {
                    set.append_str(&format!("field{field}"), &text(&mut self.random, 80));
                });
                let body = self.write_command("update", Dataset::Numbered);
                request(&body, &[("updates", &[statement.as_raw()])], out);
            }
            Action::Analysis(analysis) => request(&self.analysis(analysis), &[], out),
        }
    }

    fn find(&self, id: i64) -> DocBuf {
        self.command("find", Dataset::Numbered, |builder| {
            builder.append_with("filter", |filter| {
                filter.append_i64("_id", id);
            });
            builder.append_i32("limit", 1).append_bool("singleBatch", true);
        })
    }

    fn range(&self, from: i64, count: u16) -> DocBuf {
        self.command("find", Dataset::Numbered, |builder| {
            builder.append_with("filter", |filter| {
                filter.append_with("_id", |id| {
                    id.append_i64("$gte", from);
                });
            });
            builder.append_with("sort", |sort| {
                sort.append_i32("_id", 1);
            });
            builder.append_i32("limit", count.into()).append_bool("singleBatch", true);
        })
    }

    fn group(&self, group: i64) -> DocBuf {
        self.command("find", Dataset::Indexed, |builder| {
            builder.append_with("filter", |filter| {
                filter.append_i64("n", group);
            });
            builder.append_i32("batchSize", 2 * GROUP_DOCUMENTS as i32);
            builder.append_bool("singleBatch", true);
        })
    }

    fn analysis(&self, analysis: &Analysis) -> DocBuf {
        self.command(analysis.command, analysis.dataset, analysis.fill)
    }

    /// A command on a collection, with the session every driver sends: `fill` writes what follows
    /// the command's name.
    fn command(&self, name: &str, dataset: Dataset, fill: impl FnOnce(&mut DocBuilder)) -> DocBuf {
        let mut builder = DocBuilder::new();
        builder.append_str(name, dataset.name());
        fill(&mut builder);
        let mut session = [0; 16];
        // Version 4, variant 1.
        session[6] = 0x40;
        session[8] = 0x80;
        session[14..].copy_from_slice(&self.stream.connection.to_be_bytes());
        builder.append_with("lsid", |lsid| {
            lsid.append("id", RawValue::Binary { subtype: 4, bytes: &session });
        });
        builder.append_str("$db", DATABASE);
        builder.finish()
    }

    /// A write in the order the statements stand.
    fn write_command(&self, name: &str, dataset: Dataset) -> DocBuf {
        self.command(name, dataset, |builder| {
            builder.append_bool("ordered", true);
            builder.append_with("writeConcern", |concern| {
                match self.concern {
                    Concern::Journalled => concern.append_i32("w", 1),
                    Concern::Majority => concern.append_str("w", "majority"),
                };
                concern.append_bool("j", true);
            });
        })
    }

    fn fill_batch(&mut self, ids: Ids, count: u16) {
        self.batch.clear();
        for _ in 0..count {
            match ids {
                Ids::Objects => {
                    let id = self.object_id();
                    self.with_object_ids.append(&mut self.batch, &mut self.random, &id);
                }
                Ids::Numbers => {
                    let id = self.stream.store.next_number().to_le_bytes();
                    self.numbered.append(&mut self.batch, &mut self.random, &id);
                }
            }
        }
    }

    /// Like a driver's: what is shared stands first and the counter last, so the ids of a connection
    /// grow and those of different connections interleave by connection.
    fn object_id(&mut self) -> [u8; 12] {
        let mut id = [0; 12];
        id[..4].copy_from_slice(&self.stream.window.to_be_bytes());
        id[4..6].copy_from_slice(&self.stream.connection.to_be_bytes());
        id[8..].copy_from_slice(&self.next_object.to_be_bytes());
        self.next_object = self.next_object.wrapping_add(1);
        id
    }
}

fn statement(id: i64, operator: &str, fill: impl FnOnce(&mut DocBuilder)) -> DocBuf {
    let mut builder = DocBuilder::new();
    builder.append_with("q", |query| {
        query.append_i64("_id", id);
    });
    builder.append_with("u", |update| {
        update.append_with(operator, fill);
    });
    builder.finish()
}

/// What is wrong with the reply to an action, if anything is.
pub(crate) fn fault(action: Action, reply: RawDoc<'_>) -> Option<&'static str> {
    match action {
        Action::Find(_) => batch_fault(reply, 1),
        Action::Group(_) => batch_fault(reply, GROUP_DOCUMENTS as usize),
        Action::Analysis(analysis) => batch_fault(reply, analysis.documents_min),
        // The last documents have fewer behind them.
        Action::Range { .. } => batch_fault(reply, 1),
        Action::Insert { count, .. } => write_fault(reply, count.into()),
        Action::Increment(_) | Action::SetText { .. } => write_fault(reply, 1).or_else(|| {
            (number(reply, "nModified") != Some(1)).then_some("the document was not modified")
        }),
    }
}

/// A reply without fault, as the canned server gives it.
pub(crate) fn canned_reply(action: Action) -> DocBuf {
    match action {
        Action::Find(_) => canned_batch(1),
        Action::Range { count, .. } => canned_batch(count),
        Action::Group(_) => canned_batch(GROUP_DOCUMENTS as u16),
        Action::Analysis(analysis) => canned_batch(analysis.documents_min as u16),
        Action::Insert { count, .. } => DocBuf::from(&doc! { "n": i32::from(count), "ok": 1.0 }),
        Action::Increment(_) | Action::SetText { .. } => {
            DocBuf::from(&doc! { "n": 1, "nModified": 1, "ok": 1.0 })
        }
    }
}

fn canned_batch(count: u16) -> DocBuf {
    debug_assert!(count <= BATCH_DOCUMENTS);
    let mut documents = Vec::new();
    let mut random = Random::new(1);
    for id in 0..i64::from(count) {
        Documents::numbered().append(&mut documents, &mut random, &id.to_le_bytes());
    }
    let mut builder = DocBuilder::new();
    builder.append_with("cursor", |cursor| {
        cursor.append_array("firstBatch", |batch| {
            for document in split(&documents) {
                batch.push_doc(document);
            }
        });
        cursor.append_i64("id", 0).append_str("ns", "bench.documents");
    });
    builder.append_f64("ok", 1.0);
    builder.finish()
}

fn number(reply: RawDoc<'_>, field: &str) -> Option<i64> {
    reply.get(field).and_then(quire_bson::as_exact_i64)
}

fn is_ok(reply: RawDoc<'_>) -> bool {
    number(reply, "ok") == Some(1)
}

fn batch_fault(reply: RawDoc<'_>, least: usize) -> Option<&'static str> {
    if !is_ok(reply) {
        return Some("the command failed");
    }
    let cursor = reply.get("cursor").and_then(RawValue::as_document);
    let batch = cursor.and_then(|cursor| cursor.get("firstBatch")).and_then(RawValue::as_array);
    // Looking for the last one that must be there is cheaper than counting all.
    let is_full = least == 0 || batch.is_some_and(|batch| batch.nth(least - 1).is_some());
    (!is_full).then_some("documents were not found")
}

/// What is wrong with the reply to a write that must have touched `n` documents.
fn write_fault(reply: RawDoc<'_>, n: i64) -> Option<&'static str> {
    if !is_ok(reply) {
        Some("the command failed")
    } else if reply.get("writeErrors").is_some() || reply.get("writeConcernError").is_some() {
        Some("the write failed")
    } else if number(reply, "n") != Some(n) {
        Some("another number of documents was written")
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
