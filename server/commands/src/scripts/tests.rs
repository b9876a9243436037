//! Commands whose queries bring scripts: what they mean, where they are refused, and that they end.

use crate::testing::Rig;
use quire_bson::{Bson, Document, bson, doc};
use std::time::{Duration, Instant};

/// By when whoever stops a script has its answer.
const PATIENCE: Duration = Duration::from_secs(5);

fn rig() -> Rig {
    let rig = Rig::with_scripts();
    let documents: Vec<Document> = (0..10).map(|n| doc! {"_id": n, "a": n, "b": n % 3}).collect();
    rig.ok("db", doc! {"insert": "c", "documents": documents});
    rig
}

fn batch(reply: &Document, field: &str) -> Vec<Document> {
    let cursor = reply.get_document("cursor").unwrap();
    let list = cursor.get_array(field).unwrap();
    list.iter().map(|item| item.as_document().unwrap().clone()).collect()
}

fn ids(documents: &[Document]) -> Vec<i32> {
    documents.iter().map(|document| document.get_i32("_id").unwrap()).collect()
}

#[test]
fn a_condition_filters_what_is_read() {
    let rig = rig();
    let found = rig.ok("db", doc! {"find": "c", "filter": {"$where": "this.a > 7"}});
    assert_eq!(ids(&batch(&found, "firstBatch")), [8, 9]);
    let code = Bson::JavaScriptCode("function() { return obj.a < 2 }".to_owned());
    let filter = doc! {"b": {"$lt": 2}, "$or": [{"$where": code}, {"a": 9}]};
    let found = rig.ok("db", doc! {"find": "c", "filter": filter});
    assert_eq!(ids(&batch(&found, "firstBatch")), [0, 1, 9]);
    let counted = rig.ok("db", doc! {"count": "c", "query": {"$where": "this.b == 0"}, "skip": 1});
    assert_eq!(counted.get_i32("n").ok(), Some(3));
    let distinct =
        rig.ok("db", doc! {"distinct": "c", "key": "b", "query": {"$where": "this.a > 7"}});
    assert_eq!(distinct.get("values"), Some(&bson!([2, 0])));
}

#[test]
fn a_condition_selects_what_is_written() {
    let rig = rig();
    let update = doc! {"q": {"$where": "this.a % 2 == 0"}, "u": {"$set": {"even": true}},
    "multi": true};
    let updated = rig.ok("db", doc! {"update": "c", "updates": [update]});
    assert_eq!(updated.get_i32("nModified").ok(), Some(5));
    let delete = doc! {"q": {"$where": "this.even"}, "limit": 0};
    let deleted = rig.ok("db", doc! {"delete": "c", "deletes": [delete]});
    assert_eq!(deleted.get_i32("n").ok(), Some(5));
    let modified = rig.ok(
        "db",
        doc! {
            "findAndModify": "c", "query": {"$where": "this.a == 3"}, "remove": true,
        },
    );
    assert_eq!(modified.get_document("value").unwrap().get_i32("_id").ok(), Some(3));
    let upsert = doc! {"q": {"_id": 50, "$where": "false"}, "u": {"$set": {"x": 1}},
    "upsert": true};
    rig.ok("db", doc! {"update": "c", "updates": [upsert]});
    let left: Vec<i32> = ids(&rig.stored("db", "c"));
    assert_eq!(left, [1, 5, 7, 9, 50]);
}

#[test]
fn a_cursor_goes_on_with_its_scripts() {
    let rig = rig();
    let find = doc! {"find": "c", "filter": {"$where": "this.a % 2 == 1"}, "batchSize": 2};
    let first = rig.ok("db", find);
    assert_eq!(ids(&batch(&first, "firstBatch")), [1, 3]);
    let id = first.get_document("cursor").unwrap().get_i64("id").unwrap();
    assert!(rig.server.cursors.runs_scripts(id));
    let second = rig.ok("db", doc! {"getMore": id, "collection": "c", "batchSize": 2});
    assert_eq!(ids(&batch(&second, "nextBatch")), [5, 7]);
    let last = rig.ok("db", doc! {"getMore": id, "collection": "c"});
    assert_eq!(ids(&batch(&last, "nextBatch")), [9]);
}

#[test]
fn a_function_computes_a_value() {
    let rig = rig();
    let function = doc! {"$function": {
        "body": "function(a, b) { return a * 10 + b }", "args": ["$a", "$b"], "lang": "js",
    }};
    let pipeline = [doc! {"$match": {"a": 5}}, doc! {"$project": {"x": function.clone()}}];
    let reply = rig.ok("db", doc! {"aggregate": "c", "pipeline": pipeline.to_vec(), "cursor": {}});
    assert_eq!(batch(&reply, "firstBatch"), [doc! {"_id": 5, "x": 52.0}]);
    let filter = doc! {"$expr": {"$gt": [function.clone(), 80]}};
    let found = rig.ok("db", doc! {"find": "c", "filter": filter});
    assert_eq!(ids(&batch(&found, "firstBatch")), [8, 9]);
    let update = doc! {"q": {"_id": 1}, "u": [{"$set": {"x": function}}]};
    rig.ok("db", doc! {"update": "c", "updates": [update]});
    assert_eq!(rig.stored("db", "c")[1].get_f64("x").ok(), Some(11.0));
}

