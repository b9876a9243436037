//! That every script ends: when it is told to, or where its memory or stack does.

use super::{limited, session};
use crate::JavaScript;
use quire_bson::{DocBuf, doc};
use quire_errors::{Code, CommandError};
use quire_query::scripts::Engine;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_millis(100);

/// By when whatever runs has noticed.
const PATIENCE: Duration = Duration::from_secs(5);

/// By when a loop that nothing interrupts has come to its end. Without a limit they take from minutes
/// to years.
const PATIENCE_LONG: Duration = Duration::from_secs(30);

/// Runs a script against its limit of time. What happened, and whether soon enough.
fn outcome(source: &str) -> (Result<bool, CommandError>, Duration) {
    let began = Instant::now();
    let document = DocBuf::from(&doc! {"a": 1});
    let compiled = JavaScript.begin(limited(LIMIT)).compile(source);
    let held = compiled.and_then(|script| script.holds(document.as_raw()));
    (held, began.elapsed())
}

#[test]
fn a_script_that_goes_on_for_ever_is_interrupted() {
    for source in [
        "sleep(1000000)",
        "while (true) {}",
        "for (;;) { try { while (true) {} } catch (e) {} }",
        "while (true) { try { sleep(100000) } catch (e) {} }",
        "function() { try { while (true) {} } finally { while (true) {} } }",
        "function() { var end = new Date().getTime() + 1e6; while (new Date().getTime() < end); }",
        "/^(a+)+$/.test('a'.repeat(64) + 'b')",
        "/(x+x+)+y/.exec('x'.repeat(64))",
        "'a'.repeat(64).replace(/^(a|aa)+$b/, '')",
        "function() { function* f() { while (true) yield 1 } for (var x of f()); }",
        "function() { function* f() { while (true) yield 1 } new Set(f()) }",
        "function() { var x = { valueOf() { while (true); } }; return x > 1 }",
        "[3, 2, 1].sort(function() { while (true); })",
        "'a'.replace(/a/, function() { while (true); })",
        "JSON.stringify({ toJSON() { while (true); } })",
        "Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)",
        "Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1)",
        "Array.prototype.lastIndexOf.call({ length: 2 ** 53 - 1 }, 1)",
        "Array.prototype.findLast.call({ length: 2 ** 53 - 1 }, () => false)",
        "Array.prototype.forEach.call({ length: 2 ** 53 - 1 }, () => false)",
        "Array.prototype.reduce.call({ length: 2 ** 53 - 1 }, () => false)",
        "Array.prototype.every.call({ length: 2 ** 53 - 1 }, () => false)",
    ] {
        let (held, took) = outcome(source);
        let code = held.as_ref().map_err(CommandError::code);
        assert_eq!(code, Err(Code::MaxTimeMSExpired), "{source}: {held:?}");
        assert!(took < PATIENCE, "{source} took {took:?}");
    }
}

