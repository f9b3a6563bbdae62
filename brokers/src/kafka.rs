//! Apache Kafka behind the port, over librdkafka.
//!
//! A source is a member of a consumer group on a thread of its own (`source.rs`); a sink is one
//! idempotent producer for the whole broker (`sink.rs`). Properties of librdkafka are never taken
//! from outside: some of them run commands or load libraries. What may be chosen is a field of
//! [`KafkaSettings`].

mod admin;
mod backlog;
mod config;
mod context;
mod embedded;
mod ends;
mod errors;
mod group;
mod locate;
mod message;
mod observer;
mod partition;
mod partitions;
mod peek;
mod poller;
mod probe;
mod producer;
mod sink;
mod source;
mod start;
mod unsettled;

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;

pub use self::admin::{KafkaAdmin, Watermarks};
pub use self::embedded::EmbeddedKafka;
use self::ends::Ends;
use self::sink::KafkaSink;
use self::source::KafkaSource;
use crate::port::{Backlog, Broker, BrokerError, Sink, Source, SourceSettings, Start, TopicInfo};

/// How to reach a Kafka cluster.
#[derive(Clone, Debug)]
pub struct KafkaSettings {
    /// `host:port` of some of its brokers; the others are learned from them.
    pub bootstrap_servers: Vec<String>,
    pub security: KafkaSecurity,
    /// How long a look at the cluster (topics, watermarks) may take.
    pub request_timeout: Duration,
    /// How long a write may take, from the call to its delivery report.
    pub publish_timeout: Duration,
    /// After how long without a sign of life a source's partitions go to others of its group.
    pub session_timeout: Duration,
}

/// How the connection to a Kafka cluster is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KafkaSecurity {
    /// Neither encrypted nor authenticated.
    #[default]
    Plaintext,
}

impl KafkaSettings {
    /// Plaintext, 10 s for a look, 30 s for a write, 10 s of silence: heartbeats come from a thread
    /// of their own, so a silent source is a dead one, and its messages wait no longer.
    pub fn new(bootstrap_servers: Vec<String>) -> Self {
        Self {
            bootstrap_servers,
            security: KafkaSecurity::default(),
            request_timeout: Duration::from_secs(10),
            publish_timeout: Duration::from_secs(30),
            session_timeout: Duration::from_secs(10),
        }
    }
}

/// A Kafka cluster. Connects on use; all its sinks share one producer while any of them lives.
pub struct KafkaBroker {
    settings: KafkaSettings,
    sink: Mutex<Weak<KafkaSink>>,
    ends: Arc<Ends>,
}

impl KafkaBroker {
    pub fn new(settings: KafkaSettings) -> Self {
        Self {
            ends: Arc::new(Ends::new(settings.clone())),
            settings,
            sink: Mutex::new(Weak::new()),
        }
    }
}

#[async_trait]
impl Broker for KafkaBroker {
    async fn topics(&self) -> Result<Vec<TopicInfo>, BrokerError> {
        probe::topics(&self.settings).await
    }

    async fn backlog(
        &self,
        topic: &str,
        group: &str,
        start: Start,
        reset: u64,
    ) -> Result<Backlog, BrokerError> {
        backlog::backlog(&self.settings, topic, group, start, reset).await
    }

    async fn source(&self, settings: SourceSettings) -> Result<Box<dyn Source>, BrokerError> {
        Ok(Box::new(KafkaSource::open(
            &self.settings,
            settings,
            Arc::clone(&self.ends),
        )?))
    }

    async fn sink(&self) -> Result<Arc<dyn Sink>, BrokerError> {
        let mut shared = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sink) = shared.upgrade() {
            return Ok(sink);
        }
        let sink = Arc::new(KafkaSink::open(&self.settings)?);
        *shared = Arc::downgrade(&sink);
        Ok(sink)
    }
}
