//! A thousand documents of 1 KiB per request, on disk before it is answered.

use super::insert::Inserts;
use super::{BATCH_DOCUMENTS, Requests, StreamId, Workload, write_fault};
use crate::client::Client;
use crate::documents::DOCUMENT_BYTES;
use quire_bson::{DocBuf, RawDoc, doc};
use quire_tests::Result;

pub(super) struct InsertMany;

impl Workload for InsertMany {
    fn name(&self) -> &'static str {
        "insert-many"
    }

    fn summary(&self) -> &'static str {
        "insertMany of 1000 documents of 1 KiB, acknowledged and durable; figures are per document"
    }

    fn documents_per_operation(&self) -> u64 {
        BATCH_DOCUMENTS as u64
    }

    fn durable_bytes(&self) -> usize {
        BATCH_DOCUMENTS * DOCUMENT_BYTES
    }

    fn grows(&self) -> bool {
        true
    }

    fn prepare(&self, client: &mut Client) -> Result<()> {
        let mut first = self.requests(StreamId { window: 0, connection: 0 });
        client.run(|id, out| first.write_next(id, out))
    }

    fn requests(&self, stream: StreamId) -> Box<dyn Requests> {
        Box::new(Inserts::new(stream, BATCH_DOCUMENTS))
    }

    fn fault(&self, reply: RawDoc<'_>) -> Option<&'static str> {
        write_fault(reply, BATCH_DOCUMENTS as i64)
    }

    fn canned_reply(&self) -> DocBuf {
        DocBuf::from(&doc! { "n": BATCH_DOCUMENTS as i32, "ok": 1.0 })
    }
}
