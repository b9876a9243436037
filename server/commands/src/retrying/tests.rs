use crate::testing::{Rig, block_on, first_batch, request};
use quire_bson::{Binary, BinarySubtype, Bson, Document, doc};
use quire_execution::wait::{Either, race};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

fn lsid(n: u8) -> Document {
    doc! { "id": Binary { subtype: BinarySubtype::Uuid, bytes: vec![n; 16] } }
}

/// The command with a number, in the first session.
fn numbered(command: &Document, number: i64) -> Document {
    let mut command = command.clone();
    command.insert("lsid", lsid(1));
    command.insert("txnNumber", number);
    command
}

/// A reply without what belongs to every one.
fn own(mut reply: Document) -> Document {
    for name in ["$clusterTime", "operationTime"] {
        reply.remove(name);
    }
    reply
}

fn insert(ids: &[i32]) -> Document {
    let documents: Vec<Document> = ids.iter().map(|id| doc! {"_id": id}).collect();
    doc! {"insert": "c", "documents": documents}
}

fn update(statements: Vec<Document>) -> Document {
    doc! {"update": "c", "updates": statements}
}

fn increment(id: i32) -> Document {
    doc! {"q": {"_id": id}, "u": {"$inc": {"n": 1}}}
}

fn modify() -> Document {
    doc! {"findAndModify": "c", "query": {"_id": 1}, "update": {"$inc": {"n": 1}}, "new": true}
}

fn rig() -> Rig {
    let rig = Rig::primary();
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1, "n": 0}, {"_id": 2, "n": 0}]});
    rig
}

#[test]
fn a_retry_is_told_what_the_first_attempt_did_and_does_nothing() {
    let found = |n: i32| doc! {"_id": 1, "n": n};
    let upsert = doc! {"q": {"_id": 7}, "u": {"$inc": {"n": 1}}, "upsert": true};
    let last = doc! {"n": 1, "updatedExisting": true};
    let table = [
        (insert(&[3, 4]), doc! {"n": 2, "retriedStmtIds": [0, 1], "ok": 1.0}),
        (
            update(vec![increment(1), increment(2)]),
            doc! {"n": 2, "nModified": 2, "retriedStmtIds": [0, 1], "ok": 1.0},
        ),
        (
            update(vec![upsert, increment(1)]),
            doc! {
                "n": 2, "upserted": [{"index": 0, "_id": 7}], "nModified": 1,
                "retriedStmtIds": [0, 1], "ok": 1.0,
            },
        ),
        (
            doc! {"delete": "c", "deletes": [{"q": {"_id": 2}, "limit": 1}]},
            doc! {"n": 1, "retriedStmtIds": [0], "ok": 1.0},
        ),
        (
            modify(),
            doc! {"lastErrorObject": last, "value": found(1), "retriedStmtId": 0, "ok": 1.0},
        ),
        (
            doc! {"findAndModify": "c", "query": {"_id": 1}, "remove": true, "fields": {"_id": 1}},
            doc! {
                "lastErrorObject": {"n": 1}, "value": {"_id": 1}, "retriedStmtId": 0, "ok": 1.0,
            },
        ),
        (
            doc! {
                "findAndModify": "c", "query": {"_id": 9}, "update": {"$set": {"n": 5}},
                "upsert": true,
            },
            doc! {
                "lastErrorObject": {"n": 1, "updatedExisting": false, "upserted": 9},
                "value": null, "retriedStmtId": 0, "ok": 1.0,
            },
        ),
    ];
    for (command, wanted) in table {
        let rig = rig();
        let first = own(rig.ok("db", numbered(&command, 5)));
        let after = rig.stored("db", "c");
        let retried = rig.connect();
        for _ in 0..2 {
            assert_eq!(own(retried.ok("db", numbered(&command, 5))), wanted, "{command}");
        }
        assert_eq!(rig.stored("db", "c"), after, "{command}");
        let mut told = wanted;
        told.remove("retriedStmtIds");
        told.remove("retriedStmtId");
        assert_eq!(first, told, "{command}");
    }
}

