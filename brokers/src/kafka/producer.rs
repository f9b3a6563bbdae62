//! Producers of librdkafka that outlast their failures.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::producer::{DeliveryResult, Producer, ProducerContext, ThreadedProducer};
use rdkafka::{ClientConfig, ClientContext};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::KafkaSettings;
use super::context::{self, Health};
use super::errors::{broker_error, from_code};
use crate::port::BrokerError;

/// An idempotent producer, opened on use and replaced after an error that ends it for good.
pub(super) struct Renewed {
    settings: KafkaSettings,
    config: fn(&KafkaSettings) -> ClientConfig,
    producer: Mutex<Option<Arc<KafkaProducer>>>,
}

impl Renewed {
    pub(super) fn new(
        settings: &KafkaSettings,
        config: fn(&KafkaSettings) -> ClientConfig,
    ) -> Self {
        Self {
            settings: settings.clone(),
            config,
            producer: Mutex::default(),
        }
    }

    pub(super) fn current(&self) -> Result<Arc<KafkaProducer>, BrokerError> {
        let mut current = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(producer) = &*current {
            return Ok(Arc::clone(producer));
        }
        let opened = Arc::new(KafkaProducer::open(&self.settings, self.config)?);
        Ok(Arc::clone(current.insert(opened)))
    }

    /// The error in the port's words. A producer that failed for good is put away, and the error
    /// that ended it is told.
    pub(super) fn failed(
        &self,
        used: &Arc<KafkaProducer>,
        error: &KafkaError,
        topic: &str,
    ) -> BrokerError {
        let Some((code, reason)) = used.client().fatal_error() else {
            return broker_error(error, topic, used.health());
        };
        let mut current = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if current
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, used))
        {
            tracing::error!(reason, "the kafka producer failed for good and is replaced");
            *current = None;
        }
        from_code(code, topic, used.health(), reason)
    }
}

/// A producer that ends on a thread of its own, since its end waits for its other threads.
pub(super) struct KafkaProducer(Option<ThreadedProducer<Reports>>);

impl KafkaProducer {
    fn open(
        settings: &KafkaSettings,
        config: fn(&KafkaSettings) -> ClientConfig,
    ) -> Result<Self, BrokerError> {
        let context = Reports {
            health: Health::new(settings),
        };
        let producer = config(settings).create_with_context(context);
        let producer = producer.map_err(|error| broker_error(&error, "", &Health::default()))?;
        Ok(Self(Some(producer)))
    }

    pub(super) fn health(&self) -> &Health {
        &self.client().context().health
    }
}

impl Deref for KafkaProducer {
    type Target = ThreadedProducer<Reports>;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref().expect("taken only when dropped")
    }
}

impl Drop for KafkaProducer {
    fn drop(&mut self) {
        let producer = self.0.take();
        std::thread::spawn(move || drop(producer));
    }
}

/// A write under way. It keeps its room until the report, also when nobody waits any longer.
pub(super) struct Pending {
    pub(super) report: oneshot::Sender<Result<(), KafkaError>>,
    pub(super) _room: OwnedSemaphorePermit,
}

/// Hands the delivery reports to those who wait.
pub(super) struct Reports {
    health: Health,
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        context::log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.health.error(error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<Pending>;

    fn delivery(&self, result: &DeliveryResult<'_>, pending: Box<Pending>) {
        let outcome = match result {
            Ok(_) => {
                self.health.recovered();
                Ok(())
            }
            Err((error, _)) => Err(error.clone()),
        };
        // The caller may have stopped waiting.
        let _ = pending.report.send(outcome);
    }
}
