//! Where a group without a position begins.

use std::time::{Duration, SystemTime};

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};

use super::Watermarks;
use crate::port::Start;

/// How long one request to the broker may take. The group waits meanwhile.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPTS: u32 = 3;

/// The assignment with a first offset for the partitions the group has no position in.
///
/// `auto.offset.reset` would decide again at every restart until something is committed: a group
/// that starts at the end, reads nothing and is restarted would miss what came in between. So the
/// offsets are found once and, being stored, committed. Answers those too. [`Start::Earliest`]
/// has no such gap and is left to librdkafka.
pub(super) fn first_offsets<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    assigned: &TopicPartitionList,
    start: Start,
) -> (TopicPartitionList, TopicPartitionList) {
    if start == Start::Earliest {
        return (assigned.clone(), TopicPartitionList::new());
    }
    for attempt in 1..=ATTEMPTS {
        match find(consumer, assigned, start) {
            Ok(found) => return found,
            Err(error) => tracing::warn!(%error, attempt, "could not look up where to start"),
        }
    }
    (assigned.clone(), TopicPartitionList::new())
}

fn find<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    assigned: &TopicPartitionList,
    start: Start,
) -> KafkaResult<(TopicPartitionList, TopicPartitionList)> {
    let committed = consumer.committed_offsets(assigned.clone(), REQUEST_TIMEOUT)?;
    let mut all = TopicPartitionList::new();
    let mut new = TopicPartitionList::new();
    for element in committed.elements() {
        let (topic, partition) = (element.topic(), element.partition());
        if element.offset() != Offset::Invalid {
            all.add_partition_offset(topic, partition, element.offset())?;
            continue;
        }
        // The end is taken before the time is looked up: what is written in between is not passed
        // over.
        let (low, high) = consumer.fetch_watermarks(topic, partition, REQUEST_TIMEOUT)?;
        let ends = Watermarks { low, high };
        let offset = Offset::Offset(first_offset(consumer, topic, partition, start, ends)?);
        all.add_partition_offset(topic, partition, offset)?;
        new.add_partition_offset(topic, partition, offset)?;
    }
    Ok((all, new))
}

/// Where a group begins in a partition that it has no position in.
pub(super) fn first_offset<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    partition: i32,
    start: Start,
    ends: Watermarks,
) -> KafkaResult<i64> {
    let time = match start {
        Start::Earliest => return Ok(ends.low),
        Start::Latest => return Ok(ends.high),
        Start::At(time) => time,
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
