//! Ranks of which the first are much more frequent than the last, as YCSB draws them.
//!
//! Owns the distribution: the method of Gray and others ("Quickly generating billion-record synthetic
//! databases", 1994) with YCSB's exponent of 0.99.

use crate::random::Random;

const EXPONENT: f64 = 0.99;

pub(crate) struct Zipf {
    count: u64,
    zeta: f64,
    alpha: f64,
    eta: f64,
}

impl Zipf {
    pub(crate) fn new(count: u64) -> Zipf {
        let zeta_of = |n: u64| (1..=n).map(|rank| (rank as f64).powf(-EXPONENT)).sum::<f64>();
        let (zeta, alpha) = (zeta_of(count), 1.0 / (1.0 - EXPONENT));
        let tail = (2.0 / count as f64).powf(1.0 - EXPONENT);
        Zipf { count, zeta, alpha, eta: (1.0 - tail) / (1.0 - zeta_of(2) / zeta) }
    }

    /// A rank from 0 on.
    pub(crate) fn rank(&self, random: &mut Random) -> u64 {
        // 53 bits are what a float holds exactly.
        let uniform = (random.next() >> 11) as f64 / (1u64 << 53) as f64;
        let scaled = uniform * self.zeta;
        if scaled < 1.0 {
            return 0;
        }
        if scaled < 1.0 + 0.5f64.powf(EXPONENT) {
            return 1;
        }
        let share = (self.eta * uniform - self.eta + 1.0).powf(self.alpha);
        ((self.count as f64 * share) as u64).min(self.count.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_ranks_have_the_share_that_the_exponent_gives_them() {
        let zipf = Zipf::new(1000);
        let mut random = Random::new(5);
        let mut first_ten = 0;
        for _ in 0..100_000 {
            let rank = zipf.rank(&mut random);
            assert!(rank < 1000);
            first_ten += u32::from(rank < 10);
        }
        // The sum of the first ten terms over that of all is 0.386.
        assert!((36_000..41_000).contains(&first_ten), "{first_ten}");
    }
}
