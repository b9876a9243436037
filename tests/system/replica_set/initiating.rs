//! A set that makes itself of the members that were named at the start.

use quire_bson::Document;
use quire_tests::{Launch, ReplicaSet, SET_NAME, free_port, members_of};

/// The lines that a set was initiated, and why it cannot be.
const INITIATED: i64 = 7_200_050;
const NOT_YET: i64 = 7_200_051;

fn set_id(config: &Document) -> String {
    let settings = config.get_document("settings").expect("settings");
    settings.get_object_id("replicaSetId").expect("the set's identity").to_hex()
}

/// Three that were told of each other when they were started.
fn named() -> ReplicaSet {
    let ports = [free_port(), free_port(), free_port()];
    let hosts = ports.map(|port| format!("127.0.0.1:{port}")).join(",");
    let mut set = ReplicaSet::uninitiated(0, &[]);
    for port in ports {
        set.add_launched(port, &["--replSet", SET_NAME, "--replSetInitiate", &hosts]);
    }
    set
}

#[test]
fn named_members_become_a_set_once_and_a_wiped_first_one_joins_it_again() {
    let mut set = named();
    let primary = set.wait_until_whole();
    set.daemon(0).logged(INITIATED);
    let before = set.config(primary);
    let members = members_of(&before);
    let hosts: Vec<&str> =
        members.iter().filter_map(|member| member.get_str("host").ok()).collect();
    assert_eq!(hosts, set.hosts());
    set.insert(primary, 0..1, 3);

    set.kill(0);
    set.wipe(0);
    set.start(0);
    set.wait_until_whole();
    assert_eq!(set_id(&set.config(0)), set_id(&before));
    let said = set.daemon(0).log().lines();
    assert!(!said.iter().any(|line| line.contains(&INITIATED.to_string())), "{said:#?}");
    set.wait_for_count(0, 1);
}

#[test]
fn the_first_waits_for_all_others_and_tells_each_reason_once() {
    let nobody = free_port();
    let directory = crate::directory();
    let port = free_port().to_string();
    let hosts = format!("127.0.0.1:{port},127.0.0.1:{nobody}");
    let daemon = Launch::bare(&["--port", &port, "--bind_ip", "127.0.0.1", "--nounixsocket"])
        .with(&["--replSet", SET_NAME, "--replSetInitiate", &hosts, "--dbpath"])
        .with(&[directory.path()])
        .start();
    daemon.logged(NOT_YET);
    // Long enough for more attempts.
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    let hello = daemon.connect().ok("admin", quire_bson::doc! { "hello": 1 });
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
