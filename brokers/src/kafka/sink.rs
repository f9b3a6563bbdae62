//! The producer of a broker as a sink of the port.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rdkafka::producer::BaseRecord;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, timeout_at};

use super::KafkaSettings;
use super::config::{self, BATCH_BYTES, SINK_BUDGET_KIB};
use super::message::{headers_len, to_headers};
use super::producer::{Pending, Renewed};
use crate::port::{BrokerError, Outgoing, Sink};

/// How much later than its own timeout the producer may report.
const REPORT_GRACE: Duration = Duration::from_secs(2);

/// One idempotent producer for all writers of a broker, and one for what has to travel alone.
pub(super) struct KafkaSink {
    publish_timeout: Duration,
    budget: Arc<Semaphore>,
    batching: Renewed,
    unbatched: Renewed,
}

impl KafkaSink {
    pub(super) fn open(settings: &KafkaSettings) -> Result<Self, BrokerError> {
        let sink = Self {
            publish_timeout: settings.publish_timeout,
            budget: Arc::new(Semaphore::new(SINK_BUDGET_KIB as usize)),
            batching: Renewed::new(settings, config::producer),
            unbatched: Renewed::new(settings, config::unbatched_producer),
        };
        sink.batching.current()?;
        Ok(sink)
    }

    async fn write(
        &self,
        renewed: &Renewed,
        outgoing: &Outgoing,
        deadline: Instant,
    ) -> Result<(), BrokerError> {
        let room = self.room_for(renewed, outgoing, deadline).await?;
        let producer = renewed.current()?;
        let (report, reported) = oneshot::channel();
        let record = record(
            outgoing,
            Box::new(Pending {
                report,
                _room: room,
            }),
        );
        if let Err((error, _)) = producer.send(record) {
            return Err(renewed.failed(&producer, &error, &outgoing.topic));
        }
        // The producer keeps to the same time; this is for the wait for room before it.
        match timeout_at(deadline + REPORT_GRACE, reported).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => Err(renewed.failed(&producer, &error, &outgoing.topic)),
            Ok(Err(_)) => Err(BrokerError::Other("the producer was dropped".to_owned())),
            Err(_) => {
                let reason = producer.health().reason_or("no delivery report in time");
                Err(BrokerError::Unreachable(reason))
            }
        }
    }

    async fn room_for(
        &self,
        renewed: &Renewed,
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
            Err(_) => {
                let producer = renewed.current()?;
                let reason = producer.health().reason_or("the queue stayed full");
                Err(BrokerError::Unreachable(reason))
            }
        }
    }
}

#[async_trait]
impl Sink for KafkaSink {
    async fn publish(&self, outgoing: Outgoing) -> Result<(), BrokerError> {
        let deadline = Instant::now() + self.publish_timeout;
        match self.write(&self.batching, &outgoing, deadline).await {
            // The limit of a topic is for batches, and where one is refused, librdkafka gives up
            // all its messages. Only alone is it this one that is too large.
            Err(BrokerError::TooLarge(_)) if size(&outgoing) < BATCH_BYTES => {
                self.write(&self.unbatched, &outgoing, deadline).await
            }
            written => written,
        }
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
