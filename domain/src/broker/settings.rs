//! How each kind of broker is reached. Credentials are referred to, never held.

use serde::{Deserialize, Serialize};

use super::{BrokerKind, KafkaSecurity, ServiceBusAuth, SqsAuth};
use crate::credential::CredentialRef;

/// How to reach a broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BrokerSettings {
    /// An Apache Kafka cluster.
    Kafka {
        /// `host:port`, at least one.
        bootstrap_servers: Vec<String>,
        security: KafkaSecurity,
    },
    /// The queues of an AWS account in a region.
    Sqs {
        region: String,
        /// Where the API is, if not at its usual address: an `http` or `https` URL.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        endpoint: Option<String>,
        auth: SqsAuth,
    },
    /// An Azure Service Bus namespace.
    ServiceBus {
        /// Its full host name, like `sales.servicebus.windows.net`.
        namespace: String,
        /// Where it listens, if not at its host name: an `amqp` or `amqps` URL.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        endpoint: Option<String>,
        auth: ServiceBusAuth,
    },
}

impl BrokerSettings {
    /// The kind of broker they lead to.
    #[must_use]
    pub fn kind(&self) -> BrokerKind {
        match self {
            Self::Kafka { .. } => BrokerKind::Kafka,
            Self::Sqs { .. } => BrokerKind::Sqs,
            Self::ServiceBus { .. } => BrokerKind::ServiceBus,
        }
    }

    /// The credential that they refer to, if they need one.
    #[must_use]
    pub fn credential(&self) -> Option<&CredentialRef> {
        match self {
            Self::Kafka { security, .. } => security.credential(),
            Self::Sqs { auth, .. } => auth.credential(),
            Self::ServiceBus { auth, .. } => auth.credential(),
        }
    }

    /// Puts another credential in the place of the present one; nothing where there is none.
    pub fn rotate(&mut self, rotated: &CredentialRef) {
        let place = match self {
            Self::Kafka { security, .. } => security.credential_mut(),
            Self::Sqs { auth, .. } => auth.credential_mut(),
            Self::ServiceBus { auth, .. } => auth.credential_mut(),
        };
        if let Some(place) = place {
            *place = rotated.clone();
        }
    }
}
