//! What waits for a group: from its positions, or where it would begin, to the end.

use std::thread;
use std::time::Duration;

use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::partitions::Mark;
use super::probe::{Probe, look};
use super::start::{first_offset, goes_on};
use super::{KafkaSettings, Watermarks, config};
use crate::port::{Backlog, BrokerError, Start};

/// How long to wait before the coordinator is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// Asks the cluster. No member joins the group.
pub(super) async fn backlog(
    settings: &KafkaSettings,
    topic: &str,
    group: &str,
    start: Start,
    reset: u64,
) -> Result<Backlog, BrokerError> {
    let config = config::of_group(settings, group);
    let topic = topic.to_owned();
    look(settings, config, move |probe| {
        let partitions = probe.partitions(&topic)?;
        let found = found(probe, &topic, partitions, &start, reset);
        found.map_err(|error| probe.failed(&error, &topic))
    })
    .await
}

fn found(
    probe: &Probe,
    topic: &str,
    partitions: i32,
    start: &Start,
    reset: u64,
) -> KafkaResult<Backlog> {
    let mut all = TopicPartitionList::new();
    for partition in 0..partitions {
        all.add_partition(topic, partition);
    }
    let committed = committed(probe, &all)?;
    let mut backlog = Backlog {
        has_position: false,
        waiting: 0,
    };
    for element in committed.elements() {
        let partition = element.partition();
        let is_followed = Mark::of(element.metadata())
            .is_none_or(|mark| goes_on(start, partition, mark.reset, reset));
        let position = match element.offset() {
            Offset::Offset(offset) if is_followed => Some(offset),
            _ => None,
        };
        backlog.has_position |= position.is_some();
        backlog.waiting += waiting(probe, topic, partition, position, start)?;
    }
    Ok(backlog)
}

/// The positions of the group. Its coordinator may have to be found, or to load them: of a cluster
/// that never had a group, it is yet to be made.
fn committed(probe: &Probe, partitions: &TopicPartitionList) -> KafkaResult<TopicPartitionList> {
    loop {
        let left = probe.left();
        match probe.consumer.committed_offsets(partitions.clone(), left) {
            Err(error) if is_without_coordinator(&error) && left > PAUSE => thread::sleep(PAUSE),
            told => return told,
        }
    }
}

fn is_without_coordinator(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::NotCoordinator
                | RDKafkaErrorCode::CoordinatorNotAvailable
                | RDKafkaErrorCode::CoordinatorLoadInProgress
        )
    )
}

fn waiting(
    probe: &Probe,
    topic: &str,
    partition: i32,
    position: Option<i64>,
    start: &Start,
) -> KafkaResult<u64> {
    let consumer = &probe.consumer;
    let (low, high) = consumer.fetch_watermarks(topic, partition, probe.left())?;
    let ends = Watermarks { low, high };
    let next = match position {
        Some(offset) if (low..=high).contains(&offset) => offset,
        // What was there is not kept any more, or the topic was created again.
        Some(_) => low,
        None => first_offset(consumer, topic, partition, start, ends)?,
    };
    Ok(u64::try_from(high - next).unwrap_or_default())
}
