//! Numbers that follow from a seed.

use std::cell::Cell;

/// A sequence of numbers, the same for each seed.
pub struct Random(Cell<u64>);

impl Random {
    #[must_use]
    pub fn of(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    /// A number below `bound`, by SplitMix64.
    pub fn below(&self, bound: u64) -> u64 {
        let mut mixed = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(mixed);
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
