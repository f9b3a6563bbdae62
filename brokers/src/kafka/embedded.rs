//! A Kafka inside the process, for trying things out and for tests.

use std::time::Duration;

use rdkafka::error::KafkaError;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::future_producer::FutureProducerContext;
use rdkafka::producer::{FutureProducer, Producer};

use super::context::Health;
use super::errors::broker_error;
use super::{KafkaSettings, config};
use crate::port::BrokerError;

const SESSION_TIMEOUT: Duration = Duration::from_secs(3);

/// librdkafka's mock cluster with one broker, on a random port of 127.0.0.1, for as long as the
/// value lives. Any Kafka client of the machine can use it. Dropping it may take half a second.
///
/// It is not a Kafka:
/// - each partition keeps only its last 5 MiB or 100,000 messages, whichever is less; what is cut
///   off unread is lost without an error;
/// - nothing is kept on disk;
/// - a group's first member waits 3 s before it reads; a rebalance, or joining a group that was
///   left, waits for the session timeout besides;
/// - a topic that is written to without having been created comes to be, with 4 partitions;
/// - topics are created here only, not by admin requests; times are not looked up
///   ([`Start::At`](crate::Start::At) begins at the end); no transactions, security or quotas.
pub struct EmbeddedKafka {
    /// Owns the cluster: librdkafka ends both together. A `MockCluster` of its own could not be
    /// shared between threads and would leave its log events unread.
    owner: FutureProducer<Health>,
}

impl EmbeddedKafka {
    /// Starts a cluster with these topics, each a name and a number of partitions.
    pub fn start(topics: &[(&str, i32)]) -> Result<Self, BrokerError> {
        Self::start_of(1, topics)
    }

    /// The same, of so many brokers.
    pub(super) fn start_of(brokers: i32, topics: &[(&str, i32)]) -> Result<Self, BrokerError> {
        let owner = config::probe(&KafkaSettings::new(Vec::new()))
            .set("test.mock.num.brokers", brokers.to_string())
            .create_with_context(Health::default())
            .map_err(failed)?;
        let cluster = Self { owner };
        for (name, partitions) in topics {
            cluster.create_topic(name, *partitions)?;
        }
        Ok(cluster)
    }

    /// Creates a topic.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), BrokerError> {
        let cluster = self.cluster();
        cluster.create_topic(name, partitions, 1).map_err(failed)
    }

    /// Where clients find it, as `host:port`.
    pub fn bootstrap_servers(&self) -> Vec<String> {
        let servers = self.cluster().bootstrap_servers();
        servers.split(',').map(str::to_owned).collect()
    }

    /// Settings that reach it. Their session timeout is short: a group whose last source has left
    /// can be joined again only after it.
    pub fn settings(&self) -> KafkaSettings {
        KafkaSettings {
            session_timeout: SESSION_TIMEOUT,
            ..KafkaSettings::new(self.bootstrap_servers())
        }
    }

    pub(super) fn cluster(&self) -> MockCluster<'_, FutureProducerContext<Health>> {
        let cluster = self.owner.client().mock_cluster();
        cluster.expect("the owner was made with a mock cluster")
    }
}

fn failed(error: KafkaError) -> BrokerError {
    broker_error(&error, "", &Health::default())
}
