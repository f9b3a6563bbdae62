//! Real brokers for workers, by the kind of their connection.

use std::sync::Arc;

use brokers::Broker;
use brokers::kafka::{KafkaBroker, KafkaSecurity, KafkaSettings};
use workers::{ConnectionSettings, Connector};

/// Connects by the brokers' SDKs.
#[derive(Clone, Copy, Debug, Default)]
pub struct SdkConnector;

impl Connector for SdkConnector {
    fn connect(&self, settings: &ConnectionSettings) -> Arc<dyn Broker> {
        match settings {
            ConnectionSettings::Kafka {
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
