use super::{FailCommand, Outcome};
use crate::fields::Fields;
use crate::point::Data;
use crate::requests::Request;
use quire_bson::{DocBuf, Document, doc};
use std::time::Duration;

fn read(data: &Document) -> Result<FailCommand, i32> {
    let data = DocBuf::from(data);
    let mut fields = Fields::new(data.as_raw());
    let read = FailCommand::read(&mut fields).and_then(|read| fields.finish().map(|()| read));
    read.map_err(|error| error.code().number())
}

/// An insert of an application on its first connection.
const INSERT: Request<'_> = Request {
    command: "insert",
    aliases: &[],
    namespace: "db.c",
    app_name: Some("app"),
    thread: "conn1",
    is_internal: false,
};

const IS_MASTER: Request<'_> =
    Request { command: "isMaster", aliases: &["ismaster"], namespace: "admin.$cmd", ..INSERT };

fn concerns(mut data: Document, request: &Request<'_>) -> bool {
    data.insert("errorCode", 1);
    read(&data).unwrap().concerns(request, false)
}

#[test]
fn a_command_is_meant_by_any_of_its_names() {
    for (names, request, wanted) in [
        (vec!["insert"], INSERT, true),
        (vec!["find", "insert", "saslContinue", "nonesuch"], INSERT, true),
        (vec!["find"], INSERT, false),
        (vec![], INSERT, false),
        (vec!["Insert"], INSERT, false),
        (vec!["isMaster"], IS_MASTER, true),
        (vec!["ismaster"], IS_MASTER, true),
        (vec!["hello"], IS_MASTER, false),
    ] {
        assert_eq!(concerns(doc! { "failCommands": &names }, &request), wanted, "{names:?}");
    }
    assert!(concerns(doc! { "failAllCommands": true }, &INSERT));
    assert!(!concerns(doc! { "failAllCommands": false, "failCommands": [] }, &INSERT));
    assert!(!concerns(doc! {}, &INSERT), "it names none");
}

#[test]
fn the_command_that_switches_points_is_immune() {
    let switching = Request { command: "configureFailPoint", ..INSERT };
    assert!(!concerns(doc! { "failCommands": ["configureFailPoint"] }, &switching));
    assert!(!concerns(doc! { "failAllCommands": true }, &switching));
}

#[test]
fn every_filter_must_let_a_request_pass() {
    let of_a_server = Request { is_internal: true, ..INSERT };
    let nameless = Request { app_name: None, ..INSERT };
    for (filter, request, wanted) in [
        (doc! { "appName": "app" }, INSERT, true),
        (doc! { "appName": "ap" }, INSERT, false),
        (doc! { "appName": "app" }, nameless, false),
        (doc! { "namespace": "db.c" }, INSERT, true),
        (doc! { "namespace": "db.cc" }, INSERT, false),
        (doc! { "namespace": "db.$cmd" }, INSERT, false),
        (doc! { "threadName": "conn1" }, INSERT, true),
        (doc! { "threadName": "conn12" }, INSERT, false),
        (doc! {}, of_a_server, false),
        (doc! { "failInternalCommands": true }, of_a_server, true),
        (doc! { "failInternalCommands": true }, INSERT, true),
        (doc! { "failLocalClients": true }, INSERT, true),
        (doc! { "appName": "app", "namespace": "db.d" }, INSERT, false),
    ] {
        for commands in [doc! { "failCommands": ["insert"] }, doc! { "failAllCommands": true }] {
            let mut data = commands;
            data.extend(filter.clone());
            assert_eq!(concerns(data, &request), wanted, "{filter} {request:?}");
        }
    }
}

#[test]
fn the_strongest_outcome_counts_and_waiting_goes_before_it() {
    let outcome = |mut data: Document| {
        data.insert("failCommands", ["insert"]);
        let read = read(&data).unwrap();
        let outcome = match read.outcome {
            Outcome::Run => "run",
            Outcome::CloseConnection => "close",
            Outcome::Fail(_) => "fail",
            Outcome::WriteConcernError(_) => "beside",
        };
        (outcome, read.block.map(|block| block.as_millis()))
    };
    let beside = doc! { "code": 64, "errmsg": "x" };
    for (data, wanted) in [
        (doc! {}, ("run", None)),
        (doc! { "closeConnection": false }, ("run", None)),
        (doc! { "closeConnection": true, "errorCode": 1 }, ("close", None)),
        (doc! { "closeConnection": true, "writeConcernError": &beside }, ("close", None)),
        (doc! { "closeConnection": false, "errorCode": 1 }, ("fail", None)),
        (doc! { "errorCode": 1, "writeConcernError": &beside }, ("fail", None)),
        (doc! { "writeConcernError": &beside }, ("beside", None)),
        (doc! { "blockConnection": true, "blockTimeMS": 15 }, ("run", Some(15))),
        (doc! { "blockConnection": true, "blockTimeMS": 0, "errorCode": 1 }, ("fail", Some(0))),
        (doc! { "blockConnection": false, "blockTimeMS": 15 }, ("run", None)),
    ] {
        assert_eq!(outcome(data.clone()), wanted, "{data}");
    }
}

#[test]
fn what_would_do_nothing_is_not_entered() {
    let concerns = |data: Document, takes_write_concern| {
        read(&data).unwrap().concerns(&INSERT, takes_write_concern)
    };
    let mut data = doc! { "failCommands": ["insert"] };
    assert!(!concerns(data.clone(), true));
    data.insert("writeConcernError", doc! { "code": 64 });
    assert!(concerns(data.clone(), true));
    assert!(!concerns(data.clone(), false), "it takes no write concern");
    data.extend(doc! { "blockConnection": true, "blockTimeMS": 1 });
    assert!(concerns(data, false));
}

#[test]
fn bad_data_is_refused_with_its_code() {
    let table = [
        (doc! { "failCommands": "insert" }, 14),
        (doc! { "failCommands": [1] }, 14),
        (doc! { "failCommands": [], "errorCode": "1" }, 14),
        (doc! { "failCommands": [], "errorCode": 0 }, 2),
        (doc! { "failCommands": [], "errorCode": 1_i64 << 40 }, 2),
        (doc! { "failCommands": [], "blockConnection": true }, 72),
        (doc! { "failCommands": [], "blockConnection": true, "blockTimeMS": -1 }, 72),
        (doc! { "failCommands": [], "errorLabels": "a" }, 14),
        (doc! { "failCommands": [], "writeConcernError": 64 }, 14),
        (doc! { "failCommands": [], "errorcode": 1 }, 2),
    ];
    for (data, code) in table {
        assert_eq!(read(&data).err(), Some(code), "{data}");
    }
}

#[test]
fn labels_may_be_none_at_all() {
    let labels = |labels: Vec<&str>| {
        read(&doc! { "failCommands": [], "errorCode": 1, "errorLabels": labels }).unwrap().labels
    };
    assert_eq!(labels(vec![]), Some(vec![]));
    assert_eq!(labels(vec!["A", "B"]), Some(vec!["A".to_owned(), "B".to_owned()]));
    let block = doc! { "failCommands": [], "blockConnection": true, "blockTimeMS": 2_i64 };
    let read = read(&block).unwrap();
    assert_eq!((read.labels, read.block), (None, Some(Duration::from_millis(2))));
}
