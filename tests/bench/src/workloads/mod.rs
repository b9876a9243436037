//! What is asked of the server. A workload is one file here and one line in [`ALL`].
//!
//! Owns the trait: requests are written as stock drivers write them (`lsid`, document sequences), and
//! every reply is checked, so that a server that answers quickly and wrongly gets no figure.

mod find_by_id;
mod insert;
mod insert_many;
mod update_inc;

use crate::client::Client;
use crate::documents::{self, Documents};
use crate::random::Random;
use quire_bson::{DocBuf, DocBuilder, RawDoc, RawValue};
use quire_protocol::{Flags, MsgRequest};
use quire_tests::Result;

/// Every workload, in the order they are run.
pub(crate) const ALL: &[&dyn Workload] =
    &[&find_by_id::FindById, &insert::Insert, &update_inc::UpdateInc, &insert_many::InsertMany];

const DATABASE: &str = "bench";
const COLLECTION: &str = "documents";

/// How many documents are there before reads and updates begin.
const LOADED_DOCUMENTS: u64 = 100_000;
const BATCH_DOCUMENTS: usize = 1000;

/// Which of all streams of requests one is: two streams never write the same `_id`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamId {
    /// Counts the windows of a run.
    pub(crate) window: u32,
    pub(crate) connection: u16,
}

impl StreamId {
    fn random(self) -> Random {
        Random::new(u64::from(self.window) << 16 | u64::from(self.connection))
    }
}

pub(crate) trait Workload: Send + Sync {
    fn name(&self) -> &'static str;

    /// One line for the reader of the figures.
    fn summary(&self) -> &'static str;

    /// How many documents one request writes or reads.
    fn documents_per_operation(&self) -> u64 {
        1
    }

    /// How much one request must bring to disk before it is answered; 0 for a read.
    fn durable_bytes(&self) -> usize;

    /// Whether the store grows as long as it runs, so that each round needs an empty one.
    fn grows(&self) -> bool;

    /// Servers that differ from the subject by words of their command line, each by its name. They are
    /// yardsticks of what those words cost.
    fn variants(&self) -> &'static [(&'static str, &'static [&'static str])] {
        &[]
    }

    /// Fills an empty server.
    fn prepare(&self, client: &mut Client) -> Result<()>;

    /// The requests of one connection.
    fn requests(&self, stream: StreamId) -> Box<dyn Requests>;

    /// What is wrong with a reply, if anything is.
    fn fault(&self, reply: RawDoc<'_>) -> Option<&'static str>;

    /// A reply without fault, as the canned server gives it.
    fn canned_reply(&self) -> DocBuf;
}

/// The workload `name`.
pub(crate) fn by_name(name: &str) -> Option<&'static dyn Workload> {
    ALL.iter().copied().find(|workload| workload.name() == name)
}

/// The endless requests of one connection.
pub(crate) trait Requests: Send {
    /// Appends the next one.
    fn write_next(&mut self, request_id: i32, out: &mut Vec<u8>);
}

/// A command on the collection, with the session every driver sends: `fill` writes what follows the
/// command's name.
fn command(name: &str, stream: StreamId, fill: impl FnOnce(&mut DocBuilder)) -> DocBuf {
    let mut builder = DocBuilder::new();
    builder.append_str(name, COLLECTION);
    fill(&mut builder);
    let mut session = [0; 16];
    // Version 4, variant 1.
    session[6] = 0x40;
    session[8] = 0x80;
    session[14..].copy_from_slice(&stream.connection.to_be_bytes());
    builder.append_with("lsid", |lsid| {
        lsid.append("id", RawValue::Binary { subtype: 4, bytes: &session });
    });
    builder.append_str("$db", DATABASE);
    builder.finish()
}

/// A write of durable documents in the order they stand.
fn write_command(name: &str, stream: StreamId) -> DocBuf {
    command(name, stream, |builder| {
        builder.append_bool("ordered", true);
        builder.append_with("writeConcern", |concern| {
            concern.append_i32("w", 1).append_bool("j", true);
        });
    })
}

fn write_request(
    request_id: i32,
    body: &DocBuf,
    sequences: &[(&str, &[RawDoc<'_>])],
    out: &mut Vec<u8>,
) {
    let request = MsgRequest { request_id, flags: Flags::NONE, body: body.as_raw(), sequences };
    request.write(out);
}

/// Inserts the documents that reads and updates look for.
fn load(client: &mut Client) -> Result<()> {
    let stream = StreamId { window: 0, connection: 0 };
    let body = write_command("insert", stream);
    let documents = Documents::numbered();
    let mut random = Random::new(4096);
    let mut batch = Vec::new();
    for id in 0..LOADED_DOCUMENTS {
        documents.append(&mut batch, &mut random, &id.to_le_bytes());
        let full = batch.len() / documents::DOCUMENT_BYTES == BATCH_DOCUMENTS;
        if full || id + 1 == LOADED_DOCUMENTS {
            client.run(|id, out| {
                let documents = documents::split(&batch);
                write_request(id, &body, &[("documents", &documents)], out);
            })?;
            batch.clear();
        }
    }
    Ok(())
}

fn number(reply: RawDoc<'_>, field: &str) -> Option<i64> {
    reply.get(field).and_then(quire_bson::as_exact_i64)
}

fn is_ok(reply: RawDoc<'_>) -> bool {
    number(reply, "ok") == Some(1)
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
