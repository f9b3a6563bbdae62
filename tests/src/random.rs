//! Numbers that follow from a seed.

use std::sync::atomic::{AtomicU64, Ordering};

/// A sequence of numbers, the same for each seed.
pub struct Random(AtomicU64);

impl Random {
    #[must_use]
    pub fn of(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// A number below `bound`, by SplitMix64.
    pub fn below(&self, bound: u64) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let before = self.0.fetch_add(STEP, Ordering::Relaxed);
        let mut mixed = before.wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// An index below `bound`.
    pub fn index(&self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).unwrap()
    }

    /// Puts `items` into another order.
    pub fn shuffle<T>(&self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last + 1));
        }
    }
}
