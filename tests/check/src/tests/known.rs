//! Histories whose verdict is known, each a story that a broken server could tell.

use crate::RegisterAction::{Read, Swap, Write};
use crate::{Limits, Operation, Register, RegisterAction, Verdict, by_key, check};

type History = Vec<Operation<RegisterAction>>;

fn op(called: u64, returned: u64, action: RegisterAction) -> Operation<RegisterAction> {
    Operation::answered(0, called, returned, action)
}

fn lost(called: u64, action: RegisterAction) -> Operation<RegisterAction> {
    Operation::unknown(0, called, action)
}

fn swap(from: i64, to: i64, swapped: bool) -> RegisterAction {
    Swap { from, to, swapped: Some(swapped) }
}

fn verdict(history: &History) -> Verdict {
    check(&Register, history, Limits::default())
}

#[test]
fn good_histories_pass() {
    let unknown_swap = Swap { from: 1, to: 2, swapped: None };
    let good: &[(&str, History)] = &[
        ("nothing happened", vec![]),
        ("nothing was ever written", vec![op(0, 1, Read(None))]),
        ("one after another", vec![op(0, 1, Write(1)), op(2, 3, Read(Some(1)))]),
        (
            "two writes at once, in either order",
            vec![op(0, 9, Write(1)), op(0, 9, Write(2)), op(10, 11, Read(Some(1)))],
        ),
        (
            "a read during a write sees it or not",
            vec![op(0, 9, Write(1)), op(1, 2, Read(None)), op(3, 4, Read(Some(1)))],
        ),
        ("an unknown write never happens", vec![lost(0, Write(1)), op(5, 6, Read(None))]),
        (
            "an unknown write happens late",
            vec![
                lost(0, Write(1)),
                op(1, 2, Write(2)),
                op(3, 4, Read(Some(2))),
                op(5, 6, Read(Some(1))),
            ],
        ),
        (
            "an unknown swap happened",
            vec![op(0, 1, Write(1)), lost(2, unknown_swap.clone()), op(3, 4, Read(Some(2)))],
        ),
        (
            "an unknown swap never happens",
            vec![op(0, 1, Write(1)), lost(2, unknown_swap), op(3, 4, Read(Some(1)))],
        ),
        (
            "one of two swaps wins",
            vec![op(0, 1, Write(1)), op(2, 9, swap(1, 2, false)), op(2, 9, swap(1, 3, true))],
        ),
        (
            "a chain of overlaps",
            vec![
                op(0, 4, Write(1)),
                op(3, 8, Write(2)),
                op(5, 6, Read(Some(1))),
                op(7, 12, Read(Some(2))),
            ],
        ),
        ("at the same moment two overlap", vec![op(0, 5, Write(1)), op(5, 6, Read(None))]),
    ];
    for (story, history) in good {
        assert_eq!(verdict(history), Verdict::Linearizable, "{story}");
    }
}

#[test]
fn bad_histories_are_found_and_the_place_is_named() {
    // The last number: the operation that no order explains.
    let bad: &[(&str, History, usize)] = &[
        ("a stale read", vec![op(0, 1, Write(1)), op(2, 3, Write(2)), op(4, 5, Read(Some(1)))], 2),
        ("a lost write", vec![op(0, 1, Write(1)), op(2, 3, Read(None))], 1),
        ("a value nobody wrote", vec![op(0, 1, Write(1)), op(2, 3, Read(Some(7)))], 1),
        ("a read before the write was asked", vec![op(0, 1, Read(Some(1))), op(2, 3, Write(1))], 0),
        (
            "a write applied twice",
            vec![
                op(0, 1, Write(1)),
                op(2, 3, Write(2)),
                op(4, 5, Read(Some(1))),
                op(6, 7, Read(Some(2))),
            ],
            2,
        ),
        (
            "an unknown write applied twice",
            vec![
                lost(0, Write(1)),
                op(1, 2, Read(Some(1))),
                op(3, 4, Write(2)),
                op(5, 6, Read(Some(1))),
            ],
            3,
        ),
        (
            "two primaries that answer by turns",
            vec![
                op(0, 9, Write(1)),
                op(0, 9, Write(2)),
                op(10, 11, Read(Some(1))),
                op(12, 13, Read(Some(2))),
                op(14, 15, Read(Some(1))),
            ],
            3,
        ),
        (
            "a read that goes back in time during a write",
            vec![op(0, 20, Write(1)), op(1, 2, Read(Some(1))), op(3, 4, Read(None))],
            2,
        ),
        (
            "two swaps from one value both win",
            vec![op(0, 1, Write(1)), op(2, 9, swap(1, 2, true)), op(2, 9, swap(1, 3, true))],
            2,
        ),
        (
            "a swap fails though nobody interfered",
            vec![op(0, 1, Write(1)), op(2, 3, swap(1, 2, false))],
            1,
        ),
        ("a swap wins without its value", vec![op(0, 1, Write(1)), op(2, 3, swap(5, 6, true))], 1),
        (
            "a failed swap changed the value",
            vec![op(0, 1, Write(5)), op(2, 3, swap(1, 2, false)), op(4, 5, Read(Some(2)))],
            2,
        ),
        (
            "an acknowledged write rolled back by a new primary",
            vec![
                op(0, 1, Write(1)),
                op(2, 3, Write(2)),
                op(4, 5, Read(Some(2))),
                op(6, 7, Read(Some(1))),
            ],
            3,
        ),
    ];
    for (story, history, stuck) in bad {
        match verdict(history) {
            Verdict::Violation(witness) => {
                assert_eq!(witness.stuck, *stuck, "{story}: {witness:?}")
            }
            other => panic!("{story}: {other:?}"),
        }
    }
}

#[test]
fn keys_are_checked_apart() {
    // Each key alone is right; taken as one register they would not be.
    let parts = by_key([
        ("a", op(0, 1, Write(1))),
        ("b", op(2, 3, Read(None))),
        ("a", op(4, 5, Read(Some(1)))),
    ]);
    assert_eq!(parts.len(), 2);
    assert!(parts.values().all(|part| verdict(part) == Verdict::Linearizable));
    let together: History = parts.into_values().flatten().collect();
    assert!(matches!(verdict(&together), Verdict::Violation(_)));
}

#[test]
fn a_search_that_is_too_long_gives_no_verdict() {
    let writes = (0..20).map(|value| op(0, 100, Write(value)));
    let history: History = writes.chain([op(200, 201, Read(Some(77)))]).collect();
    assert_eq!(check(&Register, &history, Limits { situations: 100 }), Verdict::Undecided);
}