#[test]
fn statements_that_changed_nothing_are_evaluated_again() {
    let rig = rig();
    let command = update(vec![increment(1), increment(5)]);
    let first = rig.ok("db", numbered(&command, 1));
    assert_eq!(first.get_i32("n").unwrap(), 1);
    rig.ok("db", insert(&[5]));
    let retried = rig.ok("db", numbered(&command, 1));
    assert_eq!(retried.get_i32("n").unwrap(), 2);
    assert_eq!(retried.get_array("retriedStmtIds").unwrap(), &[Bson::Int32(0)]);
    assert_eq!(rig.stored("db", "c")[2], doc! {"_id": 5, "n": 1});
    assert_eq!(rig.stored("db", "c")[0], doc! {"_id": 1, "n": 1});
}

#[test]
fn a_retry_goes_on_behind_the_statement_that_failed() {
    let rig = rig();
    let command = insert(&[10, 1, 11]);
    let first = rig.run("db", numbered(&command, 1));
    assert_eq!(first.get_i32("n").unwrap(), 1);
    rig.ok("db", doc! {"delete": "c", "deletes": [{"q": {"_id": 1}, "limit": 1}]});
    let retried = own(rig.ok("db", numbered(&command, 1)));
    assert_eq!(retried, doc! {"n": 3, "retriedStmtIds": [0], "ok": 1.0});
    let again = own(rig.ok("db", numbered(&command, 1)));
    assert_eq!(again, doc! {"n": 3, "retriedStmtIds": [0, 1, 2], "ok": 1.0});
}

#[test]
fn a_large_insert_is_retried_whole() {
    let rig = rig();
    let ids: Vec<i32> = (100..2600).collect();
    rig.ok("db", numbered(&insert(&ids), 1));
    let retried = rig.ok("db", numbered(&insert(&ids), 1));
    assert_eq!(retried.get_i32("n").unwrap(), 2500);
    assert_eq!(retried.get_array("retriedStmtIds").unwrap().len(), 2500);
    assert_eq!(rig.stored("db", "c").len(), 2502);
}

#[test]
fn ids_of_statements_are_those_the_client_gives() {
    let rig = rig();
    let mut command = numbered(&update(vec![increment(1), increment(2)]), 1);
    command.insert("stmtIds", vec![7, 3]);
    rig.ok("db", command.clone());
    let mut other = numbered(&update(vec![increment(2)]), 1);
    other.insert("stmtId", 3);
    let retried = rig.ok("db", other);
    assert_eq!(retried.get_array("retriedStmtIds").unwrap(), &[Bson::Int32(3)]);
    let mut third = numbered(&update(vec![increment(1), increment(1)]), 1);
    third.insert("stmtId", 6);
    let third = rig.ok("db", third);
    assert_eq!(third.get_array("retriedStmtIds").unwrap(), &[Bson::Int32(7)], "6 is new");
    assert_eq!(rig.stored("db", "c"), [doc! {"_id": 1, "n": 2}, doc! {"_id": 2, "n": 1}]);
}

