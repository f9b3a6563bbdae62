//! Real brokers for workers, by the kind of their broker.

use std::sync::Arc;

use brokers::Broker;
use brokers::kafka::{KafkaBroker, KafkaSecurity, KafkaSettings};
use workers::{BrokerSettings, Connector};

/// Connects by the brokers' SDKs.
#[derive(Clone, Copy, Debug, Default)]
pub struct SdkConnector;

impl Connector for SdkConnector {
    fn connect(&self, settings: &BrokerSettings) -> Arc<dyn Broker> {
        match settings {
            BrokerSettings::Kafka {
                bootstrap_servers,
                security,
            } => {
                let mut kafka = KafkaSettings::new(bootstrap_servers.clone());
                kafka.security = match security {
                    workers::KafkaSecurity::Plaintext => KafkaSecurity::Plaintext,
                };
                Arc::new(KafkaBroker::new(kafka))
            }
        }
    }
}
