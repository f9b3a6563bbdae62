//! What becomes of messages whose call failed as a whole.
//!
//! One bad message can have its neighbours fail, so what was refused is called again in halves, until
//! those that are refused are alone. What may as well be the endpoint's failure is halved only as long
//! as one half passes: where both fail, all that is left goes alone the next time.

use std::ops::Range;

/// What a call came to for all items of it at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// Each item has its own answer.
    Answered,
    /// It was refused, or answered by something that cannot be read.
    Refused,
    /// The endpoint failed.
    Failed,
    /// It says nothing of any item: the endpoint cannot be reached, asks for a wait, or accepts no
    /// call at all.
    Unsaid,
}

/// What an item has from the call that it was last part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The answer is its own: it was alone, or was named.
    Own,
    /// The answer is that of all: nothing is known of the item by itself.
    Shared,
}

/// The calls that are left of a batch.
#[derive(Debug)]
pub struct Split {
    /// The next one last.
    left: Vec<Part>,
}

#[derive(Clone, Debug)]
struct Part {
    items: Range<usize>,
    /// Whether its other half failed, or is yet to be called.
    sibling: Sibling,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sibling {
    /// It is the whole batch, or its other half passed.
    None,
    /// It is called after this one.
    Next,
    /// It was called before, and failed.
    Failed,
}

impl Split {
    /// Of a batch of so many items.
    #[must_use]
    pub fn new(count: usize) -> Self {
        let whole = Part {
            items: 0..count,
            sibling: Sibling::None,
        };
        Self {
            left: if count == 0 { Vec::new() } else { vec![whole] },
        }
    }

    /// The items that are called next; none once all have ended.
    #[must_use]
    pub fn next(&self) -> Option<Range<usize>> {
        self.left.last().map(|part| part.items.clone())
    }

    /// The call of [`Self::next`] came to `whole`. Answers the items that have ended with it, and what
    /// they have of its answer; the others are called again.
    pub fn ended(&mut self, whole: Whole) -> Option<(Range<usize>, Outcome)> {
        let part = self.left.pop()?;
        let is_alone = part.items.len() == 1;
        let own = if is_alone {
            Outcome::Own
        } else {
            Outcome::Shared
        };
        match whole {
            Whole::Answered => {
                self.told_sibling(&part, Sibling::None);
                Some((part.items, Outcome::Own))
            }
            Whole::Unsaid => {
                // So would be the rest.
                let end = self
                    .left
                    .first()
                    .map_or(part.items.end, |last| last.items.end);
                self.left.clear();
                let rest = part.items.start..end;
                let own = if rest.len() == 1 {
                    own
                } else {
                    Outcome::Shared
                };
                Some((rest, own))
            }
            Whole::Refused | Whole::Failed if is_alone => {
                self.told_sibling(&part, Sibling::Failed);
                Some((part.items, own))
            }
            Whole::Failed if part.sibling == Sibling::Failed => Some((part.items, own)),
            Whole::Refused | Whole::Failed => {
                self.told_sibling(&part, Sibling::Failed);
                self.halve(&part.items);
                None
            }
        }
    }

    /// Tells the other half, if it is yet to be called, what became of this one.
    fn told_sibling(&mut self, part: &Part, became: Sibling) {
        if part.sibling == Sibling::Next
            && let Some(sibling) = self.left.last_mut()
        {
            sibling.sibling = became;
        }
    }

    fn halve(&mut self, items: &Range<usize>) {
        let middle = items.start + items.len() / 2;
        self.left.push(Part {
            items: middle..items.end,
            sibling: Sibling::None,
        });
        self.left.push(Part {
            items: items.start..middle,
            sibling: Sibling::Next,
        });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Takes a batch of `count` through an endpoint that answers a call as `answer` says. Answers the
    /// number of calls, and what each item ended with.
    fn run(
        count: usize,
        mut answer: impl FnMut(&Range<usize>) -> Whole,
    ) -> (usize, Vec<(Whole, Outcome)>) {
        let mut split = Split::new(count);
        let mut ends = vec![None; count];
        let mut calls = 0;
        while let Some(items) = split.next() {
            calls += 1;
            assert!(calls <= 2 * count, "it should have ended");
            let whole = answer(&items);
            if let Some((ended, outcome)) = split.ended(whole) {
                for item in ended {
                    let before = ends[item].replace((whole, outcome));
                    assert_eq!(before, None, "{item} ended twice");
                }
            }
        }
        (
            calls,
            ends.into_iter().map(|end| end.expect("it ended")).collect(),
        )
    }

    fn with_bad(bad: &BTreeSet<usize>, failure: Whole) -> impl Fn(&Range<usize>) -> Whole {
        move |items| {
            if items.clone().any(|item| bad.contains(&item)) {
                failure
            } else {
                Whole::Answered
            }
        }
    }

    #[test]
    fn one_bad_message_of_64_costs_13_calls() {
        for place in 0..64 {
            for failure in [Whole::Refused, Whole::Failed] {
                let bad = BTreeSet::from([place]);
                let (calls, ends) = run(64, with_bad(&bad, failure));
                // The first half of all passes or fails, and so on: twice six, and the whole.
                assert_eq!(calls, 13);
                for (item, end) in ends.into_iter().enumerate() {
                    let whole = if item == place {
                        failure
                    } else {
                        Whole::Answered
                    };
                    assert_eq!(end, (whole, Outcome::Own), "{item} of {place}");
                }
            }
        }
    }

    #[test]
    fn an_endpoint_that_is_down_is_called_few_times() {
        let (calls, ends) = run(64, |_| Whole::Failed);
        assert!(calls <= 13, "{calls}");
        let shared = ends
            .iter()
            .filter(|(_, outcome)| *outcome == Outcome::Shared);
        assert!(shared.count() >= 62);
        let (calls, ends) = run(64, |_| Whole::Unsaid);
        assert_eq!(calls, 1);
        assert!(
            ends.iter()
                .all(|end| *end == (Whole::Unsaid, Outcome::Shared))
        );
    }

    proptest! {
        #[test]
        fn each_item_ends_once_and_none_suffers_for_another(
            count in 1_usize..100,
            bad in prop::collection::btree_set(0_usize..100, 0..5),
            refused in any::<bool>(),
        ) {
            let failure = if refused { Whole::Refused } else { Whole::Failed };
            let (calls, ends) = run(count, with_bad(&bad, failure));
            let among = bad.range(..count).count();
            let levels = count.next_power_of_two().trailing_zeros() as usize;
            prop_assert!(calls <= 1 + 2 * levels * among, "{} calls", calls);
            for (item, end) in ends.into_iter().enumerate() {
                match end {
                    (Whole::Answered, outcome) => prop_assert_eq!(outcome, Outcome::Own),
                    // What is refused is so by itself.
                    (_, Outcome::Own) => prop_assert!(bad.contains(&item), "{}", item),
                    (_, Outcome::Shared) => prop_assert!(!refused),
                }
            }
        }

        #[test]
        fn whatever_the_endpoint_does_every_item_ends_once(
            count in 1_usize..40,
            answers in prop::collection::vec(prop::sample::select(vec![
                Whole::Answered, Whole::Refused, Whole::Failed, Whole::Unsaid]), 80),
        ) {
            let mut answers = answers.into_iter();
            run(count, |_| answers.next().unwrap());
        }
    }
}
