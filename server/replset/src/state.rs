//! The states a member can be in, with the numbers and names that clients and operators read.

use std::fmt;

/// What a member is doing, as `replSetGetStatus` numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemberState {
    /// Not yet part of a set.
    Startup,
    Primary,
    Secondary,
    /// Has the data of the past, but cannot serve reads.
    Recovering,
    /// Receiving its first copy of the data.
    Startup2,
    /// Never heard of.
    Unknown,
    Arbiter,
    /// Heard of, but not lately.
    Down,
    /// Never entered here, since nothing committed is undone; other servers' numbering has it.
    Rollback,
    /// Not in the configuration any more.
    Removed,
}

/// Every state with its number and name.
const STATES: &[(MemberState, i32, &str)] = &[
    (MemberState::Startup, 0, "STARTUP"),
    (MemberState::Primary, 1, "PRIMARY"),
    (MemberState::Secondary, 2, "SECONDARY"),
    (MemberState::Recovering, 3, "RECOVERING"),
    (MemberState::Startup2, 5, "STARTUP2"),
    (MemberState::Unknown, 6, "UNKNOWN"),
    (MemberState::Arbiter, 7, "ARBITER"),
    (MemberState::Down, 8, "DOWN"),
    (MemberState::Rollback, 9, "ROLLBACK"),
    (MemberState::Removed, 10, "REMOVED"),
];

impl MemberState {
    fn row(self) -> (i32, &'static str) {
        let row = STATES.iter().find(|(state, _, _)| *state == self);
        row.map_or((6, "UNKNOWN"), |(_, number, name)| (*number, name))
    }

    /// The number clients read as `state` and `myState`.
    pub fn number(self) -> i32 {
        self.row().0
    }

    /// The name clients read as `stateStr`.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    pub fn from_number(number: i32) -> Option<MemberState> {
        STATES.iter().find(|(_, own, _)| *own == number).map(|(state, _, _)| *state)
    }

    /// Whether its data may be read, given that the client allows for a secondary.
    pub fn is_readable(self) -> bool {
        matches!(self, MemberState::Primary | MemberState::Secondary)
    }
}

impl fmt::Display for MemberState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::{MemberState, STATES};

    #[test]
    fn numbers_and_names_are_those_that_clients_know() {
        let shown: Vec<(i32, &str)> =
            STATES.iter().map(|(state, _, _)| (state.number(), state.name())).collect();
        let known = [
            (0, "STARTUP"),
            (1, "PRIMARY"),
            (2, "SECONDARY"),
            (3, "RECOVERING"),
            (5, "STARTUP2"),
            (6, "UNKNOWN"),
            (7, "ARBITER"),
            (8, "DOWN"),
            (9, "ROLLBACK"),
            (10, "REMOVED"),
        ];
        assert_eq!(shown, known);
    }

    #[test]
    fn a_state_comes_back_from_its_number_and_four_is_none() {
        for (state, number, _) in STATES {
            assert_eq!(MemberState::from_number(*number), Some(*state));
        }
        assert_eq!(MemberState::from_number(4), None);
    }

    #[test]
    fn only_the_primary_and_secondaries_are_readable() {
        let readable: Vec<_> = STATES.iter().filter(|row| row.0.is_readable()).collect();
        assert_eq!(readable.len(), 2);
    }
}