#[test]
fn what_contradicts_itself_is_refused_with_its_code() {
    let rig = rig();
    let with = |name: &str, value: Bson| {
        let mut command = numbered(&update(vec![increment(1), increment(2)]), 3);
        command.insert(name, value);
        command
    };
    let both = {
        let mut command = with("stmtId", Bson::Int32(0));
        command.insert("stmtIds", vec![0, 1]);
        command
    };
    let many = doc! {"q": {}, "u": {"$inc": {"n": 1}}, "multi": true};
    let table = [
        (both, 72, "May not specify both stmtId and stmtIds in write command"),
        (with("stmtIds", vec![1].into()), 16, "Number of statement ids must match"),
        (with("stmtIds", Bson::Int32(1)), 14, "'stmtIds' is the wrong type 'int'"),
        (with("stmtId", Bson::from("x")), 14, "'stmtId' is the wrong type 'string'"),
        (
            numbered(&update(vec![many]), 3),
            72,
            "Cannot use (or request) retryable writes with multi=true",
        ),
        (
            numbered(&doc! {"delete": "c", "deletes": [{"q": {}, "limit": 0}]}, 3),
            72,
            "Cannot use (or request) retryable writes with limit=0",
        ),
        (numbered(&modify(), -1), 72, "Transaction number cannot be negative"),
        (numbered(&doc! {"find": "c"}, 3), 50768, "find is not a retryable write command"),
    ];
    for (command, code, text) in table {
        let (found, message) = rig.refused("db", command.clone());
        assert_eq!(found, code, "{command}: {message}");
        assert!(message.contains(text), "{message}");
    }
    let unnumbered = doc! {"delete": "c", "deletes": [{"q": {}, "limit": 0}]};
    assert_eq!(rig.ok("db", unnumbered).get_i32("n").unwrap(), 2);
}

#[test]
fn a_statement_over_many_documents_fails_alone() {
    let rig = rig();
    let many = doc! {"q": {}, "u": {"$inc": {"n": 1}}, "multi": true};
    let mut command = numbered(&update(vec![many, increment(1)]), 1);
    command.insert("ordered", false);
    let reply = rig.run("db", command);
    let errors = reply.get_array("writeErrors").unwrap();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].as_document().unwrap().get_i32("index").unwrap(), 0);
    assert_eq!(reply.get_i32("nModified").unwrap(), 1);
}

#[test]
fn numbers_only_go_up() {
    let rig = rig();
    rig.ok("db", numbered(&insert(&[10]), 5));
    let (code, message) = rig.refused("db", numbered(&insert(&[11]), 4));
    assert_eq!(code, 225);
    assert_eq!(
        message,
        "Retryable write with txnNumber 4 is prohibited on session \
         01010101-0101-0101-0101-010101010101 - 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU= -  -  \
         because a newer retryable write with txnNumber 5 has already started on this session."
    );
    // also a number under which nothing was changed
    rig.ok("db", numbered(&update(vec![increment(99)]), 6));
    assert_eq!(rig.refused("db", numbered(&insert(&[11]), 5)).0, 225);
    let mut elsewhere = insert(&[11]);
    elsewhere.insert("lsid", lsid(2));
    elsewhere.insert("txnNumber", 1_i64);
    rig.ok("db", elsewhere);
}

#[test]
fn a_new_number_is_a_new_command() {
    let rig = rig();
    for number in 1..=3 {
        rig.ok("db", numbered(&update(vec![increment(1)]), number));
    }
    assert_eq!(rig.stored("db", "c")[0], doc! {"_id": 1, "n": 3});
}

#[test]
fn a_retry_of_another_kind_is_refused_where_no_answer_fits() {
    let delete = doc! {"delete": "c", "deletes": [{"q": {"_id": 1}, "limit": 1}]};
    let remove = doc! {"findAndModify": "c", "query": {"_id": 1}, "remove": true};
    let upsert = doc! {"q": {"_id": 7}, "u": {"$inc": {"n": 1}}, "upsert": true};
    let before = {
        let mut command = modify();
        command.remove("new");
        command
    };
    let table = [
        (&delete, update(vec![increment(1)]), Err(40638)),
        (&remove, update(vec![increment(1)]), Err(40638)),
        (&delete, modify(), Err(40606)),
        (&remove, modify(), Err(40606)),
        (&modify(), remove.clone(), Err(40609)),
        (&modify(), before.clone(), Err(40612)),
        (&before, modify(), Err(40611)),
        (&update(vec![increment(1)]), modify(), Err(217)),
        (&update(vec![upsert]), modify(), Err(40608)),
        (&modify(), update(vec![increment(1)]), Ok(1)),
        (&update(vec![increment(1)]), insert(&[50]), Ok(1)),
        (&update(vec![increment(1)]), delete.clone(), Ok(1)),
    ];
    for (first, second, wanted) in table {
        let rig = rig();
        rig.ok("db", numbered(first, 1));
        let after = rig.stored("db", "c");
        let reply = rig.run("db", numbered(&second, 1));
        let told = match reply.get_i32("code") {
            Ok(code) => Err(code),
            Err(_) => Ok(reply.get_i32("n").unwrap()),
        };
        assert_eq!(told, wanted, "{second} after {first}: {reply}");
        assert_eq!(rig.stored("db", "c"), after, "{second} after {first}");
    }
}

