//! The producer of a broker as a sink of the port.

use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, timeout_at};

use super::KafkaSettings;
use super::config::{self, SINK_BUDGET_KIB};
use super::context::{self, Health};
use super::errors::{broker_error, from_code};
use super::message::{headers_len, to_headers};
use crate::port::{BrokerError, Outgoing, Sink};

/// How much later than its own timeout the producer may report.
const REPORT_GRACE: Duration = Duration::from_secs(2);

/// One idempotent producer for all writers of a broker.
pub(super) struct KafkaSink {
    settings: KafkaSettings,
    budget: Arc<Semaphore>,
    /// Replaced after an error that ends a producer for good.
    producer: RwLock<Arc<KafkaProducer>>,
}

impl KafkaSink {
    pub(super) fn open(settings: &KafkaSettings) -> Result<Self, BrokerError> {
        Ok(Self {
            settings: settings.clone(),
            budget: Arc::new(Semaphore::new(SINK_BUDGET_KIB as usize)),
            producer: RwLock::new(Arc::new(KafkaProducer::open(settings)?)),
        })
    }

    async fn room_for(
        &self,
        outgoing: &Outgoing,
        deadline: Instant,
    ) -> Result<OwnedSemaphorePermit, BrokerError> {
        let kib = u32::try_from(size(outgoing) / 1024 + 1).unwrap_or(u32::MAX);
        let permits = kib.min(SINK_BUDGET_KIB);
        if let Ok(room) = Arc::clone(&self.budget).try_acquire_many_owned(permits) {
            return Ok(room);
        }
        let room = Arc::clone(&self.budget).acquire_many_owned(permits);
        match timeout_at(deadline, room).await {
            Ok(permit) => Ok(permit.expect("the budget is never closed")),
            Err(_) => Err(BrokerError::Unreachable(
                self.current()
                    .client()
                    .context()
                    .health
                    .reason_or("the queue stayed full"),
            )),
        }
    }

    fn current(&self) -> Arc<KafkaProducer> {
        Arc::clone(&self.producer.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The error in the port's words. A producer that failed for good is replaced, and the error
    /// that ended it is told.
    fn failed(&self, used: &Arc<KafkaProducer>, error: &KafkaError, topic: &str) -> BrokerError {
        let client = used.client();
        let health = &client.context().health;
        let Some((code, reason)) = client.fatal_error() else {
            return broker_error(error, topic, health);
        };
        let mut current = self
            .producer
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&current, used) {
            tracing::error!(reason, "the kafka producer failed for good and is replaced");
            match KafkaProducer::open(&self.settings) {
                Ok(fresh) => *current = Arc::new(fresh),
                Err(error) => return error,
            }
        }
        from_code(code, topic, health, reason)
    }
}

#[async_trait]
impl Sink for KafkaSink {
    async fn publish(&self, outgoing: Outgoing) -> Result<(), BrokerError> {
        let deadline = Instant::now() + self.settings.publish_timeout;
        let room = self.room_for(&outgoing, deadline).await?;
        let producer = self.current();
        let (report, reported) = oneshot::channel();
        let record = record(
            &outgoing,
            Box::new(Pending {
                report,
                _room: room,
            }),
        );
        if let Err((error, _)) = producer.send(record) {
            return Err(self.failed(&producer, &error, &outgoing.topic));
        }
        // The producer keeps to the same time; this is for the wait for room before it.
        match timeout_at(deadline + REPORT_GRACE, reported).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => Err(self.failed(&producer, &error, &outgoing.topic)),
            Ok(Err(_)) => Err(BrokerError::Other("the producer was dropped".to_owned())),
            Err(_) => Err(BrokerError::Unreachable(
                producer
                    .client()
                    .context()
                    .health
                    .reason_or("no delivery report in time"),
            )),
        }
    }
}

/// A producer that ends on a thread of its own, since its end waits for its other threads.
struct KafkaProducer(Option<ThreadedProducer<Reports>>);

impl KafkaProducer {
    fn open(settings: &KafkaSettings) -> Result<Self, BrokerError> {
        let context = Reports {
            health: Health::new(settings),
        };
        let producer = config::producer(settings).create_with_context(context);
        let producer = producer.map_err(|error| broker_error(&error, "", &Health::default()))?;
        Ok(Self(Some(producer)))
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
struct Pending {
    report: oneshot::Sender<Result<(), KafkaError>>,
    _room: OwnedSemaphorePermit,
}

/// Hands the delivery reports to those who wait.
struct Reports {
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

fn record(outgoing: &Outgoing, pending: Box<Pending>) -> BaseRecord<'_, [u8], [u8], Box<Pending>> {
    let mut record = BaseRecord::with_opaque_to(&outgoing.topic, pending);
    if let Some(body) = &outgoing.body {
        record = record.payload(&body[..]);
    }
    if let Some(key) = &outgoing.key {
        record = record.key(&key[..]);
    }
    match to_headers(outgoing) {
        Some(headers) => record.headers(headers),
        None => record,
    }
}

fn size(outgoing: &Outgoing) -> usize {
    let len = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
    len(&outgoing.body) + len(&outgoing.key) + headers_len(outgoing)
}

#[cfg(test)]
mod tests {
    use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

    use super::*;
    use crate::kafka::EmbeddedKafka;
    use crate::metadata::Metadata;

    #[tokio::test]
    async fn a_producer_that_failed_for_good_is_replaced() {
        let kafka = EmbeddedKafka::start(&[("events", 1)]).unwrap();
        kafka.cluster().request_errors(
            RDKafkaApiKey::InitProducerId,
            &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED],
        );
        let sink = KafkaSink::open(&kafka.settings()).unwrap();
        let outgoing = Outgoing {
            topic: "events".to_owned(),
            key: None,
            headers: Vec::new(),
            metadata: Metadata::default(),
            body: Some(Bytes::from_static(b"body")),
        };
        let refused = sink.publish(outgoing.clone()).await;
        assert!(
            matches!(refused, Err(BrokerError::NotAuthorized(_))),
            "{refused:?}"
        );
        sink.publish(outgoing).await.unwrap();
    }
}
