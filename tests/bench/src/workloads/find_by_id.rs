//! One document by its `_id`, any of them as likely as any other.

use super::{
    COLLECTION, DATABASE, LOADED_DOCUMENTS, Requests, StreamId, Workload, command, is_ok, load,
    write_request,
};
use crate::client::Client;
use crate::documents::{Documents, split};
use crate::random::Random;
use quire_bson::{DocBuf, DocBuilder, RawDoc, RawValue};
use quire_tests::Result;

pub(super) struct FindById;

impl Workload for FindById {
    fn name(&self) -> &'static str {
        "find-by-id"
    }

    fn summary(&self) -> &'static str {
        "findOne by _id, uniformly among 100,000 documents of 1 KiB"
    }

    fn durable_bytes(&self) -> usize {
        0
    }

    fn grows(&self) -> bool {
        false
    }

    /// A server without test commands has no fail points; one with them has all, and all are off.
    fn variants(&self) -> &'static [(&'static str, &'static [&'static str])] {
        &[("with-fail-points", &["--setParameter", "enableTestCommands=1"])]
    }

    fn prepare(&self, client: &mut Client) -> Result<()> {
        load(client)
    }

    fn requests(&self, stream: StreamId) -> Box<dyn Requests> {
        Box::new(Finds { stream, random: stream.random() })
    }

    fn fault(&self, reply: RawDoc<'_>) -> Option<&'static str> {
        if !is_ok(reply) {
            return Some("the command failed");
        }
        let batch = reply
            .get("cursor")
            .and_then(RawValue::as_document)
            .and_then(|cursor| cursor.get("firstBatch"))
            .and_then(RawValue::as_array);
        match batch.and_then(|batch| batch.get("0")) {
            Some(RawValue::Document(_)) => None,
            _ => Some("the document was not found"),
        }
    }

    fn canned_reply(&self) -> DocBuf {
        let mut document = Vec::new();
        Documents::numbered().append(&mut document, &mut Random::new(1), &1i64.to_le_bytes());
        let mut builder = DocBuilder::new();
        builder.append_with("cursor", |cursor| {
            cursor.append_array("firstBatch", |batch| {
                for document in split(&document) {
                    batch.push_doc(document);
                }
            });
            cursor.append_i64("id", 0).append_str("ns", &format!("{DATABASE}.{COLLECTION}"));
        });
        builder.append_f64("ok", 1.0);
        builder.finish()
    }
}

struct Finds {
    stream: StreamId,
    random: Random,
}

impl Requests for Finds {
    fn write_next(&mut self, request_id: i32, out: &mut Vec<u8>) {
        let id = self.random.below(LOADED_DOCUMENTS).cast_signed();
        let body = command("find", self.stream, |builder| {
            builder.append_with("filter", |filter| {
                filter.append_i64("_id", id);
            });
            builder.append_i32("limit", 1).append_bool("singleBatch", true);
        });
        write_request(request_id, &body, &[], out);
    }
}
