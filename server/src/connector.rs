//! Real brokers for workers, by the kind of their broker.

use std::sync::Arc;

use brokers::kafka::{KafkaBroker, KafkaSettings};
use brokers::{Broker, BrokerError};
use domain::broker::{BrokerSettings, KafkaSecurity};
use workers::Connector;

/// Connects by the brokers' SDKs.
#[derive(Clone, Copy, Debug, Default)]
pub struct SdkConnector;

impl Connector for SdkConnector {
    fn connect(&self, settings: &BrokerSettings) -> Result<Arc<dyn Broker>, BrokerError> {
        let missing = match settings {
            BrokerSettings::Kafka {
                bootstrap_servers,
                security: KafkaSecurity::Plaintext,
            } => {
                let kafka = KafkaSettings::new(bootstrap_servers.clone());
                return Ok(Arc::new(KafkaBroker::new(kafka)));
            }
            BrokerSettings::Kafka {
                security: KafkaSecurity::Tls { .. },
                ..
            } => "Kafka with TLS",
            BrokerSettings::Kafka {
                security: KafkaSecurity::Sasl { .. },
                ..
            } => "Kafka with SASL",
            BrokerSettings::Sqs { .. } | BrokerSettings::ServiceBus { .. } => {
                settings.kind().as_str()
            }
        };
        let text = format!("the worker has no client for {missing}");
        Err(BrokerError::Other(text))
    }
}
