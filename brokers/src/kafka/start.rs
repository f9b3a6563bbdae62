//! Where a source begins in a partition: the rule, and the offsets that a start position means.

use std::time::{Duration, SystemTime};

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};

use super::Watermarks;
use crate::port::Start;
use crate::positions::Cause;

/// What is known of a partition that was read before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    /// Everything before it is done, as the reader has written down.
    pub(super) next: Option<i64>,
    /// What the group has committed for the same life of the log.
    pub(super) committed: Option<i64>,
    /// Whether a message that was done is still at its place; none where that cannot be seen.
    pub(super) same_log: Option<bool>,
}

/// Where the source begins, and why; none where it has not read the partition before.
pub(super) fn again(known: Known, ends: Watermarks) -> Option<(i64, Cause)> {
    // Another member of the group may have come further, with a journal of its own.
    let position = known.next.max(known.committed)?;
    let lost = |count: i64| u64::try_from(count).unwrap_or_default();
    let recreated = (ends.low, Cause::Recreated);
    Some(match known.same_log {
        Some(false) => recreated,
        Some(true) if position > ends.high => {
            let lost = lost(position - ends.high);
            (ends.high, Cause::Truncated { lost })
        }
        None if position > ends.high => recreated,
        _ if position < ends.low => {
            let lost = lost(ends.low - position);
            (ends.low, Cause::Gap { lost })
        }
        _ => (position, Cause::GoesOn),
    })
}

/// Whether a position of a partition that was recorded under one reset is gone on from under another.
pub(super) fn goes_on(start: &Start, partition: i32, recorded: u64, present: u64) -> bool {
    recorded == present || start.names(partition) == Some(false)
}

/// How long the broker may take to look up a time.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The offset to begin at in a partition that has not been read yet, or whose position was reset.
pub(super) fn first_offset<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    partition: i32,
    start: &Start,
    ends: Watermarks,
) -> KafkaResult<i64> {
    let time = match start {
        Start::Earliest => return Ok(ends.low),
        Start::Latest => return Ok(ends.high),
        Start::Offsets(offsets) => {
            let asked = offsets.get(&partition).copied().unwrap_or(ends.low);
            return Ok(asked.clamp(ends.low, ends.high.max(ends.low)));
        }
        Start::At(time) => *time,
    };
    let mut query = TopicPartitionList::new();
    query.add_partition_offset(topic, partition, Offset::Offset(millis(time)))?;
    let found = consumer.offsets_for_times(query, REQUEST_TIMEOUT)?;
    let offset = found
        .find_partition(topic, partition)
        .map(|found| found.offset());
    Ok(match offset {
        Some(Offset::Offset(offset)) => offset,
        _ => ends.high,
    })
}

/// Milliseconds since 1970, rounded up: a message of an earlier millisecond is earlier.
fn millis(time: SystemTime) -> i64 {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ENDS: Watermarks = Watermarks { low: 10, high: 20 };

    fn known(next: impl Into<Option<i64>>, same_log: Option<bool>) -> Known {
        Known {
            next: next.into(),
            committed: None,
            same_log,
        }
    }

    #[test]
    fn a_partition_that_was_not_read_has_nothing_to_go_on_from() {
        assert_eq!(again(known(None, None), ENDS), None);
    }

    #[test]
    fn a_position_within_the_log_goes_on_and_so_does_one_at_its_end() {
        for next in [10, 15, 20] {
            for same_log in [None, Some(true)] {
                let begins = again(known(next, same_log), ENDS);
                assert_eq!(begins, Some((next, Cause::GoesOn)));
            }
        }
    }

    #[test]
    fn what_is_not_kept_any_more_is_counted() {
        let begins = again(known(4, None), ENDS);
        assert_eq!(begins, Some((10, Cause::Gap { lost: 6 })));
    }

    #[test]
    fn a_log_that_ends_before_the_position_lost_its_end_or_is_another_one() {
        let truncated = Some((20, Cause::Truncated { lost: 3 }));
        assert_eq!(again(known(23, Some(true)), ENDS), truncated);
        let recreated = Some((10, Cause::Recreated));
        assert_eq!(again(known(23, None), ENDS), recreated);
        assert_eq!(again(known(23, Some(false)), ENDS), recreated);
    }

    #[test]
    fn another_message_at_a_known_place_means_another_log() {
        let begins = again(known(15, Some(false)), ENDS);
        assert_eq!(begins, Some((10, Cause::Recreated)));
    }

    #[test]
    fn what_another_member_of_the_group_has_done_is_not_read_again() {
        let other = Known {
            committed: Some(17),
            ..known(12, Some(true))
        };
        assert_eq!(again(other, ENDS), Some((17, Cause::GoesOn)));
        let behind = Known {
            committed: Some(11),
            ..known(12, Some(true))
        };
        assert_eq!(again(behind, ENDS), Some((12, Cause::GoesOn)));
    }

    proptest! {
        #[test]
        fn a_source_begins_within_the_log_and_skips_nothing_that_is_there(
            low in 0_i64..50,
            length in 0_i64..50,
            next in proptest::option::of(0_i64..120),
            committed in proptest::option::of(0_i64..120),
            same_log in proptest::option::of(any::<bool>()),
        ) {
            let ends = Watermarks { low, high: low + length };
            let known = Known { next, committed, same_log };
            let position = next.max(committed);
            match again(known, ends) {
                None => prop_assert_eq!(position, None),
                Some((offset, cause)) => {
                    prop_assert!((ends.low..=ends.high).contains(&offset));
                    let position = position.unwrap();
                    match cause {
                        Cause::Recreated => prop_assert_eq!(offset, low),
                        Cause::Gap { lost } => {
                            prop_assert_eq!(position + i64::try_from(lost).unwrap(), offset);
                        }
                        Cause::Truncated { .. } => prop_assert_eq!(offset, ends.high),
                        Cause::GoesOn => prop_assert_eq!(offset, position),
                        Cause::First | Cause::Reset => {
                            prop_assert!(false, "it was read before");
                        }
                    }
                }
            }
        }
    }
}
