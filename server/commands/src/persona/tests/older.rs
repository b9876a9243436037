//! What older versions served, refused or left out, beside the arguments of commands.

use super::{before_and_since, code};
use crate::testing::Rig;
use quire_bson::{Document, doc};

#[test]
fn commands_come_and_go_with_their_versions() {
    let cases = [
        (["5.0", "6.0"], doc! {"getLastError": 1}, [0, 59]),
        (["5.0", "6.0"], doc! {"resetError": 1}, [0, 59]),
        (["6.0", "7.0"], doc! {"getnonce": 1}, [0, 59]),
    ];
    for (versions, command, codes) in cases {
        let told = before_and_since(versions, |rig| rig.run("admin", command.clone()));
        assert_eq!(told.each_ref().map(code), codes, "{command}");
    }
    let nonce = Rig::primary_as("4.0").ok("admin", doc! {"getnonce": 1});
    assert_eq!(nonce.get_str("nonce").unwrap().len(), 16);
    let testing = |rig: &Rig, command: &Document| {
        rig.server.parameters.set("enableTestCommands", true.into());
        code(&rig.run("admin", command.clone()))
    };
    let wait = doc! {"waitForFailPoint": "failCommand", "timesEntered": 0, "maxTimeMS": 1000};
    for (before, since, command) in
        [("4.2", "4.4", wait), ("4.4", "5.0", doc! {"testDeprecation": 1})]
    {
        assert_eq!(testing(&Rig::primary_as(before), &command), 59, "{command}");
        assert_eq!(testing(&Rig::primary_as(since), &command), 0, "{command}");
    }
}

#[test]
fn parameters_come_with_their_versions() {
    let cases = [
        (["4.4", "5.0"], "requireApiVersion"),
        (["4.4", "5.0"], "minSnapshotHistoryWindowInSeconds"),
        (["7.0", "8.0"], "ingressRequestRateLimiterEnabled"),
        (["8.2", "9.0"], "externalClientBaseBackoffMS"),
    ];
    for (versions, name) in cases {
        let get = |rig: &Rig| rig.run("admin", doc! {"getParameter": 1, name: 1});
        assert_eq!(before_and_since(versions, get).each_ref().map(code), [72, 0], "{name}");
        let set = |rig: &Rig| rig.run("admin", doc! {"setParameter": 1, name: 0});
        let told = before_and_since(versions, set);
        assert_eq!(told.each_ref().map(code), [72, 0], "{name}");
        let all = |rig: &Rig| rig.ok("admin", doc! {"getParameter": "*"});
        let told = before_and_since(versions, all).map(|all| all.contains_key(name));
        assert_eq!(told, [false, true], "{name}");
    }
}

#[test]
fn names_with_a_dollar_are_refused_before_5_0() {
    let statement = |u: Document| doc! {"update": "c", "updates": [{"q": {"_id": 1}, "u": u}]};
    let nested = || doc! {"a": {"b": [{"$c": 1}]}};
    let insert = doc! {"insert": "c", "documents": [{"_id": 2}, {"_id": 3, "$a": 1}]};
    let modify = doc! {"findAndModify": "c", "query": {"_id": 1}, "update": nested()};
    let cases = [
        (insert, 2, "Document can't have $ prefixed field names: $a"),
        (statement(nested()), 52, "The dollar ($) prefixed field '$c' in 'a.b.0.$c' is not valid"),
        (statement(doc! {"$set": {"x": {"$c": 1}}}), 52, "'$c' in 'x.$c' is not valid"),
        (modify, 52, "is not valid for storage"),
    ];
    for (command, wanted, words) in cases {
        let ask = |rig: &Rig| {
            rig.ok("test", doc! {"insert": "c", "documents": [{"_id": 1}]});
            rig.run("test", command.clone())
        };
        let [before, since] = before_and_since(["4.4", "5.0"], ask);
        let first = before.get_array("writeErrors").ok().and_then(|errors| errors.first());
        let failed = first.and_then(|error| error.as_document()).unwrap_or(&before);
        assert_eq!(code(failed), wanted, "{before}");
        assert!(failed.get_str("errmsg").unwrap().contains(words), "{before}");
        assert_eq!(code(&since), 0, "{since}");
        assert!(!since.contains_key("writeErrors"), "{since}");
    }
    // A reference to another document has always been one.
    let reference = doc! {"other": {"$ref": "d", "$id": 1, "$db": "e"}};
    let rig = Rig::primary_as("4.4");
    rig.ok("test", doc! {"insert": "c", "documents": [{"_id": 1}]});
    rig.ok("test", statement(reference));
    rig.ok("test", statement(doc! {"$pull": {"l": {"$in": [1]}}}));
}

