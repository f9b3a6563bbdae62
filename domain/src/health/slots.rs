//! How many calls may be under way at once: one more for each round of successes, half as many
//! after a failure of the endpoint.

/// The calls under way, and their bound.
#[derive(Debug)]
pub(super) struct Slots {
    /// The listener's concurrency.
    most: u32,
    allowed: u32,
    in_use: u32,
    /// Calls that succeeded since the bound changed.
    successes: u32,
}

impl Slots {
    pub(super) fn new(concurrency: u32) -> Self {
        let most = concurrency.max(1);
        Self {
            most,
            allowed: most,
            in_use: 0,
            successes: 0,
        }
    }

    #[cfg(test)]
    pub(super) fn allowed(&self) -> u32 {
        self.allowed
    }

    pub(super) fn in_use(&self) -> u32 {
        self.in_use
    }

    pub(super) fn is_free(&self) -> bool {
        self.in_use < self.allowed
    }

    pub(super) fn take(&mut self) {
        self.in_use += 1;
    }

    pub(super) fn give_back(&mut self) {
        self.in_use = self.in_use.saturating_sub(1);
    }

    pub(super) fn succeeded(&mut self) {
        if self.allowed == self.most {
            return;
        }
        self.successes += 1;
        if self.successes >= self.allowed {
            self.allowed += 1;
            self.successes = 0;
        }
    }

    pub(super) fn halve(&mut self) {
        self.allowed = (self.allowed / 2).max(1);
        self.successes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_halved_down_to_one_and_grow_by_one_for_each_round_of_successes() {
        let mut slots = Slots::new(5);
        let mut allowed = Vec::new();
        for _ in 0..3 {
            slots.halve();
            allowed.push(slots.allowed());
        }
        for _ in 0..20 {
            slots.succeeded();
            allowed.push(slots.allowed());
        }
        allowed.dedup();
        assert_eq!(allowed, [2, 1, 2, 3, 4, 5]);
    }
}
