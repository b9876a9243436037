//! How the data behaves when operations come one after another.
//!
//! Owns the models. A model never guesses: an action that cannot have had its answer in a state has
//! no step from it.

use std::hash::Hash;

/// One copy of the data.
pub trait Model {
    type State: Clone + Eq + Hash;
    type Action;

    fn initial(&self) -> Self::State;

    /// The state after the action, or `None` when it cannot have been answered so in this state.
    fn step(&self, state: &Self::State, action: &Self::Action) -> Option<Self::State>;

    /// Whether the action never changes a state. Such an action can be put at the first moment at
    /// which its answer is right, without looking at other moments.
    fn only_reads(&self, action: &Self::Action) -> bool;
}

/// One document with one value, which is absent in the beginning.
#[derive(Clone, Copy, Debug, Default)]
pub struct Register;

/// What is done to a [`Register`], with what was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegisterAction {
    /// A read and what it found.
    Read(Option<i64>),
    Write(i64),
    /// Write `to` if the value is `from`.
    Swap {
        from: i64,
        to: i64,
        /// Whether the value was `from`; `None` when nobody knows.
        swapped: Option<bool>,
    },
}

impl Model for Register {
    type State = Option<i64>;
    type Action = RegisterAction;

    fn initial(&self) -> Option<i64> {
        None
    }

    fn step(&self, state: &Option<i64>, action: &RegisterAction) -> Option<Option<i64>> {
        match action {
            RegisterAction::Read(found) => (found == state).then_some(*state),
            RegisterAction::Write(value) => Some(Some(*value)),
            RegisterAction::Swap { from, to, swapped } => {
                match (*state == Some(*from), swapped) {
                    (true, Some(true) | None) => Some(Some(*to)),
                    (false, Some(false)) => Some(*state),
                    // A swap of unknown outcome that finds another value does nothing, and need not
                    // be placed at all.
                    (true, Some(false)) | (false, Some(true) | None) => None,
                }
            }
        }
    }

    fn only_reads(&self, action: &RegisterAction) -> bool {
        matches!(
            action,
            RegisterAction::Read(_) | RegisterAction::Swap { swapped: Some(false), .. }
        )
    }
}
