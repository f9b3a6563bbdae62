//! How a broker is reached, as it is asked for. Credentials are referred to, never given.

use async_graphql::{Enum, InputObject};
use domain::CredentialRef;
use domain::broker::{
    BrokerSettings, KafkaSecurity, SaslMechanism as DomainMechanism, ServiceBusAuth, SqsAuth, Tls,
};

use crate::user_error::{UserError, UserErrorCode};

/// How to reach a Kafka cluster.
#[derive(InputObject)]
pub struct KafkaInput {
    /// 1 to 16 of `host:port`.
    pub bootstrap_servers: Vec<String>,
    /// Encryption; none by default.
    pub tls: Option<KafkaTlsInput>,
    /// Authentication by user name and password; without `tls` they travel unencrypted.
    pub sasl: Option<KafkaSaslInput>,
}

/// How the connection is encrypted.
#[derive(InputObject)]
pub struct KafkaTlsInput {
    /// The trusted certificates, PEM; by default those of the system.
    pub ca: Option<String>,
    /// A client certificate with its key; not together with `sasl`.
    pub credential: Option<CredentialInput>,
}

/// How a client authenticates by SASL.
#[derive(InputObject)]
pub struct KafkaSaslInput {
    /// The SASL mechanism.
    pub mechanism: SaslMechanism,
    /// The user name with the password.
    pub credential: CredentialInput,
}

/// The SASL mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainMechanism")]
pub enum SaslMechanism {
    /// PLAIN: the password is sent as it is.
    Plain,
    /// SCRAM with SHA-256.
    #[graphql(name = "SCRAM_SHA_256")]
    ScramSha256,
    /// SCRAM with SHA-512.
    #[graphql(name = "SCRAM_SHA_512")]
    ScramSha512,
}

/// One version of a credential that is kept elsewhere.
#[derive(InputObject)]
pub struct CredentialInput {
    /// Where it is kept and its name there: `provider/name`.
    pub name: String,
    /// Which version, from 1.
    pub version: u32,
}

/// How to reach the SQS queues of an AWS account in a region. Unless keys or a role are given, a
/// worker authenticates with what its machine has.
#[derive(InputObject)]
pub struct SqsInput {
    /// The AWS region, for example `eu-central-1`.
    pub region: String,
    /// Where the API is, if not at its usual address: an `http` or `https` URL.
    pub endpoint: Option<String>,
    /// Not together with `assumeRole`.
    pub static_keys: Option<SqsStaticKeysInput>,
    /// Not together with `staticKeys`.
    pub assume_role: Option<SqsAssumeRoleInput>,
}

/// Authentication by an access key.
#[derive(InputObject)]
pub struct SqsStaticKeysInput {
    /// The access key id with its secret.
    pub credential: CredentialInput,
}

/// Authentication by a role, assumed with what the machine of the worker has.
#[derive(InputObject)]
pub struct SqsAssumeRoleInput {
    /// The ARN of the role to assume.
    pub role_arn: String,
    /// The external id that the role's owner asks for.
    pub external_id: Option<String>,
}

/// How to reach an Azure Service Bus namespace, with exactly one of the four ways to authenticate.
#[derive(InputObject)]
pub struct ServiceBusInput {
    /// Its fully qualified host name, for example `sales.servicebus.windows.net`.
    pub namespace: String,
    /// Where it listens, if not at its host name: an `amqp` or `amqps` URL.
    pub endpoint: Option<String>,
    /// Authenticate by a connection string.
    pub connection_string: Option<ServiceBusConnectionStringInput>,
    /// Authenticate by the key of a shared access policy.
    pub shared_access_key: Option<ServiceBusSharedAccessKeyInput>,
    /// Authenticate as an Entra application.
    pub client_secret: Option<ServiceBusClientSecretInput>,
    /// Authenticate as the machine of the worker.
    pub managed_identity: Option<ServiceBusManagedIdentityInput>,
}

/// Authentication by a connection string.
#[derive(InputObject)]
pub struct ServiceBusConnectionStringInput {
    /// The connection string.
    pub credential: CredentialInput,
}

/// Authentication by the key of a shared access policy.
#[derive(InputObject)]
pub struct ServiceBusSharedAccessKeyInput {
    /// The name of the policy.
    pub key_name: String,
    /// Its key.
    pub credential: CredentialInput,
}

