//! Random histories: true ones must pass, and on tiny ones the search must agree with trying
//! everything.

use crate::RegisterAction::{Read, Swap, Write};
use crate::{Limits, Model, Operation, Register, RegisterAction, Verdict, check};
use proptest::prelude::*;

/// Tries every order of every choice of unknown operations.
fn explained_by_trying_everything(history: &[Operation<RegisterAction>]) -> bool {
    fn from(
        history: &[Operation<RegisterAction>],
        done: &mut Vec<bool>,
        state: Option<i64>,
    ) -> bool {
        let left = |done: &[bool], position: usize| !done[position];
        let answered_left =
            (0..history.len()).any(|p| left(done, p) && history[p].returned.is_some());
        if !answered_left {
            return true;
        }
        (0..history.len()).any(|position| {
            let called = history[position].called;
            let too_early = |other: &usize| {
                left(done, *other) && history[*other].returned.is_some_and(|end| end < called)
            };
            if done[position] || (0..history.len()).any(|other| too_early(&other)) {
                return false;
            }
            let Some(after) = Register.step(&state, &history[position].action) else {
                return false;
            };
            done[position] = true;
            let explained = from(history, done, after);
            done[position] = false;
            explained
        })
    }
    from(history, &mut vec![false; history.len()], None)
}

fn any_action() -> impl Strategy<Value = RegisterAction> {
    prop_oneof![
        prop::option::of(0..3i64).prop_map(Read),
        (0..3i64).prop_map(Write),
        (0..3i64, 0..3i64, any::<bool>()).prop_map(|(from, to, swapped)| Swap {
            from,
            to,
            swapped: Some(swapped)
        }),
    ]
}

fn any_operation() -> impl Strategy<Value = Operation<RegisterAction>> {
    (0..12u64, 0..6u64, prop::bool::weighted(0.25), any_action()).prop_map(
        |(called, length, unknown, action)| match (unknown, action) {
            (true, Swap { from, to, .. }) => {
                Operation::unknown(0, called, Swap { from, to, swapped: None })
            }
            // A read that was not answered says nothing; the others stay as they are.
            (true, action @ Write(_)) => Operation::unknown(0, called, action),
            (_, action) => Operation::answered(0, called, called + length, action),
        },
    )
}

/// What a client asks for, before anybody has answered.
#[derive(Clone, Debug)]
enum Asked {
    Read,
    Write,
    Swap,
}

/// A plan of one operation: how long until its call, until it takes effect, and until its answer.
type Plan = (Asked, u64, u64, u64, bool);

fn any_plan() -> impl Strategy<Value = Plan> {
    let asked =
        prop_oneof![3 => Just(Asked::Read), 2 => Just(Asked::Write), 2 => Just(Asked::Swap)];
    (asked, 0..4u64, 0..6u64, 0..6u64, prop::bool::weighted(0.04))
}

/// Runs the plans of several clients against one true register.
fn true_history(clients: &[Vec<Plan>]) -> Vec<Operation<RegisterAction>> {
    let mut effects = Vec::new();
    for (client, plans) in clients.iter().enumerate() {
        let mut now = 0;
        for (asked, before, until, after, unknown) in plans {
            let called = now + before;
            let effective = called + until;
            now = effective + after + 1;
            effects.push((effective, client, called, now - 1, asked, *unknown));
        }
    }
    effects.sort_by_key(|(effective, client, ..)| (*effective, *client));
    let (mut state, mut next_value) = (None, 0);
    let mut history = Vec::new();
    for (_, client, called, returned, asked, unknown) in effects {
        let client = u32::try_from(client).expect("few clients");
        next_value += 1;
        let action = match asked {
            Asked::Read => Read(state),
            Asked::Write => {
                state = Some(next_value);
                Write(next_value)
            }
            Asked::Swap => {
                // Sometimes right, sometimes too late.
                let from = next_value - 1 - next_value % 2;
                let swapped = state == Some(from);
                if swapped {
                    state = Some(next_value);
                }
                Swap { from, to: next_value, swapped: (!unknown).then_some(swapped) }
            }
        };
        history.push(match (unknown, &action) {
            (true, Write(_) | Swap { .. }) => Operation::unknown(client, called, action),
            _ => Operation::answered(client, called, returned, action),
        });
    }
    history
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn the_search_agrees_with_trying_everything(
        history in prop::collection::vec(any_operation(), 0..7),
    ) {
        let wanted = explained_by_trying_everything(&history);
        let found = check(&Register, &history, Limits::default());
        prop_assert_eq!(found == Verdict::Linearizable, wanted, "{:?}", found);
        prop_assert_ne!(found, Verdict::Undecided);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn what_a_true_register_did_passes(
        clients in prop::collection::vec(prop::collection::vec(any_plan(), 60..120), 1..7),
    ) {
        let history = true_history(&clients);
        prop_assert_eq!(check(&Register, &history, Limits::default()), Verdict::Linearizable);
    }

    #[test]
    fn one_wrong_read_in_a_true_history_is_found(
        clients in prop::collection::vec(prop::collection::vec(any_plan(), 40..80), 1..7),
        which in any::<prop::sample::Index>(),
    ) {
        let mut history = true_history(&clients);
        let reads: Vec<usize> = (0..history.len())
            .filter(|position| matches!(history[*position].action, Read(_)))
            .collect();
        prop_assume!(!reads.is_empty());
        let wrong = reads[which.index(reads.len())];
        // Nobody wrote it.
        history[wrong].action = Read(Some(-1));
        let found = check(&Register, &history, Limits::default());
        prop_assert!(matches!(found, Verdict::Violation(_)), "{:?}", found);
    }
}
