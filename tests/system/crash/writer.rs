//! One client that writes as fast as it is answered, and keeps its ledger.

use super::ledger::{InFlight, Ledger, Row};
use super::{COLLECTION, DATABASE};
use quire_bson::{Document, doc};
use quire_tests::{Connection, failure};
use std::sync::mpsc::Sender;

/// The code of a duplicate key.
const DUPLICATE_KEY: i32 = 11000;

pub(super) struct Writer<'a> {
    connection: Connection,
    ledger: &'a mut Ledger,
}

impl<'a> Writer<'a> {
    pub(super) fn new(connection: Connection, ledger: &'a mut Ledger) -> Writer<'a> {
        Writer { connection, ledger }
    }

    /// Writes until the server is gone; tells of every acknowledged write.
    pub(super) fn write_until_the_end(mut self, acknowledge: &Sender<()>) {
        for turn in 0.. {
            let (id, becomes, command) = self.next_write(turn);
            self.ledger.in_flight = Some(InFlight { id, becomes });
            let Ok(reply) = self.connection.command(DATABASE, command) else { return };
            assert_eq!(failure(&reply), None, "{reply}");
            assert_eq!(reply.get_i32("n").ok(), Some(1), "{reply}");
            self.ledger.acknowledge();
            // The receiver counts only so far.
            let _ = acknowledge.send(());
            if turn % 16 == 0 && !self.is_refused_a_duplicate(id) {
                return;
            }
        }
    }

    /// Inserts mostly, then changes and removes what it has inserted.
    fn next_write(&mut self, turn: u64) -> (i64, Option<Row>, Document) {
        let some = self.ledger.rows.iter().nth(usize::try_from(turn % 7).unwrap_or(0));
        match (turn % 5, some) {
            (2 | 3, Some((&id, row))) => {
                let row = Row { version: row.version + 1 };
                let document = Ledger::document(id, row);
                let update = doc! { "q": { "unique": id }, "u": { "$set": document } };
                (id, Some(row), doc! { "update": COLLECTION, "updates": [update] })
            }
            (4, Some((&id, _))) => {
                let delete = doc! { "q": { "_id": id }, "limit": 1 };
                (id, None, doc! { "delete": COLLECTION, "deletes": [delete] })
            }
            _ => {
                let (id, row) = (self.ledger.next_id, Row { version: 0 });
                self.ledger.next_id += 1;
                let document = Ledger::document(id, row);
                (id, Some(row), doc! { "insert": COLLECTION, "documents": [document] })
            }
        }
    }

    /// Tries a second row with a unique value that is there; false when the server is gone.
    fn is_refused_a_duplicate(&mut self, id: i64) -> bool {
        if !self.ledger.rows.contains_key(&id) {
            return true;
        }
        let document = doc! { "_id": format!("twin of {id}"), "unique": id };
        let command = doc! { "insert": COLLECTION, "documents": [document] };
        let Ok(reply) = self.connection.command(DATABASE, command) else { return false };
        let code = failure(&reply).map(|(code, _)| code);
        assert_eq!(code, Some(DUPLICATE_KEY), "{reply}");
        true
    }
}
