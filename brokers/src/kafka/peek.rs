//! A look at single records, without joining a group.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::{Message as _, Offset, TopicPartitionList};

use super::context::Health;
use super::{KafkaSettings, config};
use crate::positions::Fingerprint;

/// The fingerprints of the records at those offsets, by partition, of those that are found by
/// `deadline`. A record that is not at its offset any more is missing.
pub(super) fn fingerprints(
    kafka: &KafkaSettings,
    group: &str,
    topic: &str,
    wanted: &HashMap<i32, i64>,
    deadline: Instant,
) -> KafkaResult<HashMap<i32, Fingerprint>> {
    let mut found = HashMap::new();
    if wanted.is_empty() {
        return Ok(found);
    }
    let consumer: BaseConsumer<Health> =
        config::peek(kafka, group).create_with_context(Health::new(kafka))?;
    let mut list = TopicPartitionList::new();
    for (partition, offset) in wanted {
        list.add_partition_offset(topic, *partition, Offset::Offset(*offset))?;
    }
    consumer.assign(&list)?;
    let mut left: HashSet<i32> = wanted.keys().copied().collect();
    while !left.is_empty() {
        let patience = deadline.saturating_duration_since(Instant::now());
        if patience == Duration::ZERO {
            break;
        }
        match consumer.poll(patience) {
            None => {}
            Some(Ok(record)) => {
                let partition = record.partition();
                // The first record from there on is enough.
                if left.remove(&partition) && wanted[&partition] == record.offset() {
                    let sent_at = record.timestamp().to_millis();
                    let body = record.payload().unwrap_or_default();
                    found.insert(partition, Fingerprint::new(sent_at, body));
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                left.remove(&partition);
            }
            Some(Err(error)) => {
                tracing::debug!(%error, topic, "could not look at a record");
                break;
            }
        }
    }
    Ok(found)
}
