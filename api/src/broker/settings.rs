//! How a broker is reached, as it is shown. No secret is here: settings refer to credentials.

use async_graphql::Union;

use super::kafka::KafkaSettings;
use super::service_bus::ServiceBusSettings;
use super::sqs::SqsSettings;

/// How a broker is reached, by its kind.
#[derive(Union)]
pub enum BrokerSettings {
    Kafka(KafkaSettings),
    Sqs(SqsSettings),
    ServiceBus(ServiceBusSettings),
}

impl From<domain::broker::BrokerSettings> for BrokerSettings {
    fn from(settings: domain::broker::BrokerSettings) -> Self {
        use domain::broker::BrokerSettings as Domain;
        match settings {
            Domain::Kafka {
                bootstrap_servers,
                security,
            } => Self::Kafka(KafkaSettings::new(bootstrap_servers, security)),
            Domain::Sqs {
                region,
                endpoint,
                auth,
            } => Self::Sqs(SqsSettings::new(region, endpoint, auth)),
            Domain::ServiceBus {
                namespace,
                endpoint,
                auth,
            } => Self::ServiceBus(ServiceBusSettings::new(namespace, endpoint, auth)),
        }
    }
}
