//! A look at a cluster: its topics and how far they reach. Bounded, also when nobody answers.

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;

use super::context::Health;
use super::errors::{broker_error, from_code};
use super::{KafkaSettings, Watermarks, config};
use crate::port::{BrokerError, TopicInfo};

/// The first try; each further one takes twice as long. Between them refusals are looked for.
const FIRST_TRY: Duration = Duration::from_millis(500);
/// Between two tries, which may fail at once.
const PAUSE: Duration = Duration::from_millis(50);
/// A cluster that refused is given this long, since a name may have more than one address.
const REFUSED_AFTER: Duration = Duration::from_secs(2);

/// The topics that Kafka itself keeps. Others that begin with two underscores are people's.
const INTERNAL: [&str; 5] = [
    "__cluster_metadata",
    "__consumer_offsets",
    "__remote_log_metadata",
    "__share_group_state",
    "__transaction_state",
];

/// The topics by name, without Kafka's own.
pub(super) async fn topics(settings: &KafkaSettings) -> Result<Vec<TopicInfo>, BrokerError> {
    look(settings, config::probe(settings), |probe| {
        let metadata = probe.metadata(None)?;
        let mut topics: Vec<_> = metadata
            .topics()
            .iter()
            .filter(|topic| !INTERNAL.contains(&topic.name()))
            .map(|topic| TopicInfo {
                name: topic.name().to_owned(),
                partitions: u32::try_from(topic.partitions().len()).ok(),
            })
            .collect();
        topics.sort();
        Ok(topics)
    })
    .await
}

/// The first offset and the one after the last, by partition.
pub(super) async fn watermarks(
    settings: &KafkaSettings,
    topic: String,
) -> Result<Vec<Watermarks>, BrokerError> {
    look(settings, config::probe(settings), move |probe| {
        let partitions = probe.partitions(&topic)?;
        let fetch = |partition| {
            let (low, high) = probe
                .consumer
                .fetch_watermarks(&topic, partition, probe.left())
                .map_err(|error| probe.failed(&error, &topic))?;
            Ok(Watermarks { low, high })
        };
        (0..partitions).map(fetch).collect()
    })
    .await
}

/// How many partitions a topic has, once each of them has a leader.
pub(super) async fn led_partitions(
    settings: &KafkaSettings,
    topic: String,
) -> Result<i32, BrokerError> {
    let config = config::probe(settings);
    look(settings, config, move |probe| probe.partitions(&topic)).await
}

/// Runs `work` on a thread that may block, with a client of its own.
pub(super) async fn look<T: Send + 'static>(
    settings: &KafkaSettings,
    config: ClientConfig,
    work: impl FnOnce(&Probe) -> Result<T, BrokerError> + Send + 'static,
) -> Result<T, BrokerError> {
    let health = Health::new(settings);
    let timeout = settings.request_timeout;
    let looked = tokio::task::spawn_blocking(move || {
        let consumer = config
            .create_with_context(health)
            .map_err(|error| BrokerError::Other(error.to_string()))?;
        let started = Instant::now();
        work(&Probe {
            consumer,
            started,
            deadline: started + timeout,
        })
    });
    looked
        .await
        .unwrap_or_else(|error| Err(BrokerError::Other(error.to_string())))
}

pub(super) struct Probe {
    pub(super) consumer: BaseConsumer<Health>,
    started: Instant,
    deadline: Instant,
}

impl Probe {
    pub(super) fn partitions(&self, topic: &str) -> Result<i32, BrokerError> {
        let metadata = self.metadata(Some(topic))?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let Some(found) = found else {
            return Err(BrokerError::NoTopic(topic.to_owned()));
        };
        let unled = found
            .partitions()
            .iter()
            .find_map(|partition| partition.error());
        if let Some(error) = found.error().or(unled) {
            let code = RDKafkaErrorCode::from(error);
            return Err(from_code(code, topic, self.consumer.context(), code));
        }
        i32::try_from(found.partitions().len())
            .map_err(|error| BrokerError::Other(error.to_string()))
    }

    fn metadata(&self, topic: Option<&str>) -> Result<Metadata, BrokerError> {
        let mut patience = FIRST_TRY;
        loop {
            let error = match self
                .consumer
                .fetch_metadata(topic, patience.min(self.left()))
            {
                Ok(metadata) => return Ok(metadata),
                Err(error) => error,
            };
            // Serves the callbacks that tell why.
            while self.consumer.poll(Duration::ZERO).is_some() {}
            let refused =
                self.consumer.context().is_down() && self.started.elapsed() >= REFUSED_AFTER;
            if refused || Instant::now() >= self.deadline {
                return Err(self.failed(&error, topic.unwrap_or_default()));
            }
            std::thread::sleep(PAUSE);
            patience = patience.saturating_mul(2);
        }
    }

    /// The time that is left.
    pub(super) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    pub(super) fn failed(&self, error: &KafkaError, topic: &str) -> BrokerError {
        broker_error(error, topic, self.consumer.context())
    }
}
