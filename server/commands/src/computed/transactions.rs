//! `config.transactions`: what is remembered of sessions whose commands were numbered.

use super::Computed;
use crate::server::Context;
use quire_bson::{DocBuf, DocBuilder, RawValue};
use quire_documents::{ReadView, SessionHeader, SessionKey};
use quire_errors::Result;
use quire_execution::{Maker, local_failure};
use std::ops::ControlFlow;

/// Keys of the store that are looked at before the documents made of them are asked for.
const KEYS_MAX: usize = 256;

pub fn open(context: &Context<'_>) -> Option<Computed> {
    context.server.replica_set.as_ref()?;
    Some(Computed::from_makers(Transactions::default))
}

/// A walk over the records.
#[derive(Default)]
struct Transactions {
    after: Option<SessionKey>,
    ended: bool,
}

impl Maker for Transactions {
    fn more(&mut self, view: &ReadView) -> Result<Vec<DocBuf>> {
        let mut made = Vec::new();
        if self.ended {
            return Ok(made);
        }
        let mut make = |session: SessionKey, header: SessionHeader| {
            made.push(document(&session, &header));
            ControlFlow::Continue(())
        };
        let next = view.scan_sessions(self.after, KEYS_MAX, &mut make).map_err(local_failure)?;
        self.ended = next.is_none();
        self.after = next;
        Ok(made)
    }
}

fn document(session: &SessionKey, header: &SessionHeader) -> DocBuf {
    let time = header.revision;
    let mut made = DocBuilder::new();
    made.append_with("_id", |id| {
        id.append("id", RawValue::Binary { subtype: 4, bytes: &session.id });
        id.append("uid", RawValue::Binary { subtype: 0, bytes: &session.user });
    });
    made.append_i64("txnNum", header.number);
    made.append_with("lastWriteOpTime", |last| {
        let (time, increment) = (time.seconds(), time.increment());
        last.append("ts", RawValue::Timestamp { time, increment });
        last.append_i64("t", i64::try_from(header.term.0).unwrap_or(i64::MAX));
    });
    made.append("lastWriteDate", RawValue::DateTime(header.wall_millis));
    made.finish()
}

#[cfg(test)]
mod tests {
    use crate::testing::{Rig, first_batch};
    use quire_bson::{Binary, BinarySubtype, Bson, Document, doc};

    fn write(rig: &Rig, session: u8, number: i64) {
        let id = Binary { subtype: BinarySubtype::Uuid, bytes: vec![session; 16] };
        let document = doc! {"_id": i64::from(session) << 32 | number};
        rig.ok(
            "db",
            doc! {
                "insert": "c", "documents": [document], "lsid": {"id": id}, "txnNumber": number,
            },
        );
    }

    fn found(rig: &Rig, filter: Document) -> Vec<Document> {
        first_batch(&rig.ok("config", doc! {"find": "transactions", "filter": filter}))
    }

    #[test]
    fn each_session_shows_the_number_and_time_of_its_last_write() {
        let rig = Rig::primary();
        assert!(found(&rig, doc! {}).is_empty());
        write(&rig, 2, 7);
        write(&rig, 1, 3);
        write(&rig, 1, 4);
        let all = found(&rig, doc! {});
        assert_eq!(all.len(), 2);
        let first = &all[0];
        assert_eq!(
            first.keys().collect::<Vec<_>>(),
            ["_id", "txnNum", "lastWriteOpTime", "lastWriteDate"]
        );
        assert_eq!(first.get("txnNum"), Some(&Bson::Int64(4)));
        let id = first.get_document("_id").unwrap();
        assert_eq!(id.keys().collect::<Vec<_>>(), ["id", "uid"]);
        let time = first.get_document("lastWriteOpTime").unwrap();
        assert!(matches!(time.get("ts"), Some(Bson::Timestamp(_))), "{time}");
        assert!(matches!(time.get("t"), Some(Bson::Int64(1..))), "{time}");
        assert!(matches!(first.get("lastWriteDate"), Some(Bson::DateTime(_))));
        assert_eq!(found(&rig, doc! {"_id": id}).first(), Some(first));
    }

    #[test]
    fn every_reading_command_reads_them() {
        let rig = Rig::primary();
        for session in 1..=9 {
            write(&rig, session, i64::from(session));
        }
        let count = rig.ok("config", doc! {"count": "transactions"});
        assert_eq!(count.get_i32("n").unwrap(), 9);
        let pipeline = vec![doc! {"$group": {"_id": null, "n": {"$sum": "$txnNum"}}}];
        let command = doc! {"aggregate": "transactions", "pipeline": pipeline, "cursor": {}};
        assert_eq!(first_batch(&rig.ok("config", command))[0].get("n"), Some(&Bson::Int64(45)));
        let distinct = rig.ok("config", doc! {"distinct": "transactions", "key": "txnNum"});
        assert_eq!(distinct.get_array("values").unwrap().len(), 9);
    }

    #[test]
    fn a_cursor_walks_more_than_one_batch() {
        let rig = Rig::primary();
        for session in 0..=255 {
            write(&rig, session, 1);
        }
        let reply = rig.ok("config", doc! {"find": "transactions", "batchSize": 10});
        let mut seen = first_batch(&reply).len();
        let mut id = reply.get_document("cursor").unwrap().get_i64("id").unwrap();
        while id != 0 {
            let more = doc! {"getMore": id, "collection": "transactions", "batchSize": 100};
            let reply = rig.ok("config", more);
            let cursor = reply.get_document("cursor").unwrap();
            seen += cursor.get_array("nextBatch").unwrap().len();
            id = cursor.get_i64("id").unwrap();
        }
        assert_eq!(seen, 256);
    }

    #[test]
    fn nobody_writes_to_them() {
        let rig = Rig::primary();
        write(&rig, 1, 1);
        let table = [
            doc! {"insert": "transactions", "documents": [{"_id": 1}]},
            doc! {"update": "transactions", "updates": [{"q": {}, "u": {"$set": {"a": 1}}}]},
            doc! {"delete": "transactions", "deletes": [{"q": {}, "limit": 0}]},
            doc! {"create": "transactions"},
            doc! {
                "createIndexes": "transactions",
                "indexes": [{"key": {"a": 1}, "name": "a_1"}],
            },
        ];
        for command in table {
            assert_eq!(rig.refused("config", command.clone()).0, 73, "{command}");
        }
        assert_eq!(found(&rig, doc! {}).len(), 1);
    }

    #[test]
    fn a_standalone_has_none() {
        assert!(found(&Rig::new(), doc! {}).is_empty());
    }
}
