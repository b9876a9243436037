//! Tables of cases: strings.

use super::*;
use quire_bson::bson;

fn document() -> Document {
    doc! { "s": "Hello", "u": "cafétéria", "n": 5, "pad": "  x " }
}

#[test]
fn whole_strings_are_joined_split_and_measured() {
    gives(
        document(),
        [
            (bson!({ "$concat": ["$s", ", ", "x"] }), bson!("Hello, x")),
            (bson!({ "$concat": ["$s", "$gone"] }), Bson::Null),
            (bson!({ "$concat": [] }), bson!("")),
            (bson!({ "$split": ["a-b--c", "-"] }), bson!(["a", "b", "", "c"])),
            (bson!({ "$split": ["$gone", "-"] }), Bson::Null),
            (bson!({ "$strLenBytes": "$u" }), bson!(11)),
            (bson!({ "$strLenCP": "$u" }), bson!(9)),
            (bson!({ "$toUpper": "$u" }), bson!("CAFéTéRIA")),
            (bson!({ "$toLower": "$s" }), bson!("hello")),
            (bson!({ "$toUpper": "$gone" }), bson!("")),
            (bson!({ "$toUpper": "$n" }), bson!("5")),
            (bson!({ "$strcasecmp": ["$s", "HELLO"] }), bson!(0)),
            (bson!({ "$strcasecmp": ["a", "B"] }), bson!(-1)),
        ],
    );
    fails(
        document(),
        [
            (bson!({ "$concat": ["$n"] }), 16702, "$concat only supports strings, not int"),
            (bson!({ "$split": ["$s", ""] }), 40087, "$split requires a non-empty separator"),
            (
                bson!({ "$split": ["$n", ""] }),
                40085,
                "$split requires an expression that evaluates to a string as a first argument, found: int",
            ),
            (
                bson!({ "$strLenCP": "$gone" }),
                34471,
                "$strLenCP requires a string argument, found: missing",
            ),
            (bson!({ "$toUpper": [["x"]] }), 16007, "can't convert from BSON type array to String"),
        ],
    );
}

#[test]
fn parts_are_cut_by_bytes_and_by_code_points() {
    gives(
        document(),
        [
            (bson!({ "$substrBytes": ["$s", 1, 3] }), bson!("ell")),
            (bson!({ "$substr": ["$s", 1, -1] }), bson!("ello")),
            (bson!({ "$substrBytes": ["$s", 9, 3] }), bson!("")),
            (bson!({ "$substrCP": ["$u", 3, 3] }), bson!("été")),
            (bson!({ "$substrCP": ["$u", 8, 30] }), bson!("a")),
            (bson!({ "$substrCP": ["$gone", 0, 1] }), bson!("")),
        ],
    );
    fails(
        document(),
        [
            (
                bson!({ "$substrBytes": ["$u", 4, 1] }),
                28656,
                "$substrBytes:  Invalid range, starting index is a UTF-8 continuation byte.",
            ),
            (
                bson!({ "$substrBytes": ["$u", 0, 4] }),
                28657,
                "$substrBytes:  Invalid range, ending index is in the middle of a UTF-8 character.",
            ),
            (
                bson!({ "$substrCP": ["$u", -1, 4] }),
                34455,
                "$substrCP: the starting index must be nonnegative integer.",
            ),
            (
                bson!({ "$substrCP": ["$u", "x", 4] }),
                34450,
                "$substrCP: starting index must be a numeric type (is BSON type string)",
            ),
        ],
    );
}