#[test]
fn what_was_sent_again_is_counted() {
    let rig = rig();
    let counts = || {
        let status = rig.ok("admin", doc! { "serverStatus": 1 });
        let transactions = status.get_document("transactions").unwrap();
        ["retriedCommandsCount", "retriedStatementsCount"]
            .map(|name| transactions.get_i64(name).unwrap())
    };
    let two = numbered(&update(vec![increment(1), increment(1)]), 1);
    rig.ok("db", two.clone());
    assert_eq!(counts(), [0, 0]);
    rig.ok("db", two);
    assert_eq!(counts(), [1, 2]);
    let find =
        doc! { "findAndModify": "c", "query": { "_id": 1 }, "update": { "$inc": { "n": 1 } } };
    for _ in 0..2 {
        rig.ok("db", numbered(&find, 2));
    }
    assert_eq!(counts(), [2, 3]);
}

/// Sends a write that has its session and comes no further until writes are released.
fn held_back<'s>(
    scope: &'s Scope<'s, '_>,
    rig: &'s Rig,
    command: &'s Document,
) -> ScopedJoinHandle<'s, Document> {
    rig.server.sequencer.hold_writes();
    let attempt = scope.spawn(|| rig.connect().ok("db", command.clone()));
    while rig.server.checkouts.count() == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    attempt
}

#[test]
fn a_retry_waits_for_the_attempt_that_is_still_on_its_way() {
    let rig = rig();
    let command = numbered(&update(vec![increment(1)]), 1);
    std::thread::scope(|scope| {
        let first = held_back(scope, &rig, &command);
        let second = scope.spawn(|| rig.connect().ok("db", command.clone()));
        std::thread::sleep(Duration::from_millis(30));
        assert!(!first.is_finished() && !second.is_finished());
        rig.server.sequencer.release_writes();
        let replies = [first.join().unwrap(), second.join().unwrap()];
        let retried = replies.iter().filter(|reply| reply.contains_key("retriedStmtIds")).count();
        assert_eq!(retried, 1);
    });
    assert_eq!(rig.stored("db", "c")[0], doc! {"_id": 1, "n": 1});
}

#[test]
fn waiting_for_a_session_ends_with_the_time_limit() {
    let rig = rig();
    let command = numbered(&update(vec![increment(1)]), 1);
    std::thread::scope(|scope| {
        let first = held_back(scope, &rig, &command);
        let mut limited = command.clone();
        limited.insert("maxTimeMS", 20);
        assert_eq!(rig.connect().refused("db", limited).0, 50);
        rig.server.sequencer.release_writes();
        first.join().unwrap();
    });
    let retried = rig.ok("db", command);
    assert!(retried.contains_key("retriedStmtIds"));
}

#[test]
fn a_command_that_was_given_up_frees_its_session_and_its_retry_knows_what_it_did() {
    let rig = rig();
    for (id, number) in (100..140).zip(1..) {
        let command = numbered(&insert(&[id]), number);
        let one = request("db", command.clone(), &[]);
        // Given up at some moment: before, while or after it is in the log.
        let begun = crate::run(&rig.server, &rig.client, &one);
        let mut polls = number % 4;
        let given_up = std::future::poll_fn(|_| match polls {
            0 => std::task::Poll::Ready(()),
            _ => {
                polls -= 1;
                std::task::Poll::Pending
            }
        });
        block_on(async {
            let given_up = std::pin::pin!(given_up);
            let begun = std::pin::pin!(begun);
            let outcome = race(begun, given_up).await;
            assert!(matches!(outcome, Either::First(_) | Either::Second(())));
        });
        let retried = rig.ok("db", command);
        assert_eq!(retried.get_i32("n").unwrap(), 1);
    }
    assert_eq!(rig.stored("db", "c").len(), 42);
}

