//! The network: what arrives when, how often, and whether at all.

use crate::options::{Micros, Options};
use crate::random::Random;
use std::collections::BTreeSet;

pub struct Network {
    /// From the first place to the second nothing arrives.
    cut: BTreeSet<(usize, usize)>,
    pub calm: bool,
}

impl Network {
    /// One where nothing goes wrong yet.
    pub fn calm() -> Network {
        Network { cut: BTreeSet::new(), calm: true }
    }

    pub fn is_cut(&self, from: usize, to: usize) -> bool {
        self.cut.contains(&(from, to))
    }

    pub fn heal(&mut self) {
        self.cut.clear();
    }

    /// Cuts some places off from the others, in one direction or both.
    pub fn split(&mut self, places: usize, random: &mut Random) -> &'static str {
        let side: Vec<bool> = (0..places).map(|_| random.chance(500)).collect();
        let (there, back) = match random.below(4) {
            0 => (true, false),
            1 => (false, true),
            _ => (true, true),
        };
        for (from, one) in side.iter().enumerate() {
            for (to, other) in side.iter().enumerate() {
                if (*one && !*other && there) || (!*one && *other && back) {
                    self.cut.insert((from, to));
                }
            }
        }
        if there && back { "the network splits" } else { "one side hears nothing" }
    }

    /// Cuts a single connection, in one direction or both.
    pub fn cut_one(&mut self, places: usize, random: &mut Random) {
        let place =
            |random: &mut Random| usize::try_from(random.below(places as u64)).unwrap_or_default();
        let (one, other) = (place(random), place(random));
        self.cut.insert((one, other));
        if random.chance(500) {
            self.cut.insert((other, one));
        }
    }

    /// After how long each copy of a message arrives.
    pub fn delays(&self, options: &Options, random: &mut Random) -> Vec<Micros> {
        let usual = |random: &mut Random| 100 + random.below(options.delay);
        if self.calm {
            return vec![usual(random)];
        }
        if random.chance(options.lost) {
            return Vec::new();
        }
        let copies = if random.chance(options.doubled) { 2 } else { 1 };
        let mut delay = || match random.chance(options.late) {
            true => random.below(options.delay_when_late),
            false => usual(random),
        };
        (0..copies).map(|_| delay()).collect()
    }
}
