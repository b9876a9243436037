//! `$inc` of one field of a document by its `_id`, on disk before it is answered.

use super::{
    LOADED_DOCUMENTS, Requests, StreamId, Workload, load, number, write_command, write_fault,
    write_request,
};
use crate::client::Client;
use crate::documents::DOCUMENT_BYTES;
use crate::random::Random;
use quire_bson::{DocBuf, DocBuilder, RawDoc, doc};
use quire_tests::Result;

pub(super) struct UpdateInc;

impl Workload for UpdateInc {
    fn name(&self) -> &'static str {
        "update-inc"
    }

    fn summary(&self) -> &'static str {
        "updateOne by _id with $inc, uniformly among 100,000 documents of 1 KiB, durable"
    }

    fn durable_bytes(&self) -> usize {
        DOCUMENT_BYTES
    }

    fn grows(&self) -> bool {
        false
    }

    fn prepare(&self, client: &mut Client) -> Result<()> {
        load(client)
    }

    fn requests(&self, stream: StreamId) -> Box<dyn Requests> {
        let body = write_command("update", stream);
        Box::new(Updates { body, random: stream.random() })
    }

    fn fault(&self, reply: RawDoc<'_>) -> Option<&'static str> {
        write_fault(reply, 1).or_else(|| {
            (number(reply, "nModified") != Some(1)).then_some("the document was not modified")
        })
    }

    fn canned_reply(&self) -> DocBuf {
        DocBuf::from(&doc! { "n": 1, "nModified": 1, "ok": 1.0 })
    }
}

struct Updates {
    body: DocBuf,
    random: Random,
}

impl Requests for Updates {
    fn write_next(&mut self, request_id: i32, out: &mut Vec<u8>) {
        let id = self.random.below(LOADED_DOCUMENTS).cast_signed();
        let mut builder = DocBuilder::new();
        builder.append_with("q", |query| {
            query.append_i64("_id", id);
        });
        builder.append_with("u", |update| {
            update.append_with("$inc", |inc| {
                inc.append_i32("n", 1);
            });
        });
        let statement = builder.finish();
        write_request(request_id, &self.body, &[("updates", &[statement.as_raw()])], out);
    }
}
