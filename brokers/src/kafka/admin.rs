//! Changes to a cluster's topics, for tests and benchmarks; the product only reads and writes.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};

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
        let health = self.client.inner().context();
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        let options = AdminOptions::new().request_timeout(Some(self.settings.request_timeout));
        let answers = self
            .client
            .create_topics([&topic], &options)
            .await
            .map_err(|error| broker_error(&error, name, health))?;
        for answer in answers {
            answer.map_err(|(_, code)| from_code(code, name, health, code))?;
        }
        self.wait_for(name, partitions).await
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