#[test]
fn an_accumulator_gathers_a_group() {
    let rig = rig();
    let average = doc! {"$accumulator": {
        "init": "function(start) { return { n: start, sum: 0 } }",
        "initArgs": [0],
        "accumulate": "function(s, a) { return { n: s.n + 1, sum: s.sum + a } }",
        "accumulateArgs": ["$a"],
        "merge": "function(x, y) { return { n: x.n + y.n, sum: x.sum + y.sum } }",
        "finalize": "function(s) { return s.sum / s.n }",
        "lang": "js",
    }};
    let group = doc! {"$group": {"_id": "$b", "average": average}};
    let pipeline = vec![group, doc! {"$sort": {"_id": 1}}];
    let reply = rig.ok("db", doc! {"aggregate": "c", "pipeline": pipeline, "cursor": {}});
    assert_eq!(
        batch(&reply, "firstBatch"),
        [
            doc! {"_id": 0, "average": 4.5},
            doc! {"_id": 1, "average": 4.0},
            doc! {"_id": 2, "average": 5.0},
        ]
    );
}

/// Commands that are refused by a server that runs scripts, with their codes and words.
#[test]
fn scripts_are_refused_where_they_make_no_sense() {
    let rig = rig();
    rig.ok("db", doc! {"create": "v", "viewOn": "c", "pipeline": []});
    let find = |filter: Document| doc! {"find": "c", "filter": filter};
    let project = |function: Bson| {
        doc! {
            "aggregate": "c", "pipeline": [{"$project": {"x": {"$function": function}}}], "cursor": {},
        }
    };
    let here = "$where is not allowed in this context";
    for (command, code, message) in [
        (find(doc! {"$where": 1}), 2, "$where got bad type"),
        (find(doc! {"$where": ""}), 2, "code for $where cannot be empty"),
        (find(doc! {"$where": "this."}), 139, "SyntaxError: "),
        (find(doc! {"$where": "nonesuch"}), 139, "nonesuch is not defined"),
        (
            find(doc! {"a": {"$elemMatch": {"$where": "true"}}}),
            2,
            "$where can only be applied to the top-level document",
        ),
        (
            find(
                doc! {"$where": Bson::JavaScriptCodeWithScope(quire_bson::JavaScriptCodeWithScope {
                    code: "x".to_owned(),
                    scope: doc! {},
                })},
            ),
            4_649_201,
            "$where no longer supports deprecated BSON type CodeWScope",
        ),
        (doc! {"find": "v", "filter": {"$where": "true"}}, 2, here),
        (doc! {"count": "v", "query": {"$where": "true"}}, 2, here),
        (doc! {"aggregate": "c", "pipeline": [{"$match": {"$where": "1"}}], "cursor": {}}, 2, here),
        (doc! {"create": "d", "validator": {"$where": "true"}}, 2, here),
        (
            doc! {"create": "d", "validator": {"$expr": {"$function": {
                "body": "x", "args": [], "lang": "js",
            }}}},
            4_660_800,
            "$function cannot be used inside a validator.",
        ),
        (
            doc! {"createIndexes": "c", "indexes": [{
                "key": {"a": 1}, "name": "a", "partialFilterExpression": {"$where": "true"},
            }]},
            67,
            here,
        ),
        (project(bson!(1)), 31260, "$function requires an object as an argument, found: int"),
        (project(bson!({})), 31261, "The body function must be specified."),
        (
            project(bson!({"body": 1})),
            31262,
            "The body function must evaluate to type string or code",
        ),
        (project(bson!({"body": "x"})), 31263, "The args field must be specified."),
        (project(bson!({"body": "x", "args": []})), 31418, "The lang field must be specified."),
        (
            project(bson!({"body": "x", "args": [], "lang": "lua"})),
            31419,
            "Currently the only supported language specifier is 'js'.",
        ),
        (
            project(bson!({"body": "x", "args": "$a", "lang": "js"})),
            31266,
            "The args field must be of type array",
        ),
    ] {
        let (given, words) = rig.refused("db", command.clone());
        assert_eq!(given, code, "{command}: {words}");
        assert!(words.contains(message), "{command}: {words}");
    }
}

