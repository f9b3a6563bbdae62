//! Searching the runs: within bounds, whatever is asked for.
//!
//! Runs are kept in the order of their numbers, which rise with time, and only a workflow and the
//! place of a message are found by an index. All else is looked for window by window from one end, up
//! to a number of runs that are looked at; then the answer says how far the search has come.

use domain::run::{End, Run, RunFilter, RunList, RunPage};
use jiff::{SignedDuration, Timestamp};

/// The most runs that are looked at for one request.
pub(super) const MOST_SEEN: u64 = 100_000;

/// The fewest that are looked at for one list.
const FEWEST_SEEN: u64 = 1000;

/// The numbers of a window where runs are dense.
const WINDOW: i64 = 4096;

/// How far the times of two runs may be apart that are not in the order of their numbers.
const SLACK: SignedDuration = SignedDuration::from_secs(60);

/// A run, as far as it is known without its decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) run: i64,
    /// In microseconds since 1970.
    pub(super) claimed_at: i64,
}

/// Numbers of runs, without the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) from: i64,
    pub(super) until: i64,
}

/// The runs of those who are asked for.
pub(super) trait Shelf {
    type Error;

    /// That at the end of a range.
    async fn outermost(&mut self, within: Range, end: End) -> Result<Option<Seen>, Self::Error>;

    /// How many there are.
    async fn count(&mut self, within: Range) -> Result<u64, Self::Error>;

    /// Those that match the filter, from that end on.
    async fn matching(
        &mut self,
        within: Range,
        end: End,
        limit: u32,
    ) -> Result<Vec<Run>, Self::Error>;
}

/// How many runs each of so many lists may look at.
pub(super) fn share(lists: usize) -> u64 {
    (MOST_SEEN / lists.max(1) as u64).max(FEWEST_SEEN)
}

/// Finds a part of a list, and looks at about `most` runs.
pub(super) async fn search<S: Shelf>(
    shelf: &mut S,
    page: &RunPage,
    most: u64,
) -> Result<RunList, S::Error> {
    let mut rest = Range {
        from: page.above.map_or(i64::MIN, |above| above.saturating_add(1)),
        until: page.below.unwrap_or(i64::MAX),
    };
    let mut found = RunList::default();
    if page.filter.is_exact() {
        found.runs = shelf.matching(rest, page.end, page.limit).await?;
        newest_first(&mut found.runs);
        return Ok(found);
    }
    rest = within_time(shelf, &page.filter, rest).await?;
    let (mut seen, mut width) = (0, WINDOW);
    while (found.runs.len() as u64) < page.limit.into() {
        let Some(outermost) = shelf.outermost(rest, page.end).await? else {
            break;
        };
        if seen >= most {
            found.seen_to = Some(match page.end {
                End::Newest => rest.until,
                End::Oldest => rest.from.saturating_sub(1),
            });
            break;
        }
        let window = rest.cut(outermost.run, width, page.end);
        let left = page.limit - u32::try_from(found.runs.len()).unwrap_or(page.limit);
        let runs = shelf.matching(window, page.end, left).await?;
        found.runs.extend(runs);
        let count = shelf.count(window).await?;
        seen += count;
        // Where there are few among the runs of others, more numbers are looked at together.
        width = match count < width.unsigned_abs() / 2 {
            true => width.saturating_mul(2),
            false => WINDOW,
        };
    }
    newest_first(&mut found.runs);
    Ok(found)
}

fn newest_first(runs: &mut [Run]) {
    runs.sort_unstable_by_key(|run| std::cmp::Reverse(run.number));
}

impl Range {
    /// Takes a window from that end, which begins with the run numbered `at`.
    fn cut(&mut self, at: i64, width: i64, end: End) -> Self {
        match end {
            End::Newest => {
                let until = at.saturating_add(1);
                let from = self.from.max(until.saturating_sub(width));
                self.until = from;
                Self { from, until }
            }
            End::Oldest => {
                let until = self.until.min(at.saturating_add(width));
                self.from = until;
                Self { from: at, until }
            }
        }
    }
}

/// The numbers between which the runs of the filter's time are. Times rise with the numbers, but for
/// [`SLACK`].
async fn within_time<S: Shelf>(
    shelf: &mut S,
    filter: &RunFilter,
    within: Range,
) -> Result<Range, S::Error> {
    let mut narrowed = within;
    if let Some(from) = filter.claimed_from {
        let from = from.saturating_sub(SLACK).unwrap_or(Timestamp::MIN);
        narrowed.from = first_since(shelf, narrowed, from).await?;
    }
    if let Some(before) = filter.claimed_before {
        let before = before.saturating_add(SLACK).unwrap_or(Timestamp::MAX);
        narrowed.until = first_since(shelf, narrowed, before).await?;
    }
    Ok(narrowed)
}

