//! Counts of durations, exact to 1.6 percent.
//!
//! Owns the buckets: 64 to each power of two, so that recording is a shift and an add and takes the
//! same small memory however long the run is.

use std::time::Duration;

const SUB_BITS: u32 = 6;
const SUB_BUCKETS: usize = 1 << SUB_BITS;
/// Durations of up to 64 bits of nanoseconds.
const BUCKETS: usize = (64 - SUB_BITS as usize + 1) * SUB_BUCKETS;

#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    pub(crate) fn new() -> Histogram {
        Histogram { counts: vec![0; BUCKETS], total: 0 }
    }

    pub(crate) fn record(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get_mut(bucket(nanos)) {
            *count += 1;
            self.total += 1;
        }
    }

    pub(crate) fn add(&mut self, other: &Histogram) {
        for (own, others) in self.counts.iter_mut().zip(&other.counts) {
            *own += others;
        }
        self.total += other.total;
    }

    /// How many durations were recorded.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The duration that `share` (0 to 1) of the recorded ones do not exceed.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let wanted = ((self.total as f64 * share).ceil() as u64).max(1);
        let mut passed = 0;
        for (index, count) in self.counts.iter().enumerate() {
            passed += count;
            if passed >= wanted {
                return Duration::from_nanos(upper_end(index));
            }
        }
        Duration::ZERO
    }
}

fn bucket(nanos: u64) -> usize {
    let magnitude = nanos.checked_ilog2().unwrap_or(0);
    let shift = magnitude.saturating_sub(SUB_BITS);
    // Below 64 the shift is 0 and a bucket holds one value; above, the leading bit is implied.
    let within = usize::try_from(nanos >> shift).unwrap_or(0);
    shift as usize * SUB_BUCKETS + within
}

/// The largest value of a bucket.
fn upper_end(index: usize) -> u64 {
    let shift = (index / SUB_BUCKETS).saturating_sub(1);
    let within = index - shift * SUB_BUCKETS;
    let next = (within as u64 + 1).saturating_mul(1 << shift);
    next.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket_within_the_promised_error() {
        let mut value = 1u64;
        while value < 1 << 60 {
            let end = upper_end(bucket(value));
            assert!(end >= value, "{value} ends at {end}");
            assert!((end - value) as f64 <= value as f64 / 64.0, "{value} ends at {end}");
            assert!(bucket(end) == bucket(value) && bucket(end + 1) > bucket(value), "{value}");
            value += value / 7 + 1;
        }
    }

    #[test]
    fn quantiles_count_from_below() {
        let mut histogram = Histogram::new();
        (1..=50).for_each(|n| histogram.record(Duration::from_nanos(n)));
        assert_eq!(histogram.quantile(0.5), Duration::from_nanos(25));
        assert_eq!(histogram.quantile(0.99), Duration::from_nanos(50));
        assert_eq!(histogram.quantile(0.0), Duration::from_nanos(1));
    }

    #[test]
    fn added_histograms_count_together_and_an_empty_one_answers_zero() {
        let mut sum = Histogram::new();
        assert_eq!(sum.quantile(0.5), Duration::ZERO);
        let mut other = Histogram::new();
        other.record(Duration::from_nanos(3));
        sum.add(&other);
        sum.add(&other);
        assert_eq!((sum.total(), sum.quantile(1.0)), (2, Duration::from_nanos(3)));
    }
}
