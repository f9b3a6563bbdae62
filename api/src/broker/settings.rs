//! How a broker is reached, as it is shown. No secret is here: settings refer to credentials.

use async_graphql::{Enum, SimpleObject, Union};
use domain::broker::{
    KafkaSecurity as DomainSecurity, ServiceBusAuth as DomainBusAuth, SqsAuth as DomainSqsAuth,
};

use super::input::SaslMechanism;

/// How a broker is reached, by its kind.
#[derive(Union)]
pub enum BrokerSettings {
    Kafka(KafkaSettings),
    Sqs(SqsSettings),
    ServiceBus(ServiceBusSettings),
}

/// How a Kafka cluster is reached.
#[derive(SimpleObject)]
pub struct KafkaSettings {
    /// `host:port`
    pub bootstrap_servers: Vec<String>,
    pub security: KafkaSecurity,
    /// Whether the exchange is encrypted.
    pub tls: bool,
    /// The certificates that are trusted, PEM; null where they are the system's.
    pub ca: Option<String>,
    /// For `SASL`.
    pub sasl_mechanism: Option<SaslMechanism>,
}

/// How the queues of an AWS account are reached.
#[derive(SimpleObject)]
pub struct SqsSettings {
    pub region: String,
    /// Where the API is, if not at its usual address.
    pub endpoint: Option<String>,
    pub auth: SqsAuth,
    /// For `ASSUME_ROLE`.
    pub role_arn: Option<String>,
    /// What the role's owner asks for.
    pub external_id: Option<String>,
}

/// How an Azure Service Bus namespace is reached.
#[derive(SimpleObject)]
pub struct ServiceBusSettings {
    /// Its full host name.
    pub namespace: String,
    /// Where it listens, if not at its host name.
    pub endpoint: Option<String>,
    pub auth: ServiceBusAuth,
    /// For `SHARED_ACCESS_KEY`.
    pub key_name: Option<String>,
    /// For `CLIENT_SECRET`.
    pub tenant_id: Option<String>,
    /// For `CLIENT_SECRET`, and for `MANAGED_IDENTITY` where the worker has several.
    pub client_id: Option<String>,
}

/// How a worker proves itself to SQS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum SqsAuth {
    /// By what the worker's machine was given.
    DefaultChain,
    /// By an access key.
    StaticKeys,
    /// By what the worker's machine was given, exchanged for a role.
    AssumeRole,
}

/// How a worker proves itself to Service Bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ServiceBusAuth {
    ConnectionString,
    /// By the key of a shared access rule.
    SharedAccessKey,
    /// As an Entra application.
    ClientSecret,
    /// As the worker's machine.
    ManagedIdentity,
}

/// How a Kafka client proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum KafkaSecurity {
    /// No encryption, no authentication.
    Plaintext,
    /// Encryption, with a client certificate if there is one.
    Tls,
    /// A user name and a password.
    Sasl,
}

impl From<DomainSecurity> for KafkaSecurity {
    fn from(security: DomainSecurity) -> Self {
        match security {
            DomainSecurity::Plaintext => Self::Plaintext,
            DomainSecurity::Tls { .. } => Self::Tls,
            DomainSecurity::Sasl { .. } => Self::Sasl,
        }
    }
}

impl From<domain::broker::BrokerSettings> for BrokerSettings {
    fn from(settings: domain::broker::BrokerSettings) -> Self {
        use domain::broker::BrokerSettings as Domain;
        match settings {
            Domain::Kafka {
                bootstrap_servers,
                security,
            } => Self::Kafka(KafkaSettings {
                bootstrap_servers,
                tls: match &security {
                    DomainSecurity::Plaintext => false,
                    DomainSecurity::Tls { .. } => true,
                    DomainSecurity::Sasl { tls, .. } => tls.is_some(),
                },
                ca: match &security {
                    DomainSecurity::Plaintext => None,
                    DomainSecurity::Tls { tls, .. } => tls.ca.clone(),
                    DomainSecurity::Sasl { tls, .. } => tls.as_ref().and_then(|tls| tls.ca.clone()),
                },
                sasl_mechanism: match &security {
                    DomainSecurity::Sasl { mechanism, .. } => Some((*mechanism).into()),
                    _ => None,
                },
                security: security.into(),
            }),
            Domain::Sqs {
                region,
                endpoint,
                auth,
            } => Self::Sqs(SqsSettings {
                region,
                endpoint,
                auth: (&auth).into(),
                external_id: match &auth {
                    DomainSqsAuth::AssumeRole { external_id, .. } => external_id.clone(),
                    _ => None,
                },
                role_arn: match auth {
                    DomainSqsAuth::AssumeRole { role_arn, .. } => Some(role_arn),
                    _ => None,
                },
            }),
            Domain::ServiceBus {
                namespace,
                endpoint,
                auth,
            } => Self::ServiceBus(ServiceBusSettings::new(namespace, endpoint, auth)),
        }
    }
}

impl ServiceBusSettings {
    fn new(namespace: String, endpoint: Option<String>, auth: DomainBusAuth) -> Self {
        let mut settings = Self {
            namespace,
            endpoint,
            auth: (&auth).into(),
            key_name: None,
            tenant_id: None,
            client_id: None,
        };
        match auth {
            DomainBusAuth::ConnectionString { .. } => {}
            DomainBusAuth::SharedAccessKey { key_name, .. } => settings.key_name = Some(key_name),
            DomainBusAuth::ClientSecret {
                tenant_id,
                client_id,
                ..
            } => {
                settings.tenant_id = Some(tenant_id);
                settings.client_id = Some(client_id);
            }
            DomainBusAuth::ManagedIdentity { client_id } => settings.client_id = client_id,
        }
        settings
    }
}

impl From<&DomainSqsAuth> for SqsAuth {
    fn from(auth: &DomainSqsAuth) -> Self {
        match auth {
            DomainSqsAuth::DefaultChain => Self::DefaultChain,
            DomainSqsAuth::StaticKeys { .. } => Self::StaticKeys,
            DomainSqsAuth::AssumeRole { .. } => Self::AssumeRole,
        }
    }
}

impl From<&DomainBusAuth> for ServiceBusAuth {
    fn from(auth: &DomainBusAuth) -> Self {
        match auth {
            DomainBusAuth::ConnectionString { .. } => Self::ConnectionString,
            DomainBusAuth::SharedAccessKey { .. } => Self::SharedAccessKey,
            DomainBusAuth::ClientSecret { .. } => Self::ClientSecret,
            DomainBusAuth::ManagedIdentity { .. } => Self::ManagedIdentity,
        }
    }
}