#[test]
fn one_number_used_by_many_at_once_is_carried_out_once() {
    let rig = rig();
    let command = numbered(&update(vec![increment(1), increment(2)]), 1);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let reply = rig.connect().ok("db", command.clone());
                assert_eq!(reply.get_i32("nModified").unwrap(), 2);
            });
        }
    });
    assert_eq!(rig.stored("db", "c"), [doc! {"_id": 1, "n": 1}, doc! {"_id": 2, "n": 1}]);
}

#[test]
fn a_number_that_was_used_for_nothing_is_forgotten_before_the_table_grows_without_bound() {
    let rig = Rig::primary();
    let (sequencer, patience) = (&rig.server.sequencer, quire_execution::Patience::endless());
    for n in 0..70_000_u32 {
        let mut session = quire_documents::SessionKey { id: [0; 16], user: [0; 32] };
        session.id[..4].copy_from_slice(&n.to_be_bytes());
        let held = block_on(rig.server.checkouts.take(sequencer, session, 1, &patience)).unwrap();
        held.settled();
    }
    assert!(rig.server.checkouts.count() <= 65_537);
}

#[test]
fn records_of_sessions_that_nobody_uses_are_forgotten_after_their_timeout() {
    let rig = rig();
    rig.ok("db", numbered(&insert(&[10]), 5));
    rig.host.advance(Duration::from_secs(29 * 60));
    let mut other = insert(&[11]);
    other.insert("lsid", lsid(2));
    other.insert("txnNumber", 1_i64);
    rig.ok("db", other);
    let count = || rig.ok("config", doc! {"count": "transactions"}).get_i32("n").unwrap();
    block_on(rig.server.forget_sessions());
    assert_eq!(count(), 2);
    rig.host.advance(Duration::from_secs(2 * 60));
    block_on(rig.server.forget_sessions());
    assert_eq!(count(), 1);
    let left = first_batch(&rig.ok("config", doc! {"find": "transactions"}));
    assert_eq!(left[0].get_i64("txnNum").unwrap(), 1);
    rig.ok("db", numbered(&insert(&[12]), 6));
}

#[test]
fn a_secondary_forgets_nothing() {
    let rig = rig();
    rig.ok("db", numbered(&insert(&[10]), 5));
    rig.host.advance(Duration::from_secs(31 * 60));
    rig.step_down();
    block_on(rig.server.forget_sessions());
    let session = rig.server.documents.view();
    let mut kept = 0;
    let mut count = |_, _| {
        kept += 1;
        std::ops::ControlFlow::Continue(())
    };
    session.scan_sessions(None, 100, &mut count).unwrap();
    assert_eq!(kept, 1);
}

fn switch(rig: &Rig, mode: impl Into<Bson>, data: Document) -> i32 {
    let point = "onPrimaryTransactionalWrite";
    let command = doc! {"configureFailPoint": point, "mode": mode.into(), "data": data};
    rig.ok("admin", command).get_i32("count").unwrap()
}

/// A set whose clients may switch faults on, and the kinds of commands that can be sent again.
fn faulty_rig() -> (Rig, [Document; 4]) {
    let commands = [
        insert(&[10, 11]),
        update(vec![increment(1)]),
        doc! {"delete": "c", "deletes": [{"q": {"_id": 2}, "limit": 1}]},
        modify(),
    ];
    (rig().for_tests(), commands)
}

