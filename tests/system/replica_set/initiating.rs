//! A set that makes itself of the members that were named at the start.

use super::{Trio, until};
use quire_bson::{Document, doc};
use quire_tests::Launch;

/// The lines that a set was initiated, and why it cannot be.
const INITIATED: i64 = 7_200_050;
const NOT_YET: i64 = 7_200_051;

fn configuration(trio: &Trio, number: usize) -> Document {
    let reply = trio.connect(number).ok("admin", doc! { "replSetGetConfig": 1 });
    reply.get_document("config").expect("a configuration").clone()
}

fn set_id(config: &Document) -> String {
    let settings = config.get_document("settings").expect("settings");
    settings.get_object_id("replicaSetId").expect("the set's identity").to_hex()
}

#[test]
fn named_members_become_a_set_once_and_a_wiped_first_one_joins_it_again() {
    let mut trio = Trio::start(&["--replSetInitiate", "HOSTS"]);
    let primary = trio.primary();
    trio.daemon(0).logged(INITIATED);
    let before = configuration(&trio, primary);
    let members = before.get_array("members").expect("members").iter();
    let hosts: Vec<&str> =
        members.filter_map(|member| member.as_document()?.get_str("host").ok()).collect();
    assert_eq!(hosts, trio.hosts());
    let insert = doc! { "insert": "c", "documents": [{ "_id": 1 }], "writeConcern": { "w": 3 } };
    trio.connect(primary).ok("test", insert);

    trio.wipe(0);
    trio.start_one(0);
    trio.primary();
    assert_eq!(set_id(&configuration(&trio, 0)), set_id(&before));
    let said = trio.daemon(0).log().lines();
    assert!(!said.iter().any(|line| line.contains(&INITIATED.to_string())), "{said:#?}");
    let count = doc! { "count": "c", "$readPreference": { "mode": "secondaryPreferred" } };
    until("the document", || {
        (trio.connect(0).reply("test", count.clone()).get_i32("n").ok() == Some(1)).then_some(())
    });
}

#[test]
fn the_first_waits_for_all_others_and_tells_each_reason_once() {
    let nobody = super::free_port();
    let directory = crate::directory();
    let port = super::free_port().to_string();
    let hosts = format!("127.0.0.1:{port},127.0.0.1:{nobody}");
    let daemon = Launch::bare(&["--port", &port, "--bind_ip", "127.0.0.1", "--nounixsocket"])
        .with(&["--replSet", "rs0", "--replSetInitiate", &hosts, "--dbpath"])
        .with(&[directory.path()])
        .start();
    daemon.logged(NOT_YET);
    // Long enough for more attempts.
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    let hello = daemon.connect().ok("admin", doc! { "hello": 1 });
    assert_eq!(hello.get_bool("isWritablePrimary").ok(), Some(false), "{hello}");
    let said = daemon.log().lines();
    let told = said.iter().filter(|line| line.contains(&NOT_YET.to_string())).count();
    assert_eq!(told, 1, "{said:#?}");
}

#[test]
fn members_without_a_set_or_twice_end_it_with_exit_code_2() {
    let cases: [&[&str]; 4] = [
        &["--replSetInitiate", "a:1"],
        &["--replSet", "rs0", "--replSetInitiate", ""],
        &["--replSet", "rs0", "--replSetInitiate", "a:1,a:1"],
        &["--replSet", "rs0", "--replSetInitiate", "a:1,b:x"],
    ];
    for words in cases {
        let data = crate::directory();
        let finished = Launch::on(data.path()).with(words).finish();
        assert_eq!(finished.code, Some(2), "{words:?}: {finished:#?}");
        assert_eq!(crate::listing(data.path()), [""; 0]);
    }
}