#[test]
fn a_server_without_scripts_says_how_to_have_them() {
    let rig = Rig::new();
    let how = "security.javascriptEnabled: true or --setParameter enableTestCommands=1";
    let (code, words) = rig.refused("db", doc! {"find": "c", "filter": {"$where": "true"}});
    assert_eq!(code, 6_108_304);
    assert!(words.contains(how), "{words}");
    let function = doc! {"$function": {"body": "x", "args": [], "lang": "js"}};
    let pipeline = vec![doc! {"$project": {"x": function}}];
    let aggregate = doc! {"aggregate": "c", "pipeline": pipeline, "cursor": {}};
    let (code, words) = rig.refused("db", aggregate);
    assert_eq!(code, 31264);
    assert!(words.contains(how), "{words}");
}

#[test]
fn a_limit_of_time_ends_a_script() {
    let rig = rig();
    for script in [
        "sleep(100000) || true",
        "while (true) {}",
        "/^(a+)+$/.test('a'.repeat(64) + 'b')",
        "function() { var end = new Date().getTime() + 100000; while (new Date() < end); }",
    ] {
        let began = Instant::now();
        for command in [
            doc! {"find": "c", "filter": {"$where": script}, "maxTimeMS": 50},
            doc! {"count": "c", "query": {"$where": script}, "maxTimeMS": 50},
            doc! {"update": "c", "maxTimeMS": 50, "updates": [
                {"q": {"$where": script}, "u": {"$set": {"x": 1}}},
            ]},
            doc! {"delete": "c", "maxTimeMS": 50, "deletes": [
                {"q": {"$where": script}, "limit": 0},
            ]},
        ] {
            assert_eq!(rig.refused("db", command).0, 50, "{script}");
        }
        assert!(began.elapsed() < PATIENCE, "{script}");
    }
    assert_eq!(rig.stored("db", "c").len(), 10);
}

#[test]
fn somebody_else_ends_a_script() {
    for script in ["sleep(100000)", "while (true) {}"] {
        let rig = rig();
        let other = rig.connect();
        let began = Instant::now();
        let refused = std::thread::scope(|scope| {
            let find = doc! {"find": "c", "filter": {"$where": script}};
            let spinning = scope.spawn(|| rig.refused("db", find));
            while !spinning.is_finished() {
                for operation in other.server.operations.list() {
                    if operation.command == "find" {
                        other.ok("admin", doc! {"killOp": 1, "op": operation.id});
                    }
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            spinning.join().unwrap()
        });
        assert_eq!(refused, (11601, "operation was interrupted".to_owned()));
        assert!(began.elapsed() < PATIENCE, "{script}");
    }
}

#[test]
fn a_client_that_left_takes_its_script_with_it() {
    let rig = rig();
    let began = Instant::now();
    let (code, _) = std::thread::scope(|scope| {
        let find = doc! {"find": "c", "filter": {"$where": "while (true) {}"}};
        let spinning = scope.spawn(|| rig.refused("db", find));
        rig.server.operations.client_left(&rig.client);
        spinning.join().unwrap()
    });
    assert_eq!(code, 279);
    assert!(began.elapsed() < PATIENCE);
}

#[test]
fn requests_that_may_run_scripts_are_told_apart() {
    let rig = rig();
    let computed = doc! {"$addFields": {"x": {"$function": {
        "body": "() => 1", "args": [], "lang": "js",
    }}}};
    rig.ok("db", doc! {"create": "v", "viewOn": "c", "pipeline": [computed]});
    rig.ok("db", doc! {"create": "w", "viewOn": "v", "pipeline": []});
    let scripted = vec![doc! {"q": {"$where": "true"}, "u": {"$set": {"a": 1}}}];
    let plain = vec![doc! {"q": {"where": "$"}, "u": {"$set": {"a": "where"}}}];
    for (command, sequence, expected) in [
        (doc! {"find": "c", "filter": {"$where": "true"}}, None, true),
        (doc! {"find": "c", "filter": {"$and": [{"$where": "true"}]}}, None, true),
        (doc! {"find": "c", "filter": {"where": "true"}}, None, false),
        (doc! {"find": "w"}, None, true),
        (doc! {"update": "c"}, Some(&scripted), true),
        (doc! {"update": "c"}, Some(&plain), false),
        (doc! {"insert": "c", "documents": [{"$where": 1}]}, None, false),
        (doc! {"getMore": 5_i64, "collection": "c"}, None, false),
        (doc! {"ping": 1}, None, false),
    ] {
        let sequences: Vec<(&str, &[Document])> =
            sequence.iter().map(|list| ("updates", list.as_slice())).collect();
        let request = crate::testing::request("db", command.clone(), &sequences);
        assert_eq!(crate::may_run_scripts(&rig.server, &request), expected, "{command}");
        assert!(!crate::may_run_scripts(&Rig::new().server, &request), "{command}");
    }
}
