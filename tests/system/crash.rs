//! `kill -9` while clients write: whatever was acknowledged is there afterwards, whatever was not is
//! there whole or not at all, and indexes and counts agree with the rows.
//!
//! `QUIRE_KILL_ROUNDS` is how often; the figures are printed.

mod ledger;
mod writer;

use crate::directory;
use ledger::Ledger;
use quire_bson::{Document, doc};
use quire_tests::{Connection, Daemon, Launch, Random, figure};
use std::collections::BTreeSet;
use std::sync::mpsc;
use std::time::Duration;
use writer::Writer;

const DATABASE: &str = "crash";
/// Every write goes here.
const COLLECTION: &str = "ledger";
/// An index that is there from the beginning, and one that comes and goes.
const UNIQUE: &str = "unique_1";
const SWITCHED: &str = "payload_1";

const WRITERS: usize = 4;
/// Acknowledged writes before the kill, at most.
const WRITES_MAX: usize = 1500;

#[test]
fn acknowledged_writes_survive_any_number_of_kills() {
    let rounds = figure("QUIRE_KILL_ROUNDS", 5);
    let seed = figure("QUIRE_SEED", 1);
    let data = directory();
    let launch = Launch::on(data.path());
    let mut random = Random::new(seed);
    let mut ledgers: Vec<Ledger> = (0..WRITERS).map(Ledger::new).collect();
    let mut switched = Switched::Off;
    let (mut writes, mut slowest) = (0, Duration::ZERO);

    let first = launch.start();
    let create = doc! {
        "createIndexes": COLLECTION,
        "indexes": [{ "key": { "unique": 1 }, "name": UNIQUE, "unique": true }],
    };
    first.connect().ok(DATABASE, create);
    first.kill();

    for round in 0..rounds {
        let daemon = launch.start();
        slowest = slowest.max(daemon.started_in);
        let wanted = 1 + random.below(WRITES_MAX);
        writes += write_and_kill(daemon, wanted, &mut ledgers, &mut switched);
        let daemon = launch.start();
        slowest = slowest.max(daemon.started_in);
        check(&daemon, &mut ledgers, &mut switched, &format!("round {round}, seed {seed}"));
        // Every other round goes on with a server that was stopped in order.
        if round % 2 == 0 {
            assert_eq!(daemon.stop(), Some(0));
        } else {
            daemon.kill();
        }
    }
    eprintln!(
        "{rounds} kills: {writes} acknowledged writes, none lost; the slowest of {} starts took \
         {slowest:?}",
        rounds * 2
    );
}

/// The index that comes and goes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Switched {
    On,
    Off,
    /// The kill came before the answer.
    Either,
}

/// Lets all writers write until so many writes are acknowledged, and kills the server under them.
fn write_and_kill(
    daemon: Daemon,
    wanted: usize,
    ledgers: &mut [Ledger],
    switched: &mut Switched,
) -> usize {
    let (acknowledge, acknowledged) = mpsc::channel();
    let port = daemon.port();
    std::thread::scope(|scope| {
        for ledger in ledgers.iter_mut() {
            let acknowledge = acknowledge.clone();
            scope.spawn(move || {
                Writer::new(Connection::open(port), ledger).write_until_the_end(&acknowledge);
            });
        }
        scope.spawn(|| switch_until_the_end(Connection::open(port), switched));
        drop(acknowledge);
        let early = acknowledged.iter().take(wanted).count();
        assert_eq!(early, wanted, "the writers gave up by themselves");
        daemon.kill();
        // What was answered between the last count and the kill.
        early + acknowledged.iter().count()
    })
}

/// Builds and drops an index over and over, while the rows change.
fn switch_until_the_end(mut connection: Connection, switched: &mut Switched) {
    loop {
        let (command, then) = match switched {
            Switched::On => (doc! { "dropIndexes": COLLECTION, "index": SWITCHED }, Switched::Off),
            Switched::Off | Switched::Either => (build_switched(), Switched::On),
        };
        *switched = Switched::Either;
        let Ok(reply) = connection.command(DATABASE, command) else { return };
        assert_eq!(quire_tests::failure(&reply), None, "{reply}");
        *switched = then;
    }
}

fn build_switched() -> Document {
    let index = doc! { "key": { "payload": 1 }, "name": SWITCHED };
    doc! { "createIndexes": COLLECTION, "indexes": [index] }
}

/// Compares everything with what was acknowledged, and settles what was in flight.
fn check(daemon: &Daemon, ledgers: &mut [Ledger], switched: &mut Switched, when: &str) {
    let mut connection = daemon.connect();
    let all = connection.documents(DATABASE, doc! { "find": COLLECTION, "sort": { "_id": 1 } });
    let mut known = 0;
    for ledger in ledgers.iter_mut() {
        known += ledger.settle(&all, when);
    }
    assert_eq!(all.len(), known, "{when}: rows that nobody wrote");

    if *switched == Switched::Either {
        // A build that the kill interrupted is finished by whoever asks for the index again.
        connection.ok(DATABASE, build_switched());
        *switched = Switched::On;
    }
    let names = index_names(&mut connection);
    let is_on = names.contains(SWITCHED);
    assert!(names.contains(UNIQUE), "{when}: {names:?}");
    assert_eq!(is_on, *switched == Switched::On, "{when}: an index is gone, or back: {names:?}");
    for index in names {
        let through = doc! { "find": COLLECTION, "hint": index.as_str() };
        let count = connection.documents(DATABASE, through).len();
        assert_eq!(count, all.len(), "{when}: {index} and the rows disagree");
    }
    let counted = connection.ok(DATABASE, doc! { "count": COLLECTION });
    let count = counted.get_i32("n").expect("a figure");
    assert_eq!(usize::try_from(count), Ok(all.len()), "{when}: the count and the rows disagree");
    let report = connection.ok(DATABASE, doc! { "validate": COLLECTION, "full": true });
    assert_eq!(report.get_bool("valid").ok(), Some(true), "{when}: {report}");
}

fn index_names(connection: &mut Connection) -> BTreeSet<String> {
    let indexes = connection.documents(DATABASE, doc! { "listIndexes": COLLECTION });
    let name = |index: &Document| index.get_str("name").expect("a name").to_owned();
    indexes.iter().map(name).collect()
}
