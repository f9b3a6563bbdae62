//! How long things took, roughly: each duration is counted in a bucket that is a fifth wider than the
//! one before.

use std::time::Duration;

/// Buckets: four for each doubling, from 100 µs to more than an hour.
pub const BUCKETS: usize = 104;

/// The upper end of the first bucket, in microseconds.
const FIRST: f64 = 100.0;

/// Buckets in which a duration doubles.
const PER_DOUBLING: f64 = 4.0;

/// How many durations are in each bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram(Vec<(u8, u64)>);

/// The bucket of a duration.
#[must_use]
pub fn bucket(took: Duration) -> usize {
    let doublings = (took.as_secs_f64() * 1e6 / FIRST).log2();
    let place = (doublings * PER_DOUBLING).ceil().max(0.0);
    // A cast of a float is bounded.
    (place as usize).min(BUCKETS - 1)
}

/// The upper end of a bucket.
fn end(bucket: u8) -> Duration {
    let micros = FIRST * (f64::from(bucket) / PER_DOUBLING).exp2();
    Duration::from_secs_f64(micros / 1e6)
}

impl Histogram {
    /// That of the counts of all buckets, in their order.
    #[must_use]
    pub fn of(counts: impl IntoIterator<Item = u64>) -> Self {
        let counts = (0..=u8::MAX).zip(counts);
        Self(counts.filter(|(_, count)| *count > 0).collect())
    }

    /// Adds the counts of another.
    pub fn add(&mut self, other: &Self) {
        for (bucket, count) in &other.0 {
            match self.0.binary_search_by_key(bucket, |(bucket, _)| *bucket) {
                Ok(place) => self.0[place].1 += count,
                Err(place) => self.0.insert(place, (*bucket, *count)),
            }
        }
    }

    /// The duration that a share of all are not longer than, a fifth too long at most; none where there
    /// are none.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let all: u64 = self.0.iter().map(|(_, count)| count).sum();
        let rank = ((all as f64 * share).ceil() as u64).clamp(1, all.max(1));
        let mut seen = 0;
        let found = self.0.iter().find(|(_, count)| {
            seen += count;
            seen >= rank
        });
        found.map(|(bucket, _)| end(*bucket))
    }

    /// As stored: of each bucket that is not empty, its number in a byte and its count in groups of
    /// seven bits, the lowest first.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 3);
        for (bucket, count) in &self.0 {
            bytes.push(*bucket);
            let mut rest = *count;
            while rest > 0x7f {
                bytes.push(rest.to_le_bytes()[0] | 0x80);
                rest >>= 7;
            }
            bytes.push(rest.to_le_bytes()[0]);
        }
        bytes
    }

    /// Reads what was stored; none where it is damaged.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut bytes = bytes.iter().copied();
        let mut counts: Vec<(u8, u64)> = Vec::new();
        while let Some(bucket) = bytes.next() {
            let mut count = 0_u64;
            for shift in (0..64).step_by(7) {
                let byte = bytes.next()?;
                count |= u64::from(byte & 0x7f) << shift;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            if counts.last().is_some_and(|(last, _)| *last >= bucket) {
                return None;
            }
            counts.push((bucket, count));
        }
        Some(Self(counts))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(millis: &[u64]) -> Histogram {
        let mut counts = [0; BUCKETS];
        for took in millis {
            counts[bucket(Duration::from_millis(*took))] += 1;
        }
        Histogram::of(counts)
    }

    #[test]
    fn a_quantile_is_at_most_a_fifth_too_long() {
        for millis in [1, 3, 10, 77, 1000, 60_000, 3_600_000] {
            let took = of(&[millis]).quantile(0.5).unwrap().as_secs_f64() * 1000.0;
            let exact = millis as f64;
            assert!((exact..exact * 1.2).contains(&took), "{millis}: {took}");
        }
        assert_eq!(of(&[]).quantile(0.99), None);
        assert_eq!(bucket(Duration::ZERO), 0);
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_of_many_are_those_of_all_together() {
        let mut all = of(&[5; 98]);
        all.add(&of(&[500, 500]));
        assert!(all.quantile(0.5).unwrap() < Duration::from_millis(7));
        assert!(all.quantile(0.98).unwrap() < Duration::from_millis(7));
        assert!(all.quantile(0.99).unwrap() >= Duration::from_millis(500));
    }

    proptest! {
        #[test]
        fn what_is_stored_reads_back(millis in proptest::collection::vec(0_u64..10_000_000, 0..50)) {
            let mut all = of(&millis);
            for _ in 0..20 {
                let same = all.clone();
                all.add(&same);
            }
            prop_assert_eq!(Histogram::decode(&all.encode()), Some(all));
        }

        #[test]
        fn damaged_bytes_are_no_histogram_or_another(bytes: Vec<u8>) {
            if let Some(read) = Histogram::decode(&bytes) {
                prop_assert!(read.quantile(0.5).is_some() || bytes.is_empty() || read.0.iter().all(|(_, count)| *count == 0));
            }
        }
    }
}
