//! Which messages are called together.

/// How much goes into one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub count: usize,
    pub bytes: usize,
}

/// The batch that is being collected.
#[derive(Debug)]
pub struct Collector<K, T> {
    /// Rises with the batches.
    number: u64,
    /// What its items have in common: others begin another batch.
    kind: Option<K>,
    items: Vec<T>,
    bytes: usize,
}

/// Where an item went.
#[derive(Debug, PartialEq, Eq)]
pub struct Joined<K, T> {
    /// The number of its batch.
    pub batch: u64,
    /// Whether it is the first one, whose owner closes the batch when it has waited long enough.
    pub leads: bool,
    /// Batches that are closed by it, with their kinds, in order: the one before that it does not go
    /// into, and its own if that is full.
    pub closed: Vec<(K, Vec<T>)>,
}

impl<K, T> Default for Collector<K, T> {
    fn default() -> Self {
        Self {
            number: 0,
            kind: None,
            items: Vec::new(),
            bytes: 0,
        }
    }
}

impl<K: PartialEq, T> Collector<K, T> {
    /// Adds an item of so many bytes. One that is larger than a batch may be has a batch of its own.
    pub fn join(&mut self, kind: K, limits: Limits, bytes: usize, item: T) -> Joined<K, T> {
        let mut closed = Vec::new();
        let fits = self.kind.as_ref() == Some(&kind)
            && self.items.len() < limits.count
            && self.bytes.saturating_add(bytes) <= limits.bytes;
        if !fits {
            closed.extend(self.take());
            self.kind = Some(kind);
        }
        let leads = self.items.is_empty();
        self.items.push(item);
        self.bytes = self.bytes.saturating_add(bytes);
        let batch = self.number;
        if self.items.len() >= limits.count || self.bytes >= limits.bytes {
            closed.extend(self.take());
        }
        Joined {
            batch,
            leads,
            closed,
        }
    }

    /// Closes the batch of that number, and answers its items; none where it is closed already.
    pub fn close(&mut self, batch: u64) -> Option<Vec<T>> {
        if batch != self.number {
            return None;
        }
        self.take().map(|(_, items)| items)
    }

    fn take(&mut self) -> Option<(K, Vec<T>)> {
        let kind = self.kind.take()?;
        self.number += 1;
        self.bytes = 0;
        Some((kind, std::mem::take(&mut self.items)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits {
        count: 3,
        bytes: 10,
    };

    #[test]
    fn a_batch_is_full_by_its_count_or_its_bytes() {
        let mut collector = Collector::default();
        let first = collector.join('a', LIMITS, 1, 0);
        assert!(first.leads && first.closed.is_empty());
        assert!(!collector.join('a', LIMITS, 1, 1).leads);
        let third = collector.join('a', LIMITS, 1, 2);
        assert_eq!(third.closed, [('a', vec![0, 1, 2])]);
        collector.join('a', LIMITS, 6, 3);
        let next = collector.join('a', LIMITS, 6, 4);
        assert!(next.leads);
        assert_eq!((next.batch, next.closed), (2, vec![('a', vec![3])]));
        let large = collector.join('a', LIMITS, 100, 5);
        assert_eq!(large.closed, [('a', vec![4]), ('a', vec![5])]);
        assert_eq!(collector.close(3), None);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Join(char, usize),
        /// The leader of the latest batch has waited long enough.
        Close,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (prop::sample::select(vec!['a', 'b']), 0_usize..15)
                .prop_map(|(kind, bytes)| Step::Join(kind, bytes)),
            1 => Just(Step::Close),
        ]
    }

    proptest! {
        #[test]
        fn every_item_is_in_one_batch_of_its_kind_that_keeps_the_limits(
            steps in prop::collection::vec(step(), 0..60),
            count in 1_usize..5,
        ) {
            let limits = Limits { count, bytes: 20 };
            let mut collector = Collector::default();
            let (mut joined, mut batches, mut led) = (Vec::new(), Vec::new(), Vec::new());
            for step in steps {
                match step {
                    Step::Join(kind, bytes) => {
                        let item = (joined.len(), kind, bytes);
                        let went = collector.join(kind, limits, bytes, item);
                        joined.push((item, went.batch));
                        if went.leads {
                            led.push(went.batch);
                        }
                        batches.extend(went.closed);
                    }
                    Step::Close => {
                        if let Some(last) = led.last() {
                            let items = collector.close(*last);
                            batches.extend(items.map(|items| (items[0].1, items)));
                        }
                    }
                }
            }
            if let Some(last) = led.last() {
                let items = collector.close(*last);
                batches.extend(items.map(|items| (items[0].1, items)));
            }
            // Each batch has one leader, and they are closed in their order.
            prop_assert_eq!(batches.len(), led.len());
            let mut ended = Vec::new();
            for ((kind, items), number) in batches.into_iter().zip(led) {
                prop_assert!(items.len() <= count);
                let bytes: usize = items.iter().map(|(_, _, bytes)| bytes).sum();
                prop_assert!(bytes <= 20 || items.len() == 1);
                prop_assert!(items.iter().all(|(_, of, _)| *of == kind));
                ended.extend(items.into_iter().map(|item| (item, number)));
            }
            prop_assert_eq!(ended, joined);
        }
    }
}
