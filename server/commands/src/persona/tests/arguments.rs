//! Arguments before their time, and the words in which each command refused them.

use super::{before_and_since, code};
use crate::testing::Rig;
use quire_bson::{Document, doc};

fn update(extra: Document) -> Document {
    let mut statement = doc! {"q": {}, "u": {"$set": {"a": 1}}};
    statement.extend(extra);
    doc! {"update": "c", "updates": [statement]}
}

fn delete() -> Document {
    doc! {"delete": "c", "deletes": [{"q": {}, "limit": 1}]}
}

fn modify() -> Document {
    doc! {"findAndModify": "c", "query": {}, "update": {"$set": {"a": 1}}}
}

fn with(mut command: Document, field: &str, value: impl Into<quire_bson::Bson>) -> Document {
    command.insert(field, value);
    command
}

/// Sends a command to the last version without an argument and to the first with it.
fn check(versions: [&str; 2], command: &Document, refusal: (i32, &str)) {
    let ask = |rig: &Rig| {
        rig.ok("test", doc! {"insert": "c", "documents": [{"_id": 1}]});
        rig.run("test", command.clone())
    };
    let [before, since] = before_and_since(versions, ask);
    assert_eq!((code(&before), code(&since)), (refusal.0, 0), "{command}: {before} {since}");
    assert!(before.get_str("errmsg").unwrap().contains(refusal.1), "{before}");
}

#[test]
fn fields_are_unknown_before_their_time() {
    let indexes = doc! {"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a"}]};
    let hidden = doc! {"key": {"a": 1}, "name": "a", "hidden": true};
    let hidden = doc! {"createIndexes": "c", "indexes": [hidden]};
    let hinted = doc! {"delete": "c", "deletes": [{"q": {}, "limit": 1, "hint": "_id_"}]};
    let find = doc! {"find": "c"};
    let distinct = doc! {"distinct": "c", "key": "a"};
    let aggregate = doc! {"aggregate": "c", "pipeline": [], "cursor": {}};
    let cases = [
        (["4.0", "4.2"], update(doc! {"hint": "_id_"}), 40415, "'update.updates.hint'"),
        (["4.2", "4.4"], with(find.clone(), "allowDiskUse", true), 9, "field 'allowDiskUse'"),
        (["4.2", "4.4"], hinted, 40415, "'delete.deletes.hint'"),
        (["4.2", "4.4"], with(modify(), "hint", "_id_"), 51177, "'hint' is an unknown field"),
        (["4.2", "4.4"], with(indexes, "commitQuorum", 1), 2, "commitQuorum"),
        (["4.2", "4.4"], hidden, 197, "'hidden' is not valid"),
        (["4.4", "5.0"], with(find, "let", doc! {"a": 1}), 9, "Unrecognized field 'let'"),
        (["4.4", "5.0"], with(aggregate, "let", doc! {}), 9, "unrecognized field 'let'"),
        (
            ["4.4", "5.0"],
            with(update(doc! {}), "let", doc! {}),
            40415,
            "'update.let' is an unknown",
        ),
        (["4.4", "5.0"], with(delete(), "let", doc! {}), 40415, "'delete.let' is an unknown field"),
        (["4.4", "5.0"], with(modify(), "let", doc! {}), 51177, "field 'let' is an unknown field"),
        (["4.4", "5.0"], doc! {"ping": 1, "apiVersion": "1"}, 40415, "ping.apiVersion"),
        (["7.0", "8.0"], update(doc! {"sort": {"a": 1}}), 40415, "'update.updates.sort'"),
        (["7.0", "8.0"], with(distinct, "hint", "_id_"), 40415, "'distinct.hint'"),
    ];
    for (versions, command, code, words) in cases {
        check(versions, &command, (code, words));
    }
}

#[test]
fn comments_are_unknown_or_must_be_texts_before_4_4() {
    let insert = doc! {"insert": "c", "documents": [{}]};
    let aggregate = doc! {"aggregate": "c", "pipeline": [], "cursor": {}};
    let cases = [
        (insert, 40415, "'insert.comment'"),
        (update(doc! {}), 40415, "'update.comment'"),
        (delete(), 40415, "'delete.comment'"),
        (modify(), 51177, "'comment' is an unknown field"),
        (doc! {"count": "c"}, 40415, "'count.comment'"),
        (doc! {"distinct": "c", "key": "a"}, 40415, "'distinct.comment'"),
        (doc! {"find": "c"}, 9, "'comment' field must be of BSON type string"),
        (aggregate.clone(), 14, "comment must be a string, not a object"),
    ];
    for (command, code, words) in cases {
        check(["4.2", "4.4"], &with(command, "comment", doc! {"why": 1}), (code, words));
    }
    for command in [doc! {"find": "c"}, aggregate] {
        Rig::primary_as("4.2").ok("test", with(command, "comment", "why"));
    }
}

#[test]
fn a_field_of_a_statement_is_found_in_a_sequence_too() {
    let rig = Rig::primary_as("4.2");
    let statement = doc! {"q": {}, "limit": 1, "hint": "_id_"};
    let reply = rig.run_with("test", doc! {"delete": "c"}, &[("deletes", &[statement])]);
    assert_eq!(code(&reply), 40415, "{reply}");
}
