//! What a seed makes of a run.
//!
//! Owns the choice of which troubles a run has at all: one that has every trouble at once seldom
//! gets far enough to show what one of them alone would have shown.

use crate::random::Random;

/// Microseconds of a run.
pub type Micros = u64;

pub const MILLI: Micros = 1_000;

/// How long a tick of a member lasts.
pub const TICK: Micros = 50 * MILLI;

pub const ELECTION_TIMEOUT: Micros = TICK * quire_consensus::ELECTION_TICKS as u64;

/// The troubles and sizes of one run. Weights say how often a trouble comes when one comes.
#[derive(Clone, Debug)]
pub struct Options {
    pub voters: u64,
    /// Places for members that are added later.
    pub spares: u64,
    pub clients: u64,
    /// How long there is trouble.
    pub trouble: Micros,
    /// From one trouble to the next, about.
    pub trouble_pause: Micros,
    pub think: Micros,
    /// Of a thousand messages.
    pub lost: u64,
    pub doubled: u64,
    pub late: u64,
    pub delay: Micros,
    pub delay_when_late: Micros,
    /// One sync of the log takes up to so long.
    pub sync: Micros,
    /// Entries that the log keeps behind what is applied.
    pub retained: u64,
    pub checkpoint_pause: Micros,
    /// Bytes of one piece of a copy.
    pub chunk_bytes: usize,
    pub crashes: u64,
    pub partitions: u64,
    pub disks: u64,
    pub clocks: u64,
    pub orders: u64,
    pub memberships: u64,
    pub wipes: u64,
    pub pauses: u64,
    pub forces: u64,
    /// Of a thousand times that the operator looks.
    pub forgets: u64,
}

impl Options {
    /// What this seed has.
    pub fn draw(random: &mut Random) -> Options {
        let mut some = |of: u64, weight: u64| if random.below(10) < of { weight } else { 0 };
        let (crashes, partitions, disks) = (some(7, 10), some(7, 8), some(5, 8));
        let (clocks, orders, memberships) = (some(4, 3), some(6, 6), some(6, 8));
        let (wipes, pauses, forces) = (some(4, 4), some(4, 5), some(4, 4));
        let (lost, doubled, late) = (some(5, 100), some(5, 100), some(5, 50));
        let pick = |random: &mut Random, from: &[u64]| *random.pick(from).unwrap_or(&1);
        Options {
            voters: random.between(3, 6),
            spares: random.between(0, 3),
            clients: random.between(2, 7),
            trouble: pick(random, &[5, 10, 20]) * 1000 * MILLI,
            trouble_pause: pick(random, &[100, 300, 1000]) * MILLI,
            think: pick(random, &[10, 50, 150]) * MILLI,
            lost: lost * random.below(4) / 3,
            doubled,
            late,
            delay: pick(random, &[500, 2_000, 10_000]),
            delay_when_late: pick(random, &[100, 600, 3_000]) * MILLI,
            sync: pick(random, &[0, 300, 5_000]),
            retained: pick(random, &[1, 5, 30, 1_000]),
            checkpoint_pause: pick(random, &[200, 1_000, 5_000]) * MILLI,
            chunk_bytes: usize::try_from(pick(random, &[300, 2_000, 100_000])).unwrap_or(2_000),
            crashes,
            partitions,
            disks,
            clocks,
            orders,
            memberships,
            wipes,
            pauses,
            forces,
            // Drawn last, so that a run without it is the run that it was.
            forgets: if random.below(10) < 5 { 300 } else { 0 },
        }
    }
}