#[test]
fn text_is_found_and_replaced() {
    gives(
        document(),
        [
            (bson!({ "$indexOfBytes": ["$u", "t"] }), bson!(5)),
            (bson!({ "$indexOfCP": ["$u", "t"] }), bson!(4)),
            (bson!({ "$indexOfCP": ["$u", "é", 4] }), bson!(5)),
            (bson!({ "$indexOfCP": ["$u", "é", 4, 5] }), bson!(-1)),
            (bson!({ "$indexOfBytes": ["$gone", "t"] }), Bson::Null),
            (bson!({ "$indexOfBytes": ["$s", "l", 9] }), bson!(-1)),
            (
                bson!({ "$replaceOne": { "input": "$s", "find": "l", "replacement": "L" } }),
                bson!("HeLlo"),
            ),
            (
                bson!({ "$replaceAll": { "input": "$s", "find": "l", "replacement": "" } }),
                bson!("Heo"),
            ),
            (
                bson!({ "$replaceAll": { "input": "$s", "find": null, "replacement": "" } }),
                Bson::Null,
            ),
        ],
    );
    fails(
        document(),
        [
            (
                bson!({ "$indexOfBytes": ["$n", "t"] }),
                40091,
                "$indexOfBytes requires a string as the first argument, found: int",
            ),
            (
                bson!({ "$replaceOne": { "input": "$n", "find": "l", "replacement": "L" } }),
                51746,
                "$replaceOne requires that 'input' be a string, found: 5",
            ),
            (
                bson!({ "$replaceOne": { "input": "$n", "find": "l" } }),
                51747,
                "$replaceOne requires 'replacement' to be specified",
            ),
        ],
    );
}

#[test]
fn ends_are_trimmed() {
    gives(
        document(),
        [
            (bson!({ "$trim": { "input": "$pad" } }), bson!("x")),
            (bson!({ "$ltrim": { "input": "$pad" } }), bson!("x ")),
            (bson!({ "$rtrim": { "input": "$pad" } }), bson!("  x")),
            (bson!({ "$trim": { "input": "xxhixyx", "chars": "xy" } }), bson!("hi")),
            (bson!({ "$trim": { "input": "$gone" } }), Bson::Null),
        ],
    );
    fails(
        document(),
        [
            (
                bson!({ "$trim": { "input": "$n" } }),
                50699,
                "$trim requires its input to be a string, got 5 (of type int) instead.",
            ),
            (bson!({ "$trim": {} }), 50695, "$trim requires an 'input' field"),
        ],
    );
}

#[test]
fn patterns_match_and_capture() {
    gives(
        document(),
        [
            (
                bson!({ "$regexMatch": { "input": "$s", "regex": "^h", "options": "i" } }),
                bson!(true),
            ),
            (bson!({ "$regexMatch": { "input": "$gone", "regex": "^h" } }), bson!(false)),
            (
                bson!({ "$regexFind": { "input": "$u", "regex": "t(é)(x)?" } }),
                bson!({ "match": "té", "idx": 4, "captures": ["é", null] }),
            ),
            (bson!({ "$regexFind": { "input": "$u", "regex": "zz" } }), Bson::Null),
            (
                bson!({ "$regexFindAll": { "input": "aXbX", "regex": "[a-z]" } }),
                bson!([
                    { "match": "a", "idx": 0, "captures": [] },
                    { "match": "b", "idx": 2, "captures": [] },
                ]),
            ),
            (
                bson!({ "$regexFindAll": { "input": "ab", "regex": "x*" } }),
                bson!([
                    { "match": "", "idx": 0, "captures": [] },
                    { "match": "", "idx": 1, "captures": [] },
                    { "match": "", "idx": 2, "captures": [] },
                ]),
            ),
            (bson!({ "$regexMatch": { "input": "foobar", "regex": "foo(?=bar)" } }), bson!(true)),
        ],
    );
    fails(
        document(),
        [
            (
                bson!({ "$regexMatch": { "input": "$n", "regex": "x" } }),
                51104,
                "$regexMatch needs 'input' to be of type string",
            ),
            (
                bson!({ "$regexMatch": { "input": "$s", "regex": 5 } }),
                51105,
                "$regexMatch needs 'regex' to be of type string or regex",
            ),
            (
                bson!({ "$regexMatch": { "input": "$s", "regex": "x", "options": "z" } }),
                51108,
                "$regexMatch: invalid flag in regex options: z",
            ),
            (
                bson!({ "$regexMatch": { "input": "$s" } }),
                31023,
                "$regexMatch requires 'regex' parameter",
            ),
        ],
    );
    assert_eq!(
        failure(bson!({ "$regexMatch": { "input": "$s", "regex": "(" } }), document())
            .code()
            .number(),
        51111
    );
}
