//! The demo's slow steady stream of orders, some of them faulty.

use std::sync::Arc;
use std::time::Duration;

use brokers::kafka::{KafkaBroker, KafkaSettings};
use brokers::{Broker, BrokerError, Metadata, Outgoing, Sink};
use bytes::Bytes;
use serde_json::json;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Every so many orders one is faulty.
const FAULTY_EVERY: u64 = 7;

/// Writes orders to the topic `orders`.
pub struct Producer {
    sink: Arc<dyn Sink>,
}

impl Producer {
    /// A producer to a Kafka.
    ///
    /// # Errors
    /// The client cannot be made.
    pub async fn new(settings: KafkaSettings) -> Result<Self, BrokerError> {
        let broker = KafkaBroker::new(settings);
        Ok(Self {
            sink: broker.sink().await?,
        })
    }

    /// Writes an order every `pause`, until `stop`.
    pub async fn run(self: Arc<Self>, pause: Duration, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for number in 1_u64.. {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            if let Err(error) = self.sink.publish(order(number)).await {
                tracing::warn!(%error, "an order could not be produced");
            }
        }
    }
}

fn order(number: u64) -> Outgoing {
    let body = if number.is_multiple_of(FAULTY_EVERY) {
        json!({ "order": number, "amount": "a lot" })
    } else {
        json!({ "order": number, "amount": number * 37 % 500 })
    };
    Outgoing {
        topic: "orders".to_owned(),
        key: Some(Bytes::from(number.to_string())),
        headers: Vec::new(),
        metadata: Metadata {
            content_type: Some(Bytes::from_static(b"application/json")),
            ..Metadata::default()
        },
        body: Some(Bytes::from(body.to_string())),
    }
}
