use crate::testing::Rig;
use quire_bson::{Document, doc};

const READ: fn() -> Document = || doc! {"find": "c"};

fn with_preference(mut command: Document) -> Document {
    command.insert("$readPreference", doc! {"mode": "secondaryPreferred"});
    command
}

/// A find of whatever is allowed to be read, a find that names no preference, an insert, and a
/// command about the process.
fn codes(rig: &Rig) -> [i32; 4] {
    let code = |command: Document| rig.run("db", command).get_i32("code").unwrap_or(0);
    [
        code(with_preference(READ())),
        code(READ()),
        code(doc! {"insert": "c", "documents": [{}]}),
        code(doc! {"ping": 1}),
    ]
}

#[test]
fn each_state_takes_what_it_can_serve() {
    let rig = Rig::without_configuration();
    assert_eq!(codes(&rig), [13436, 13435, 10107, 0]);
    rig.ok("admin", doc! {"replSetInitiate": {}});
    assert_eq!(codes(&rig), [0, 0, 0, 0]);
    rig.step_down();
    assert_eq!(codes(&rig), [0, 13435, 10107, 0]);
    rig.ok("admin", doc! {"replSetMaintenance": true});
    assert_eq!(codes(&rig), [13436, 13435, 10107, 0]);
}

#[test]
fn every_change_of_data_needs_the_primary() {
    let rig = Rig::secondary();
    let commands = [
        doc! {"insert": "c", "documents": [{}]},
        doc! {"update": "c", "updates": [{"q": {}, "u": {"$set": {"a": 1}}}]},
        doc! {"delete": "c", "deletes": [{"q": {}, "limit": 1}]},
        doc! {"findAndModify": "c", "remove": true},
        doc! {"create": "c"},
        doc! {"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a"}]},
        doc! {"drop": "c"},
        doc! {"dropDatabase": 1},
        doc! {"dropIndexes": "c", "index": "*"},
        doc! {"collMod": "c"},
        doc! {"explain": {"delete": "c", "deletes": [{"q": {}, "limit": 1}]}},
    ];
    for command in commands {
        let refused = rig.refused("db", with_preference(command.clone()));
        assert_eq!(refused, (10107, "not primary".to_owned()), "{command}");
    }
}

#[test]
fn what_each_member_has_of_its_own_is_read_anywhere() {
    let rig = Rig::secondary();
    rig.ok("local", READ());
    assert_eq!(rig.refused("local", doc! {"insert": "c", "documents": [{}]}).0, 10107);
    rig.ok("db", doc! {"dbStats": 1});
}

#[test]
fn an_open_cursor_goes_on_after_a_step_down() {
    let rig = Rig::primary();
    rig.ok("db", doc! {"insert": "c", "documents": [{}, {}, {}]});
    let reply = rig.ok("db", doc! {"find": "c", "batchSize": 1});
    let id = reply.get_document("cursor").unwrap().get_i64("id").unwrap();
    rig.step_down();
    let reply = rig.ok("db", doc! {"getMore": id, "collection": "c", "batchSize": 1});
    let batch = reply.get_document("cursor").unwrap().get_array("nextBatch").unwrap().len();
    assert_eq!(batch, 1);
    rig.ok("db", doc! {"killCursors": "c", "cursors": [id]});
}

#[test]
fn a_number_is_for_retryable_writes_on_a_set() {
    let lsid = doc! {"id": quire_bson::Binary {
        subtype: quire_bson::BinarySubtype::Uuid, bytes: vec![1; 16],
    }};
    let numbered = |mut command: Document, number: i64| {
        command.insert("lsid", lsid.clone());
        command.insert("txnNumber", number);
        command
    };
    let insert = || doc! {"insert": "c", "documents": [{}]};
    let (code, message) = Rig::new().refused("db", numbered(insert(), 1));
    assert_eq!(code, 20);
    assert!(message.starts_with("Transaction numbers are only allowed on a replica"));
    let rig = Rig::primary();
    rig.ok("db", numbered(insert(), 1));
    assert_eq!(rig.refused("db", numbered(insert(), -1)).0, 72);
    assert_eq!(rig.refused("db", numbered(READ(), 1)).0, 50768);
    let mut transaction = numbered(insert(), 1);
    transaction.insert("autocommit", false);
    assert_eq!(rig.refused("db", transaction).0, 115);
}

#[test]
fn a_time_from_a_far_future_is_not_believed() {
    let rig = Rig::primary();
    let told = |time: u32| {
        let time = quire_bson::Timestamp { time, increment: 1 };
        doc! {"ping": 1, "$clusterTime": {"clusterTime": time}}
    };
    assert_eq!(rig.refused("db", told(u32::MAX)).0, 205);
    let reply = rig.ok("db", told(1_767_225_700));
    let time = reply.get_document("$clusterTime").unwrap().get_timestamp("clusterTime").unwrap();
    assert_eq!((time.time, time.increment), (1_767_225_700, 1));
}
