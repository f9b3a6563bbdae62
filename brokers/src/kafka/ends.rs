//! Where partitions end for readers that wait for no transaction.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::context::Health;
use super::{KafkaSettings, config};

/// How long the broker may take to answer. A source reads nothing meanwhile.
const PATIENCE: Duration = Duration::from_secs(1);

/// A client for all sources of a broker, made when the first of them asks.
pub(super) struct Ends {
    settings: KafkaSettings,
    client: Mutex<Option<Arc<BaseConsumer<Health>>>>,
}

impl Ends {
    pub(super) fn new(settings: KafkaSettings) -> Self {
        Self {
            settings,
            client: Mutex::default(),
        }
    }

    /// The offset after the last record of each of those partitions.
    pub(super) fn of(
        &self,
        topic: &str,
        partitions: impl Iterator<Item = i32>,
    ) -> KafkaResult<HashMap<i32, i64>> {
        let client = self.client()?;
        let found = of(&*client, topic, partitions);
        // What it tells of its connections, nobody else takes.
        while client.poll(Duration::ZERO).is_some() {}
        found
    }

    fn client(&self) -> KafkaResult<Arc<BaseConsumer<Health>>> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*client {
            return Ok(Arc::clone(client));
        }
        let context = Health::new(&self.settings);
        let new = Arc::new(config::ends(&self.settings).create_with_context(context)?);
        Ok(Arc::clone(client.insert(new)))
    }
}

/// The offset that comes next in each of those partitions, for a reader as that one.
pub(super) fn of<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    topic: &str,
    partitions: impl Iterator<Item = i32>,
) -> KafkaResult<HashMap<i32, i64>> {
    let mut wanted = TopicPartitionList::new();
    for partition in partitions {
        wanted.add_partition_offset(topic, partition, Offset::End)?;
    }
    // One request for each broker that leads some of them.
    let found = client.offsets_for_times(wanted, PATIENCE)?;
    let elements = found.elements().into_iter();
    elements
        .map(|element| {
            element.error()?;
            match element.offset() {
                Offset::Offset(end) => Ok((element.partition(), end)),
                _ => Err(KafkaError::OffsetFetch(RDKafkaErrorCode::NoOffset)),
            }
        })
        .collect()
}
