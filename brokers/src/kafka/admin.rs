//! Changes to a cluster's topics, for tests and benchmarks; the product only reads and writes.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use super::context::Health;
use super::errors::{broker_error, from_code};
use super::{KafkaSettings, config, probe};
use crate::port::BrokerError;

/// How often, and how many times, to ask whether a created topic can be used.
const PAUSE: Duration = Duration::from_millis(50);
const QUESTIONS: u32 = 100;

/// Creates topics in a real Kafka and tells how far they reach.
pub struct KafkaAdmin {
    settings: KafkaSettings,
    client: AdminClient<Health>,
}

/// What a partition holds: the offsets from `low` up to, and without, `high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermarks {
    pub low: i64,
    pub high: i64,
}

impl KafkaAdmin {
    pub fn new(settings: KafkaSettings) -> Result<Self, BrokerError> {
        let client = config::probe(&settings)
            .create_with_context(Health::new(&settings))
            .map_err(|error| BrokerError::Other(error.to_string()))?;
        Ok(Self { settings, client })
    }

    /// Creates a topic without replicas and waits until its partitions have leaders.
    pub async fn create_topic(&self, name: &str, partitions: i32) -> Result<(), BrokerError> {
        self.create_topic_with(name, partitions, &[]).await
    }

    /// As [`Self::create_topic`], with some of the topic's settings.
    pub async fn create_topic_with(
        &self,
        name: &str,
        partitions: i32,
        settings: &[(&str, &str)],
    ) -> Result<(), BrokerError> {
        let health = self.client.inner().context();
        let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        for (name, value) in settings {
            topic = topic.set(name, value);
        }
        let answers = self
            .client
            .create_topics([&topic], &self.options())
            .await
            .map_err(|error| broker_error(&error, name, health))?;
        for answer in answers {
            answer.map_err(|(_, code)| from_code(code, name, health, code))?;
        }
        self.wait_for(name, partitions).await
    }

    /// Adds partitions to a topic, up to that many in all, and waits until they have leaders.
    pub async fn add_partitions(&self, name: &str, partitions: i32) -> Result<(), BrokerError> {
        let health = self.client.inner().context();
        let count = usize::try_from(partitions).unwrap_or_default();
        let answers = self
            .client
            .create_partitions(&[NewPartitions::new(name, count)], &self.options())
            .await
            .map_err(|error| broker_error(&error, name, health))?;
        for answer in answers {
            answer.map_err(|(_, code)| from_code(code, name, health, code))?;
        }
        self.wait_for(name, partitions).await
    }

    /// Deletes a topic, and waits until the broker does not know it any more.
    pub async fn delete_topic(&self, name: &str) -> Result<(), BrokerError> {
        let health = self.client.inner().context();
        let answers = self
            .client
            .delete_topics(&[name], &self.options())
            .await
            .map_err(|error| broker_error(&error, name, health))?;
        for answer in answers {
            answer.map_err(|(_, code)| from_code(code, name, health, code))?;
        }
        for _ in 0..QUESTIONS {
            let topics = probe::topics(&self.settings).await?;
            if topics.iter().all(|topic| topic.name != name) {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(BrokerError::Other(format!("topic {name} is still there")))
    }

    /// Deletes the messages of a partition before an offset, as retention does.
    pub async fn delete_before(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<(), BrokerError> {
        let health = self.client.inner().context();
        let failed = |error: KafkaError| broker_error(&error, topic, health);
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(offset))
            .map_err(failed)?;
        let deleted = self.client.delete_records(&list, &self.options());
        let deleted = deleted.await.map_err(failed)?;
        for element in deleted.elements() {
            element.error().map_err(failed)?;
        }
        Ok(())
    }

    /// Deletes a group with all that it has committed.
    pub async fn delete_group(&self, group: &str) -> Result<(), BrokerError> {
        let health = self.client.inner().context();
        let answers = self
            .client
            .delete_groups(&[group], &self.options())
            .await
            .map_err(|error| broker_error(&error, group, health))?;
        for answer in answers {
            answer.map_err(|(_, code)| from_code(code, group, health, code))?;
        }
        Ok(())
    }

    /// Moves an empty group, as other tools do.
    pub fn move_group(
        &self,
        group: &str,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<(), BrokerError> {
        let health = Health::new(&self.settings);
        let failed = |error: KafkaError| broker_error(&error, topic, &Health::default());
        let consumer: BaseConsumer<Health> = config::of_group(&self.settings, group)
            .create_with_context(health)
            .map_err(failed)?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(offset))
            .map_err(failed)?;
        consumer.commit(&list, CommitMode::Sync).map_err(failed)
    }

    fn options(&self) -> AdminOptions {
        AdminOptions::new().request_timeout(Some(self.settings.request_timeout))
    }

    /// How far each partition of a topic reaches, in the order of their numbers.
    pub async fn watermarks(&self, topic: &str) -> Result<Vec<Watermarks>, BrokerError> {
        probe::watermarks(&self.settings, topic.to_owned()).await
    }

    async fn wait_for(&self, topic: &str, partitions: i32) -> Result<(), BrokerError> {
        let mut found = Ok(0);
        for _ in 0..QUESTIONS {
            found = probe::led_partitions(&self.settings, topic.to_owned()).await;
            if found == Ok(partitions) {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        let found = found?;
        Err(BrokerError::Other(format!(
            "topic {topic} has {found} of {partitions} partitions"
        )))
    }
}
