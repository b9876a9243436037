//! The replicated server in one thread, out of one seed.
//!
//! Owns no rule of the server: its members, logs and documents are the ones that ship, over engines
//! in memory. Network, disks, clocks, clients and operators are played here, and everything that
//! can go wrong with them does, in an order that the seed alone decides: no sockets, no wall clock,
//! no threads. While it runs and when it has calmed down, every rule of `checks` is held against
//! it.

mod calm;
mod checks;
mod clients;
mod digest;
mod disk;
mod forcing;
mod network;
mod node;
mod operator;
mod options;
mod planner;
mod planted;
mod random;
mod troubles;
mod turns;
mod watched;
mod world;

pub use planted::Planted;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What happened in a run, or in several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub events: u64,
    /// Terms that had a leader.
    pub elections: u64,
    pub crashes: u64,
    pub wipes: u64,
    pub copies: u64,
    pub memberships: u64,
    /// Configurations that were forced.
    pub forced: u64,
    /// Entries acknowledged before that nobody has any more.
    pub given_up: u64,
    pub acknowledged: u64,
    pub reads: u64,
    /// Records of sessions that were to be forgotten.
    pub forgotten: u64,
}

impl Figures {
    pub fn add(&mut self, other: &Figures) {
        for (sum, one) in [
            (&mut self.events, other.events),
            (&mut self.elections, other.elections),
            (&mut self.crashes, other.crashes),
            (&mut self.wipes, other.wipes),
            (&mut self.copies, other.copies),
            (&mut self.memberships, other.memberships),
            (&mut self.forced, other.forced),
            (&mut self.given_up, other.given_up),
            (&mut self.acknowledged, other.acknowledged),
            (&mut self.reads, other.reads),
            (&mut self.forgotten, other.forgotten),
        ] {
            *sum = sum.saturating_add(one);
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub figures: Figures,
    /// The same for the same seed.
    pub trace: u64,
    /// The rule that was broken.
    pub wrong: Option<String>,
}

/// Runs a seed to its end, or until a rule is broken. `narrate` gets a line for everything that
/// happens to the set as a whole.
pub fn run(seed: u64, planted: Option<Planted>, narrate: bool) -> Outcome {
    let mut world = world::World::new(seed, planted, narrate);
    let ended = catch_unwind(AssertUnwindSafe(|| world.run()));
    let wrong = match ended {
        Ok(wrong) => wrong,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
            Some(format!("a member panics: {}", text.unwrap_or_default()))
        }
    };
    Outcome { figures: world.figures(), trace: world.trace(), wrong }
}