#[test]
fn a_connection_that_is_closed_behind_the_commit_leaves_the_write() {
    for (n, command) in faulty_rig().1.into_iter().enumerate() {
        let (rig, _) = faulty_rig();
        let before = rig.stored("db", "c");
        switch(&rig, doc! {"times": 1}, doc! {});
        assert_eq!(rig.try_run("db", numbered(&command, 1)), None, "{command}");
        let after = rig.stored("db", "c");
        assert_ne!(after, before, "{command}");
        let retried = rig.ok("db", numbered(&command, 1));
        let names = ["retriedStmtIds", "retriedStmtId"];
        assert!(names.iter().any(|name| retried.contains_key(name)), "command {n}: {retried}");
        assert_eq!(rig.stored("db", "c"), after, "{command}");
    }
}

#[test]
fn a_write_that_fails_before_its_commit_is_not_there_and_its_retry_carries_it_out() {
    for command in faulty_rig().1 {
        let (rig, _) = faulty_rig();
        let before = rig.stored("db", "c");
        let data = doc! {"failBeforeCommitExceptionCode": 91, "closeConnection": false};
        switch(&rig, doc! {"times": 1}, data);
        let reply = rig.run("db", numbered(&command, 1));
        assert_eq!(reply.get_i32("code").ok(), Some(91), "{command} gave {reply}");
        let labels = reply.get_array("errorLabels").unwrap();
        assert!(labels.contains(&Bson::from("RetryableWriteError")), "{reply}");
        assert_eq!(rig.stored("db", "c"), before, "{command}");
        let retried = rig.ok("db", numbered(&command, 1));
        let names = ["retriedStmtIds", "retriedStmtId"];
        assert!(!names.iter().any(|name| retried.contains_key(name)), "{retried}");
        assert_ne!(rig.stored("db", "c"), before, "{command}");
        // both at once: no answer, and nothing was written
        let both = doc! {"failBeforeCommitExceptionCode": 1};
        let (rig, _) = faulty_rig();
        switch(&rig, doc! {"times": 1}, both);
        assert_eq!(rig.try_run("db", numbered(&command, 1)), None, "{command}");
        assert_eq!(rig.stored("db", "c"), before, "{command}");
    }
}

#[test]
fn an_insert_is_one_commit_and_every_other_statement_is_its_own() {
    let (rig, _) = faulty_rig();
    let off = |rig: &Rig| switch(rig, "off", doc! {});
    let data = || doc! {"closeConnection": false};
    let begun = switch(&rig, "alwaysOn", data());
    rig.ok("db", numbered(&insert(&(100..2600).collect::<Vec<_>>()), 1));
    assert_eq!(off(&rig) - begun, 1);
    switch(&rig, "alwaysOn", data());
    let command = numbered(&update(vec![increment(1), increment(99), increment(2)]), 2);
    rig.ok("db", command.clone());
    assert_eq!(off(&rig) - begun, 3, "the one that changed nothing does not count");
    switch(&rig, "alwaysOn", data());
    rig.ok("db", command);
    rig.ok("db", update(vec![increment(1)]));
    assert_eq!(off(&rig) - begun, 3, "neither does a retry, nor a write without a number");
    // documents that are not committed together
    switch(&rig, "alwaysOn", doc! {"closeConnection": false});
    let large: Vec<Document> =
        (0..3).map(|id| doc! {"_id": 9000 + id, "text": "x".repeat(5 << 20)}).collect();
    let mut inserting = numbered(&doc! {"insert": "c"}, 3);
    inserting.insert("ordered", true);
    rig.run_with("db", inserting, &[("documents", &large)]);
    assert_eq!(off(&rig) - begun, 6);
    // the second statement fails, and the first one stays
    let data = doc! {"failBeforeCommitExceptionCode": 10107, "closeConnection": false};
    switch(&rig, doc! {"skip": 1}, data);
    let command = numbered(&update(vec![increment(1), increment(2)]), 4);
    assert_eq!(rig.refused("db", command.clone()).0, 10107);
    off(&rig);
    let retried = rig.ok("db", command);
    assert_eq!(retried.get_array("retriedStmtIds").unwrap(), &[Bson::Int32(0)]);
    assert_eq!(retried.get_i32("nModified").unwrap(), 2);
}
