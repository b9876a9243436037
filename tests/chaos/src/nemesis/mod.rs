//! What is done to the set while clients use it.
//!
//! Owns the table of faults and the order in which they come: every kind comes once before any comes
//! again, so that a short run has seen each.

mod inflict;

pub(crate) use inflict::inflict;

use quire_tests::Random;

/// Kinds that a run must have seen each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Kill,
    Pause,
    CutOff,
    CutOneWay,
    Slow,
    StepDown,
    Terminate,
    LoseDisk,
}

pub(crate) const KINDS: &[Kind] = &[
    Kind::Kill,
    Kind::Pause,
    Kind::CutOff,
    Kind::CutOneWay,
    Kind::Slow,
    Kind::StepDown,
    Kind::Terminate,
    Kind::LoseDisk,
];

/// One thing that can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Kill(Whom),
    KillTwo,
    KillAll,
    Pause(Whom),
    PauseTwo,
    /// Cut off from the other members; clients still reach it.
    Isolate(Whom),
    /// Cut off from everybody.
    IsolateWholly(Whom),
    /// Two members do not reach each other; the third reaches both.
    PartPrimaryFromOne,
    PartSecondaries,
    /// What it says to other members does not arrive.
    Mute(Whom),
    /// What other members say to it does not arrive.
    Deafen(Whom),
    Slow(Whom),
    StepDown,
    Terminate(Whom),
    /// Killed, and its data is gone: it has to come back as somebody new.
    LoseDisk(Whom),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    Primary,
    Secondary,
}

use Whom::{Primary, Secondary};

/// Every fault, with its kind.
const FAULTS: &[(Kind, Fault)] = &[
    (Kind::Kill, Fault::Kill(Primary)),
    (Kind::Kill, Fault::Kill(Secondary)),
    (Kind::Kill, Fault::KillTwo),
    (Kind::Kill, Fault::KillAll),
    (Kind::Pause, Fault::Pause(Primary)),
    (Kind::Pause, Fault::Pause(Secondary)),
    (Kind::Pause, Fault::PauseTwo),
    (Kind::CutOff, Fault::Isolate(Primary)),
    (Kind::CutOff, Fault::IsolateWholly(Primary)),
    (Kind::CutOff, Fault::IsolateWholly(Secondary)),
    (Kind::CutOff, Fault::PartPrimaryFromOne),
    (Kind::CutOff, Fault::PartSecondaries),
    (Kind::CutOneWay, Fault::Mute(Primary)),
    (Kind::CutOneWay, Fault::Mute(Secondary)),
    (Kind::CutOneWay, Fault::Deafen(Primary)),
    (Kind::CutOneWay, Fault::Deafen(Secondary)),
    (Kind::Slow, Fault::Slow(Primary)),
    (Kind::Slow, Fault::Slow(Secondary)),
    (Kind::StepDown, Fault::StepDown),
    (Kind::Terminate, Fault::Terminate(Primary)),
    (Kind::Terminate, Fault::Terminate(Secondary)),
    (Kind::LoseDisk, Fault::LoseDisk(Primary)),
    (Kind::LoseDisk, Fault::LoseDisk(Secondary)),
];

/// Faults in a random order that leaves no kind out for long.
pub(crate) struct Deck {
    random: Random,
    /// Of each kind the faults that have not had their turn.
    left: Vec<(Kind, Vec<Fault>)>,
    kinds: Vec<Kind>,
}

impl Deck {
    pub(crate) fn new(random: Random) -> Deck {
        Deck {
            random,
            left: KINDS.iter().map(|kind| (*kind, Vec::new())).collect(),
            kinds: Vec::new(),
        }
    }

    pub(crate) fn draw(&mut self) -> (Kind, Fault) {
        if self.kinds.is_empty() {
            self.kinds = KINDS.to_vec();
            self.random.shuffle(&mut self.kinds);
        }
        let kind = self.kinds.pop().unwrap_or(Kind::Kill);
        let of_kind = FAULTS.iter().filter(|(own, _)| *own == kind).map(|(_, fault)| *fault);
        let left = self.left.iter_mut().find(|(own, _)| *own == kind).map(|(_, left)| left);
        let Some(left) = left else { return (kind, Fault::KillAll) };
        if left.is_empty() {
            left.extend(of_kind);
            self.random.shuffle(left);
        }
        (kind, left.pop().unwrap_or(Fault::KillAll))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_comes_once_before_any_comes_again() {
        let mut deck = Deck::new(Random::new(5));
        for _ in 0..4 {
            let drawn: BTreeSet<Kind> = KINDS.iter().map(|_| deck.draw().0).collect();
            assert_eq!(drawn.len(), KINDS.len());
        }
    }

    #[test]
    fn every_fault_has_its_turn() {
        let mut deck = Deck::new(Random::new(9));
        let drawn: Vec<Fault> = (0..KINDS.len() * 5).map(|_| deck.draw().1).collect();
        for (_, fault) in FAULTS {
            assert!(drawn.contains(fault), "{fault:?}");
        }
    }
}
