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
    /// Where clients connect first, each `host:port`.
    pub bootstrap_servers: Vec<String>,
    /// How clients authenticate.
    pub security: KafkaSecurity,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// The trusted certificates, PEM; null for those of the system.
    pub ca: Option<String>,
    /// The SASL mechanism; null unless `security` is `SASL`.
    pub sasl_mechanism: Option<SaslMechanism>,
}

/// How the queues of an AWS account are reached.
#[derive(SimpleObject)]
pub struct SqsSettings {
    /// The AWS region.
    pub region: String,
    /// Where the API is, if not at the region's usual address.
    pub endpoint: Option<String>,
    /// How a worker authenticates.
    #[graphql(name = "sqsAuth")]
    pub auth: SqsAuth,
    /// The role to assume; null unless `sqsAuth` is `ASSUME_ROLE`.
    pub role_arn: Option<String>,
    /// The external id that the role's owner asks for.
    pub external_id: Option<String>,
}

/// How an Azure Service Bus namespace is reached.
#[derive(SimpleObject)]
pub struct ServiceBusSettings {
    /// Its fully qualified host name.
    pub namespace: String,
    /// Where it listens, if not at its host name.
    pub endpoint: Option<String>,
    /// How a worker authenticates.
    #[graphql(name = "serviceBusAuth")]
    pub auth: ServiceBusAuth,
    /// The shared access policy; null unless `serviceBusAuth` is `SHARED_ACCESS_KEY`.
    pub key_name: Option<String>,
    /// The Entra tenant; null unless `serviceBusAuth` is `CLIENT_SECRET`.
    pub tenant_id: Option<String>,
    /// The application for `CLIENT_SECRET`; for `MANAGED_IDENTITY`, which of several identities to
    /// use.
    pub client_id: Option<String>,
}

/// How a worker authenticates to SQS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum SqsAuth {
    /// With what the machine of the worker has: the default chain of the AWS SDK.
    DefaultChain,
    /// With an access key.
    StaticKeys,
    /// With a role, assumed with what the machine of the worker has.
    AssumeRole,
}

/// How a worker authenticates to Service Bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ServiceBusAuth {
    /// With a connection string.
    ConnectionString,
    /// With the key of a shared access policy.
    SharedAccessKey,
    /// As an Entra application.
    ClientSecret,
    /// With the identity of the worker's machine.
    ManagedIdentity,
}

/// How a Kafka client authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum KafkaSecurity {
    /// No encryption, no authentication.
    Plaintext,
    /// Encryption, with a client certificate if there is one.
    Tls,
    /// A user name and a password, with or without encryption.
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
