//! The start of a set as PyMongo's guide shows it, with its failover.

use quire_bson::{Document, doc};
use quire_tests::{ReplicaSet, free_port};

/// Three processes that were told of each other as in the guide, the first one last.
fn as_in_the_guide() -> ReplicaSet {
    let ports = [free_port(), free_port(), free_port()];
    let mut set = ReplicaSet::uninitiated(0, &[]);
    let [first, second, third] = ports.map(|port| format!("127.0.0.1:{port}"));
    let named = [format!("foo/{second},{third}"), format!("foo/{first}"), format!("foo/{first}")];
    for (port, named) in ports.into_iter().zip(&named) {
        set.add_launched(port, &["--replSet", named, "--rest"]);
    }
    set
}

#[test]
fn three_processes_that_name_each_other_become_a_set_by_a_command_without_argument() {
    let mut set = as_in_the_guide();
    let mut first = set.connect(0);
    first.fails("test", doc! { "insert": "test", "documents": [{ "_id": 1 }] });

    let reply = first.ok("admin", doc! { "replSetInitiate": 1 });
    assert_eq!(
        reply.get_str("info2").ok(),
        Some("no configuration specified. Using a default configuration for the set")
    );
    assert_eq!(reply.get_str("me").ok(), Some(set.host(0).as_str()));
    assert!(reply.get_str("info").is_ok_and(|info| info.starts_with("Config now saved locally")));
    let config = set.config(0);
    let hosts: Vec<_> = quire_tests::members_of(&config)
        .iter()
        .map(|member| member.get_str("host").unwrap_or_default().to_owned())
        .collect();
    assert_eq!(hosts, [set.host(0), set.host(1), set.host(2)]);

    let primary = set.wait_until_whole();
    set.insert(primary, 0..1, 3);
    set.kill(primary);
    let next = set.primary();
    assert_ne!(next, primary);
    assert_eq!(set.count_on(next), 1);
    set.insert(next, 1..2, 1);
    set.start(primary);
    set.wait_for_count(primary, 2);
}

#[test]
fn a_node_that_waits_to_be_initiated_says_so() {
    let set = ReplicaSet::uninitiated(1, &[]);
    let mut connection = set.connect(0);
    let hello = connection.ok("admin", doc! { "hello": 1 });
    assert_eq!(hello.get_bool("isreplicaset").ok(), Some(true), "{hello}");
    assert_eq!(hello.get_bool("isWritablePrimary").ok(), Some(false), "{hello}");
    assert_eq!(hello.get_bool("secondary").ok(), Some(false), "{hello}");
    assert!(hello.get_str("info").is_ok_and(|info| !info.is_empty()), "{hello}");
    assert_eq!(hello.get("setName"), None, "{hello}");
    let refused: [(&str, Document, i32); 6] = [
        ("test", doc! { "insert": "c", "documents": [{}] }, 10107),
        ("test", doc! { "find": "c" }, 13435),
        ("admin", doc! { "replSetGetStatus": 1 }, 94),
        ("admin", doc! { "replSetGetConfig": 1 }, 94),
        ("admin", doc! { "replSetStepDown": 60 }, 10107),
        ("admin", doc! { "replSetReconfig": { "_id": "rs0", "version": 2, "members": [] } }, 94),
    ];
    for (database, command, code) in refused {
        let shown = command.to_string();
        assert_eq!(connection.fails(database, command).0, code, "{shown}");
    }
}

#[test]
fn data_may_be_on_the_initiating_node_alone() {
    let mut set = ReplicaSet::uninitiated(0, &[]);
    // As standalones they can be given data of their own.
    for _ in 0..2 {
        set.add_launched(free_port(), &[]);
    }
    for place in 0..2 {
        set.insert(place, 0..7, 1);
        assert_eq!(set.stop(place).code, Some(0));
    }
    let daemons: Vec<_> = (0..2)
        .map(|place| set.launch(place).with(&["--replSet", quire_tests::SET_NAME]).start())
        .collect();
    let member = |id: i32, place: usize| doc! { "_id": id, "host": set.host(place) };
    let config = doc! { "_id": quire_tests::SET_NAME, "members": [member(0, 0), member(1, 1)] };
    let mut first = daemons[0].connect();
    let (code, message) = first.fails("admin", doc! { "replSetInitiate": config });
    assert_eq!(code, 110, "{message}");

    let alone = doc! { "_id": quire_tests::SET_NAME, "members": [member(0, 0)] };
    first.ok("admin", doc! { "replSetInitiate": alone.clone() });
    assert_eq!(set.count_on(0), 7, "a standalone's data has become the set's");
    let (code, _) = first.fails("admin", doc! { "replSetInitiate": alone });
    assert_eq!(code, 23);
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused_by_its_code() {
    let set = ReplicaSet::uninitiated(2, &[]);
    let (own, other) = (set.host(0), set.host(1));
    let nobody = format!("127.0.0.1:{}", free_port());
    let cases: [(Document, i32); 6] = [
        (doc! { "_id": "another", "members": [{ "_id": 0, "host": own.clone() }] }, 93),
        (doc! { "_id": "rs0", "members": [{ "_id": 0, "host": other.clone() }] }, 93),
        (doc! { "_id": "rs0", "members": [] }, 93),
        (
            doc! { "_id": "rs0", "members": [
                { "_id": 0, "host": own.clone() }, { "_id": 0, "host": other },
            ] },
            93,
        ),
        (
            doc! { "_id": "rs0", "members": [
                { "_id": 0, "host": own.clone() }, { "_id": 1, "host": nobody },
            ] },
            74,
        ),
        (
            doc! { "_id": "rs0", "members": [
                { "_id": 0, "host": own.clone(), "priority": 1, "votes": 0 },
            ] },
            93,
        ),
    ];
    for (config, code) in cases {
        let shown = config.to_string();
        let (found, message) = set.connect(0).fails("admin", doc! { "replSetInitiate": config });
        assert_eq!(found, code, "{shown}: {message}");
    }
}