#[test]
fn moments_are_read_since_5_0() {
    let snapshot = doc! {"find": "c", "readConcern": {"level": "snapshot"}};
    let told = before_and_since(["4.4", "5.0"], |rig| rig.run("test", snapshot.clone()));
    assert_eq!(told.each_ref().map(code), [72, 0]);
}

#[test]
fn a_member_that_leaves_says_so_since_5_0_and_is_more_patient() {
    let hello = |rig: &Rig| {
        rig.server.topology.shut_down(std::time::Duration::from_secs(1));
        rig.run("admin", doc! {"isMaster": 1})
    };
    assert_eq!(before_and_since(["4.4", "5.0"], hello).each_ref().map(code), [0, 91]);
    let patience = ["4.4", "5.0"].map(|version| {
        let rig = Rig::primary_as(version);
        rig.ok("admin", doc! {"shutdown": 1});
        let asked = rig.host.shutdown.lock().expect("a request");
        asked.timeout.as_secs()
    });
    assert_eq!(patience, [10, 15]);
}

/// Switches `failCommand` on for `ping`.
fn fail_ping(rig: &Rig, more: Document) -> Document {
    rig.server.parameters.set("enableTestCommands", true.into());
    let mut data = doc! {"failCommands": ["ping"], "errorCode": 462};
    data.extend(more);
    let mode = doc! {"times": 1};
    rig.run("admin", doc! {"configureFailPoint": "failCommand", "mode": mode, "data": data})
}

#[test]
fn fail_command_learned_its_options_one_by_one() {
    let cases = [
        (["4.0", "4.2"], doc! {"appName": "a"}),
        (["4.0", "4.2"], doc! {"namespace": "a.b"}),
        (["4.0", "4.2"], doc! {"threadName": "conn1"}),
        (["4.0", "4.2"], doc! {"blockConnection": true, "blockTimeMS": 1}),
        (["4.2", "4.4"], doc! {"errorLabels": []}),
    ];
    for (versions, option) in cases {
        let told = before_and_since(versions, |rig| fail_ping(rig, option.clone()));
        assert_eq!(told.each_ref().map(code), [2, 0], "{option}");
    }
    assert_eq!(code(&fail_ping(&Rig::primary_as("4.0"), doc! {"failInternalCommands": true})), 0);
}

#[test]
fn overload_is_labelled_since_8_0_and_tells_how_long_to_wait_since_9_0() {
    let ping = |rig: &Rig| {
        fail_ping(rig, doc! {});
        rig.run("admin", doc! {"ping": 1})
    };
    let [before, since] = before_and_since(["7.0", "8.0"], ping);
    assert!(!before.contains_key("errorLabels"), "{before}");
    assert_eq!(since.get_array("errorLabels").unwrap().len(), 2, "{since}");
    let waiting = |rig: &Rig| {
        // Nothing is told unless an operator says what.
        assert!(!ping(rig).contains_key("baseBackoffMS"));
        rig.run("admin", doc! {"setParameter": 1, "externalClientBaseBackoffMS": 50});
        ping(rig)
    };
    let [before, since] = before_and_since(["8.2", "9.0"], waiting);
    assert!(!before.contains_key("baseBackoffMS"), "{before}");
    assert_eq!(since.get_i64("baseBackoffMS").unwrap(), 50);
    // Labels that a test sets count as the server's own, and other errors tell nothing.
    let rig = Rig::primary_as("9.0");
    rig.ok("admin", doc! {"setParameter": 1, "externalClientBaseBackoffMS": 50});
    let labels = doc! {"errorLabels": ["RetryableError", "SystemOverloadedError"], "errorCode": 2};
    fail_ping(&rig, labels);
    assert!(rig.run("admin", doc! {"ping": 1}).contains_key("baseBackoffMS"));
    fail_ping(&rig, doc! {"errorCode": 91});
    assert!(!rig.run("admin", doc! {"ping": 1}).contains_key("baseBackoffMS"));
}