/// Authentication as an Entra application.
#[derive(InputObject)]
pub struct ServiceBusClientSecretInput {
    /// The tenant's id or domain.
    pub tenant_id: String,
    /// The application's id.
    pub client_id: String,
    /// The application's secret.
    pub credential: CredentialInput,
}

/// Authentication as the machine of the worker.
#[derive(InputObject)]
pub struct ServiceBusManagedIdentityInput {
    /// Which identity, if the machine has several.
    pub client_id: Option<String>,
}

impl KafkaInput {
    pub(super) fn settings(&self) -> Result<BrokerSettings, UserError> {
        let tls = self.tls.as_ref();
        let trusted = tls.map(|tls| Tls { ca: tls.ca.clone() });
        let certificate = tls.and_then(|tls| tls.credential.as_ref());
        let path = &["input", "kafka", "tls", "credential"];
        let security = match (&self.sasl, trusted) {
            (None, None) => KafkaSecurity::Plaintext,
            (None, Some(tls)) => KafkaSecurity::Tls {
                tls,
                credential: certificate.map(|c| c.reference(path)).transpose()?,
            },
            (Some(_), _) if certificate.is_some() => {
                let text = "use either a client certificate or SASL, not both";
                return Err(UserError::new(UserErrorCode::OutOfRange, text, path));
            }
            (Some(sasl), tls) => KafkaSecurity::Sasl {
                mechanism: sasl.mechanism.into(),
                credential: sasl
                    .credential
                    .reference(&["input", "kafka", "sasl", "credential"])?,
                tls,
            },
        };
        Ok(BrokerSettings::Kafka {
            bootstrap_servers: self.bootstrap_servers.clone(),
            security,
        })
    }
}

impl SqsInput {
    pub(super) fn settings(&self) -> Result<BrokerSettings, UserError> {
        let auth = match (&self.static_keys, &self.assume_role) {
            (None, None) => SqsAuth::DefaultChain,
            (Some(keys), None) => SqsAuth::StaticKeys {
                credential: keys.credential.reference(&[
                    "input",
                    "sqs",
                    "staticKeys",
                    "credential",
                ])?,
            },
            (None, Some(role)) => SqsAuth::AssumeRole {
                role_arn: role.role_arn.clone(),
                external_id: role.external_id.clone(),
            },
            (Some(_), Some(_)) => {
                let text = "use either static keys or a role, not both";
                let path = &["input", "sqs", "staticKeys"];
                return Err(UserError::new(UserErrorCode::OutOfRange, text, path));
            }
        };
        Ok(BrokerSettings::Sqs {
            region: self.region.clone(),
            endpoint: self.endpoint.clone(),
            auth,
        })
    }
}

impl ServiceBusInput {
    pub(super) fn settings(&self) -> Result<BrokerSettings, UserError> {
        let reference = |credential: &CredentialInput, field: &str| {
            credential.reference(&["input", "serviceBus", field, "credential"])
        };
        let auth = match (
            &self.connection_string,
            &self.shared_access_key,
            &self.client_secret,
            &self.managed_identity,
        ) {
            (Some(string), None, None, None) => ServiceBusAuth::ConnectionString {
                credential: reference(&string.credential, "connectionString")?,
            },
            (None, Some(key), None, None) => ServiceBusAuth::SharedAccessKey {
                key_name: key.key_name.clone(),
                credential: reference(&key.credential, "sharedAccessKey")?,
            },
            (None, None, Some(secret), None) => ServiceBusAuth::ClientSecret {
                tenant_id: secret.tenant_id.clone(),
                client_id: secret.client_id.clone(),
                credential: reference(&secret.credential, "clientSecret")?,
            },
            (None, None, None, Some(identity)) => ServiceBusAuth::ManagedIdentity {
                client_id: identity.client_id.clone(),
            },
            _ => {
                let text = "one of connectionString, sharedAccessKey, clientSecret and \
                            managedIdentity must be given";
                let path = &["input", "serviceBus"];
                return Err(UserError::new(UserErrorCode::OutOfRange, text, path));
            }
        };
        Ok(BrokerSettings::ServiceBus {
            namespace: self.namespace.clone(),
            endpoint: self.endpoint.clone(),
            auth,
        })
    }
}

impl CredentialInput {
    /// The reference; `path` is where it was asked for.
    pub(super) fn reference(&self, path: &[&str]) -> Result<CredentialRef, UserError> {
        Ok(CredentialRef {
            name: self
                .name
                .parse()
                .map_err(|error| UserError::bad_name(&error, path))?,
            version: self.version,
        })
    }
}