/// The number of the first run that was claimed at `time` or later; the end of the range where there
/// is none.
async fn first_since<S: Shelf>(
    shelf: &mut S,
    within: Range,
    time: Timestamp,
) -> Result<i64, S::Error> {
    let time = time.as_microsecond();
    let Some(newest) = shelf.outermost(within, End::Newest).await? else {
        return Ok(within.until);
    };
    if newest.claimed_at < time {
        return Ok(within.until);
    }
    let Some(oldest) = shelf.outermost(within, End::Oldest).await? else {
        return Ok(within.until);
    };
    // All below `low` are earlier; the first from `high` on is not.
    let (mut low, mut high) = (oldest.run, newest.run);
    while low < high {
        let middle = low + (high - low) / 2;
        let upper = Range {
            from: middle,
            until: high,
        };
        match shelf.outermost(upper, End::Oldest).await? {
            Some(seen) if seen.claimed_at < time => low = seen.run + 1,
            Some(_) | None => high = middle,
        }
    }
    Ok(high)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use domain::testing::run;
    use futures_util::FutureExt;
    use proptest::prelude::*;

    use super::*;

    /// Runs in the order of their numbers, claimed at as many seconds; those that match have a
    /// number that can be divided.
    struct Row {
        numbers: Vec<i64>,
        divisor: i64,
        /// How many were looked at.
        seen: u64,
    }

    impl Row {
        fn new(numbers: impl IntoIterator<Item = i64>, divisor: i64) -> Self {
            Self {
                numbers: numbers.into_iter().collect(),
                divisor,
                seen: 0,
            }
        }

        fn within(&self, within: Range, end: End) -> Vec<i64> {
            let numbers = self.numbers.iter().copied();
            let mut numbers: Vec<_> = numbers
                .filter(|run| (within.from..within.until).contains(run))
                .collect();
            if end == End::Newest {
                numbers.reverse();
            }
            numbers
        }

        fn search(&mut self, page: &RunPage, most: u64) -> RunList {
            let found = search(self, page, most).now_or_never();
            found.unwrap().unwrap_or_else(|never| match never {})
        }
    }

    impl Shelf for Row {
        type Error = Infallible;

        async fn outermost(&mut self, within: Range, end: End) -> Result<Option<Seen>, Infallible> {
            let first = self.within(within, end).first().copied();
            Ok(first.map(|run| Seen {
                run,
                claimed_at: run * 1_000_000,
            }))
        }

        async fn count(&mut self, within: Range) -> Result<u64, Infallible> {
            let count = self.within(within, End::Oldest).len() as u64;
            self.seen += count;
            Ok(count)
        }

        async fn matching(
            &mut self,
            within: Range,
            end: End,
            limit: u32,
        ) -> Result<Vec<Run>, Infallible> {
            let matching = self.within(within, end).into_iter();
            let matching = matching.filter(|number| number % self.divisor == 0);
            Ok(matching.take(limit as usize).map(run).collect())
        }
    }

    fn numbers(list: &RunList) -> Vec<i64> {
        list.runs.iter().map(|run| run.number).collect()
    }

    fn page(end: End, limit: u32) -> RunPage {
        RunPage {
            end,
            ..RunPage::newest(RunFilter::default(), limit)
        }
    }

    #[test]
    fn runs_are_found_from_either_end_however_far_apart_they_are() {
        let mut row = Row::new((0..40).map(|number| number * 100_000), 200_000);
        let newest = row.search(&page(End::Newest, 3), MOST_SEEN);
        assert_eq!(numbers(&newest), [3_800_000, 3_600_000, 3_400_000]);
        let oldest = row.search(&page(End::Oldest, 3), MOST_SEEN);
        assert_eq!(numbers(&oldest), [400_000, 200_000, 0]);
        assert_eq!(newest.seen_to, None);
        let all = row.search(&page(End::Newest, 100), MOST_SEEN);
        assert_eq!((all.runs.len(), all.seen_to), (20, None));
    }

    #[test]
    fn a_search_that_has_seen_enough_says_how_far_it_came_and_goes_on_there() {
        for end in [End::Newest, End::Oldest] {
            let mut row = Row::new(0..100_000, 30_000);
            let mut next = page(end, 10);
            let mut found = Vec::new();
            loop {
                row.seen = 0;
                let list = row.search(&next, 10_000);
                assert!(row.seen < 15_000, "{}", row.seen);
                found.extend(numbers(&list));
                match (list.seen_to, end) {
                    (None, _) => break,
                    (below, End::Newest) => next.below = below,
                    (above, End::Oldest) => next.above = above,
                }
            }
            found.sort_unstable();
            assert_eq!(found, [0, 30_000, 60_000, 90_000]);
        }
    }

    proptest! {
        #[test]
        fn a_time_is_found_among_numbers(
            numbers in proptest::collection::btree_set(0_i64..1000, 0..60),
            second in -10_i64..1100,
        ) {
            let mut row = Row::new(numbers.clone(), 1);
            let time = Timestamp::from_second(second).unwrap();
            let within = Range { from: i64::MIN, until: i64::MAX };
            let found = first_since(&mut row, within, time).now_or_never().unwrap().unwrap();
            let expected: Vec<_> = numbers.iter().filter(|run| **run >= second).collect();
            let later: Vec<_> = numbers.iter().filter(|run| **run >= found).collect();
            prop_assert_eq!(later, expected);
        }
    }
}
