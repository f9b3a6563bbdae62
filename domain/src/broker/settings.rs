//! How each kind of broker is reached. Credentials are referred to, never held.

use serde::{Deserialize, Serialize};

use super::BrokerKind;
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

/// How a Kafka client proves itself, and what it demands of the broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum KafkaSecurity {
    /// No encryption, no authentication.
    Plaintext,
    /// Encryption; the client shows a certificate if there is one.
    Tls {
        tls: Tls,
        /// A client certificate with its key, PEM.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credential: Option<CredentialRef>,
    },
    /// A user name and a password.
    Sasl {
        mechanism: SaslMechanism,
        /// The user name with the password.
        credential: CredentialRef,
        /// Without it the exchange is not encrypted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tls: Option<Tls>,
    },
}

/// How the broker's certificate is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    /// The certificates that are trusted, PEM; the system's where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

/// How a user name and a password are shown to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SaslMechanism {
    #[serde(rename = "PLAIN")]
    Plain,
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

/// How a worker proves itself to SQS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SqsAuth {
    /// By what the worker's machine was given: environment, profile, web identity, instance.
    DefaultChain,
    /// By an access key.
    StaticKeys {
        /// The access key's id with its secret.
        credential: CredentialRef,
    },
    /// By what the worker's machine was given, exchanged for a role.
    AssumeRole {
        role_arn: String,
        /// What the role's owner asks for, so that nobody else makes us use the role.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external_id: Option<String>,
    },
}

/// How a worker proves itself to Service Bus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ServiceBusAuth {
    /// By a broker string.
    ConnectionString { credential: CredentialRef },
    /// By the key of a shared access rule.
    SharedAccessKey {
        key_name: String,
        credential: CredentialRef,
    },
    /// As an Entra application, by its client secret.
    ClientSecret {
        tenant_id: String,
        client_id: String,
        credential: CredentialRef,
    },
    /// As the worker's machine; `client_id` where it has several identities.
    ManagedIdentity {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_id: Option<String>,
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
            Self::Kafka { security, .. } => match security {
                KafkaSecurity::Plaintext => None,
                KafkaSecurity::Tls { credential, .. } => credential.as_ref(),
                KafkaSecurity::Sasl { credential, .. } => Some(credential),
            },
            Self::Sqs { auth, .. } => match auth {
                SqsAuth::DefaultChain | SqsAuth::AssumeRole { .. } => None,
                SqsAuth::StaticKeys { credential } => Some(credential),
            },
            Self::ServiceBus { auth, .. } => match auth {
                ServiceBusAuth::ConnectionString { credential }
                | ServiceBusAuth::SharedAccessKey { credential, .. }
                | ServiceBusAuth::ClientSecret { credential, .. } => Some(credential),
                ServiceBusAuth::ManagedIdentity { .. } => None,
            },
        }
    }

    /// Puts another credential in the place of the present one; nothing where there is none.
    pub fn rotate(&mut self, rotated: &CredentialRef) {
        let place = match self {
            Self::Kafka { security, .. } => match security {
                KafkaSecurity::Plaintext => None,
                KafkaSecurity::Tls { credential, .. } => credential.as_mut(),
                KafkaSecurity::Sasl { credential, .. } => Some(credential),
            },
            Self::Sqs { auth, .. } => match auth {
                SqsAuth::DefaultChain | SqsAuth::AssumeRole { .. } => None,
                SqsAuth::StaticKeys { credential } => Some(credential),
            },
            Self::ServiceBus { auth, .. } => match auth {
                ServiceBusAuth::ConnectionString { credential }
                | ServiceBusAuth::SharedAccessKey { credential, .. }
                | ServiceBusAuth::ClientSecret { credential, .. } => Some(credential),
                ServiceBusAuth::ManagedIdentity { .. } => None,
            },
        };
        if let Some(place) = place {
            *place = rotated.clone();
        }
    }
}