#[test]
fn a_loop_of_the_engine_that_nothing_interrupts_ends_by_itself() {
    let huge = "var a = []; a.length = 4294967295;";
    let like = "var a = { length: 9007199254740991 };";
    let lying = "var n = 0, a = { get length() { return n++ ? 9007199254740991 : 0 } };";
    for (begin, end) in [
        (huge, "a.join()"),
        (huge, "String(a)"),
        (huge, "[a].join()"),
        (huge, "'' + a"),
        (huge, "a.fill(1)"),
        (huge, "a.reverse()"),
        (huge, "a.sort()"),
        (huge, "a.slice(1)"),
        (huge, "a.splice(1, 5)"),
        (huge, "a.concat(a)"),
        (huge, "[].concat(a)"),
        (huge, "a.flat()"),
        (huge, "[a].flat()"),
        (huge, "[1].flatMap(() => a)"),
        (huge, "a.flatMap(x => x)"),
        (huge, "a.copyWithin(0, 5)"),
        (huge, "a.shift()"),
        (huge, "a.unshift(1)"),
        (huge, "a.toSorted()"),
        (huge, "a.toReversed()"),
        (huge, "a.toSpliced(1, 1)"),
        (huge, "a.with(0, 1)"),
        (huge, "a.toLocaleString()"),
        (huge, "new Set(a)"),
        (huge, "new Set(a.values())"),
        (huge, "new Map(a)"),
        (huge, "Array.from(a)"),
        (huge, "[...a]"),
        (huge, "Math.max(...a)"),
        (huge, "Math.max.apply(null, a)"),
        (huge, "Object.fromEntries(a)"),
        (huge, "JSON.stringify(a)"),
        (huge, "new Uint8Array(a)"),
        (huge, "new Uint8Array(8).set(a)"),
        (huge, "a.values().drop(4294967290).next()"),
        (huge, "a.values().toArray()"),
        (huge, "a.values().some(x => x)"),
        (huge, "new Set([undefined]).isSupersetOf(new Set(a))"),
        (huge, "var [b, ...c] = a"),
        (huge, "a.keys().reduce((x, y) => y)"),
        (huge, "String.raw({ raw: a })"),
        (huge, "Object.entries(a)"),
        (huge, "Object.assign({}, a)"),
        (huge, "tojson(a)"),
        (huge, "Array.prototype.push.apply([], a)"),
        (like, "Array.prototype.join.call(a)"),
        (like, "Array.prototype.fill.call(a, 1)"),
        (like, "Array.prototype.reverse.call(a)"),
        (like, "Array.prototype.sort.call(a)"),
        (like, "Array.prototype.slice.call(a)"),
        (like, "Array.prototype.copyWithin.call(a, 0, 5)"),
        (like, "Array.prototype.flat.call(a)"),
        (like, "a[Symbol.isConcatSpreadable] = true; [].concat(a)"),
        (like, "Array.from(a)"),
        (like, "String.raw({ raw: a })"),
        (like, "new Uint8Array(a)"),
        (lying, "Array.prototype.join.call(a)"),
        (lying, "Array.prototype.fill.call(a, 1)"),
        (lying, "Array.prototype.sort.call(a)"),
        ("var a = 'a'.repeat(1 << 23);", "a.indexOf('a'.repeat(1 << 22) + 'b')"),
        ("var a = 'a'.repeat(1 << 23);", "a.includes('a'.repeat(1 << 22) + 'b')"),
        ("var a = 'a'.repeat(1 << 23);", "a.split('a'.repeat(1 << 22) + 'b')"),
        ("var a = 'a'.repeat(1 << 23);", "a.replace('a'.repeat(1 << 22) + 'b', '')"),
        ("var a = 1n << 1000000n;", "a * a"),
        ("var a = 1n << 1000000n;", "String(a)"),
        ("var a = 3n ** 600000n;", "a % 7n ** 200000n"),
        ("var a = '9'.repeat(300000);", "BigInt(a)"),
    ] {
        let (_, took) = outcome(&format!("function() {{ {begin} {end} }}"));
        assert!(took < PATIENCE_LONG, "{begin} {end} took {took:?}");
    }
}

#[test]
fn memory_and_stack_end_a_script_and_nothing_else() {
    for source in [
        "function() { var a = []; while (true) a.push('x'.repeat(1000)) }",
        "function() { var a = 'x'; while (true) a += a }",
        "function() { var a = []; while (true) { a = [a, a] } }",
        "'x'.repeat(1 << 29)",
        "new Uint8Array(1 << 30)",
        "new Array(1 << 24).fill(0)",
        "function f() { return f() }",
        "function f() { return [1].map(f) }",
        "function f() { return String({ toString: f }) }",
        "JSON.parse('['.repeat(1000000))",
        "function() { var a = []; for (var i = 0; i < 1e6; i++) a = [a]; return JSON.stringify(a) }",
        "function() { var a = {}; for (var i = 0; i < 1e6; i++) a = {a}; return tojson(a) }",
        "eval('('.repeat(1000000))",
        "new RegExp('('.repeat(1000000))",
        "function() { while (true) { try { var a = []; while (true) a.push(a, {}) } catch (e) {} } }",
    ] {
        let (held, took) = outcome(source);
        let code = held.as_ref().map_err(CommandError::code);
        let expected = [Code::JSInterpreterFailure, Code::MaxTimeMSExpired];
        assert!(code.is_err_and(|code| expected.contains(&code)), "{source}: {held:?}");
        assert!(took < PATIENCE, "{source} took {took:?}");
    }
    let script = session().compile("this.a == 1").unwrap();
    assert!(script.holds(DocBuf::from(&doc! {"a": 1}).as_raw()).unwrap());
}
