//! Scripts by table: what they see, what they give, how they fail, and that they end.

mod ending;
mod values;

use crate::JavaScript;
use quire_bson::{Bson, DocBuf, Document, doc};
use quire_errors::{Code, CommandError, Result};
use quire_query::scripts::{Check, Engine, Script, Scripts};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn session() -> Arc<dyn Scripts> {
    JavaScript.begin(Arc::new(|| Ok(())))
}

/// Fails after some time, as an operation with a limit does.
fn limited(limit: Duration) -> Check {
    let ends = Instant::now() + limit;
    Arc::new(move || match Instant::now() < ends {
        true => Ok(()),
        false => Err(CommandError::new(Code::MaxTimeMSExpired, "operation exceeded time limit")),
    })
}

fn holds(source: &str, document: Document) -> Result<bool> {
    session().compile(source)?.holds(DocBuf::from(&document).as_raw())
}

fn call(source: &str, arguments: &[Bson]) -> Result<Bson> {
    session().compile(source)?.call(arguments)
}

#[test]
fn a_condition_may_be_an_expression_a_body_or_a_function() {
    for (source, expected) in [
        ("this.a == 1", true),
        ("this.a == 2", false),
        ("  obj.a === 1;  ", true),
        ("return this.a == 1", true),
        ("var x = this.a; return x > 0;", true),
        ("if (this.a > 3) { return true } else { return false }", false),
        ("function() { return this.a == 1 }", true),
        ("function named() { return obj.a == 1 };", true),
        ("function() { return this.a == 1 } // said", true),
        ("() => obj.a == 1", true),
        ("x => false", false),
        ("this.b.some(x => x > 2)", true),
        ("this.a = 5, this.a == 5", true),
        ("'function' == 'function'", true),
        ("function() { return this.missing }", false),
        ("this.missing === undefined", true),
        ("1", true),
        ("0", false),
        ("''", false),
        ("'false'", true),
        ("NaN", false),
        ("null", false),
        ("new NumberLong(0)", true),
        ("var x = 1; x", false),
        ("sleep(1) || true", true),
        ("this.__proto__ === Object.prototype", true),
        ("Object.keys(this).join() == 'a,b'", true),
    ] {
        let held = holds(source, doc! {"a": 1, "b": [1, 2, 3]});
        assert_eq!(held.as_ref().ok(), Some(&expected), "{source}: {held:?}");
    }
}

#[test]
fn failures_tell_the_name_the_message_and_the_place() {
    for (source, message) in [
        ("nonesuch > 1", "ReferenceError: nonesuch is not defined :\n@:1:"),
        ("this.x.y", "TypeError: cannot read property 'y' of undefined :\n@:1:"),
        ("function f() { throw new Error('no') }", "Error: no :\nf@:1:"),
        ("function() { throw 'no' }", "uncaught exception: no"),
        ("function() { throw {toString() { throw 1 }} }", "uncaught exception: a value without"),
        ("this.a ==", "SyntaxError: "),
        ("function( {", "SyntaxError: "),
        ("db.c.find()", "ReferenceError: db is not defined"),
        ("new NumberLong('x')", "Error: NumberLong: not a whole number"),
        ("ObjectId('x')", "Error: invalid object id: length"),
    ] {
        let error = holds(source, doc! {"a": 1}).expect_err(source);
        assert_eq!(error.code(), Code::JSInterpreterFailure, "{source}");
        assert!(error.message().starts_with(message), "{source}: {}", error.message());
    }
}

#[test]
fn nothing_of_the_process_is_within_reach() {
    for name in [
        "Atomics",
        "Promise",
        "Proxy",
        "SharedArrayBuffer",
        "WeakRef",
        "db",
        "host",
        "load",
        "native",
        "os",
        "performance",
        "process",
        "queueMicrotask",
        "quit",
        "require",
        "std",
    ] {
        let source = format!("typeof {name} == 'undefined'");
        assert_eq!(holds(&source, doc! {}).ok(), Some(true), "{name}");
    }
}

#[test]
fn what_would_come_later_never_comes() {
    for source in [
        "async function() { hit = 1 }",
        "function() { (async () => { await 1; hit = 1 })() }",
        "function() { import('x') }",
        "function() { (async function*() { yield 1 })().next() }",
    ] {
        let scripts = session();
        // It may fail or not; nothing happens behind the query's back.
        let _ = scripts.clone().compile(source).map(|script| script.call(&[]));
        let after = scripts.compile("1").unwrap().call(&[]);
        assert_eq!(after.unwrap(), Bson::Double(1.0), "{source}");
    }
}

#[test]
fn the_functions_of_an_operation_share_their_variables_and_no_others_do() {
    let one = session();
    let count = one.clone().compile("typeof n == 'undefined' ? (n = 1) : ++n").unwrap();
    let read = one.compile("n == 2").unwrap();
    let empty = DocBuf::new();
    assert!(count.holds(empty.as_raw()).unwrap());
    assert!(count.holds(empty.as_raw()).unwrap());
    assert!(read.holds(empty.as_raw()).unwrap());
    assert!(holds("typeof n == 'undefined'", doc! {}).unwrap());
}

#[test]
fn scripts_that_rested_go_on_for_another_operation() {
    let scripts = session();
    assert!(!scripts.are_used());
    let script: Arc<dyn Script> = scripts.clone().compile("this.a == 1").unwrap();
    assert!(scripts.are_used());
    scripts.rest();
    let document = DocBuf::from(&doc! {"a": 1});
    assert!(script.holds(document.as_raw()).is_err(), "nobody asks for it");
    scripts.resume(Arc::new(|| Ok(())));
    assert!(script.holds(document.as_raw()).unwrap());
}
