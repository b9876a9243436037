//! One document of 1 KiB per request, on disk before it is answered.

use super::{Requests, StreamId, Workload, write_command, write_fault, write_request};
use crate::client::Client;
use crate::documents::{DOCUMENT_BYTES, Documents, split};
use crate::random::Random;
use quire_bson::{DocBuf, RawDoc, doc};
use quire_tests::Result;

pub(super) struct Insert;

impl Workload for Insert {
    fn name(&self) -> &'static str {
        "insert"
    }

    fn summary(&self) -> &'static str {
        "insertOne of 1 KiB, acknowledged and durable"
    }

    fn durable_bytes(&self) -> usize {
        DOCUMENT_BYTES
    }

    fn grows(&self) -> bool {
        true
    }

    fn prepare(&self, client: &mut Client) -> Result<()> {
        // The first insert makes the collection; no window should hold that.
        let mut first = self.requests(StreamId { window: 0, connection: 0 });
        client.run(|id, out| first.write_next(id, out))
    }

    fn requests(&self, stream: StreamId) -> Box<dyn Requests> {
        Box::new(Inserts::new(stream, 1))
    }

    fn fault(&self, reply: RawDoc<'_>) -> Option<&'static str> {
        write_fault(reply, 1)
    }

    fn canned_reply(&self) -> DocBuf {
        DocBuf::from(&doc! { "n": 1, "ok": 1.0 })
    }
}

/// Inserts of so many documents each.
pub(super) struct Inserts {
    stream: StreamId,
    body: DocBuf,
    documents: Documents,
    random: Random,
    batch_documents: usize,
    batch: Vec<u8>,
    next_id: u32,
}

impl Inserts {
    pub(super) fn new(stream: StreamId, batch_documents: usize) -> Inserts {
        Inserts {
            stream,
            body: write_command("insert", stream),
            documents: Documents::with_object_ids(),
            random: stream.random(),
            batch_documents,
            batch: Vec::new(),
            next_id: 0,
        }
    }

    /// Like a driver's: what is shared stands first and the counter last, so the ids of a connection
    /// grow and those of different connections interleave by connection.
    fn object_id(&mut self) -> [u8; 12] {
        let mut id = [0; 12];
        id[..4].copy_from_slice(&self.stream.window.to_be_bytes());
        id[4..6].copy_from_slice(&self.stream.connection.to_be_bytes());
        id[8..].copy_from_slice(&self.next_id.to_be_bytes());
        self.next_id = self.next_id.wrapping_add(1);
        id
    }
}

impl Requests for Inserts {
    fn write_next(&mut self, request_id: i32, out: &mut Vec<u8>) {
        self.batch.clear();
        for _ in 0..self.batch_documents {
            let id = self.object_id();
            self.documents.append(&mut self.batch, &mut self.random, &id);
        }
        write_request(request_id, &self.body, &[("documents", &split(&self.batch))], out);
    }
}
