//! How a broker is reached, as it is asked for. Credentials are referred to, never given.

use async_graphql::{Enum, InputObject};
use domain::CredentialRef;
use domain::broker::{
    BrokerSettings, KafkaSecurity, SaslMechanism as DomainMechanism, ServiceBusAuth, SqsAuth, Tls,
};

use crate::user_error::{UserError, UserErrorCode};

#[derive(InputObject)]
pub struct KafkaInput {
    /// 1 to 16 of `host:port`.
    pub bootstrap_servers: Vec<String>,
    /// Encryption; none unless given.
    pub tls: Option<KafkaTlsInput>,
    /// A user name and a password; without `tls` they travel unencrypted.
    pub sasl: Option<KafkaSaslInput>,
}

#[derive(InputObject)]
pub struct KafkaTlsInput {
    /// The certificates that are trusted, PEM; the system's unless given.
    pub ca: Option<String>,
    /// A client certificate with its key; not together with `sasl`.
    pub credential: Option<CredentialInput>,
}

#[derive(InputObject)]
pub struct KafkaSaslInput {
    pub mechanism: SaslMechanism,
    /// The user name with the password.
    pub credential: CredentialInput,
}

/// How a user name and a password are shown to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainMechanism")]
pub enum SaslMechanism {
    Plain,
    #[graphql(name = "SCRAM_SHA_256")]
    ScramSha256,
    #[graphql(name = "SCRAM_SHA_512")]
    ScramSha512,
}

/// One version of a credential that is kept elsewhere.
#[derive(InputObject)]
pub struct CredentialInput {
    /// Where it is kept and its name there: `provider/name`.
    pub name: String,
    /// From 1.
    pub version: u32,
}

/// The queues of an AWS account in a region. Unless keys or a role are given, a worker proves
/// itself by what its machine was given.
#[derive(InputObject)]
pub struct SqsInput {
    pub region: String,
    /// Where the API is, if not at its usual address: an `http` or `https` URL.
    pub endpoint: Option<String>,
    /// Not together with `assumeRole`.
    pub static_keys: Option<SqsStaticKeysInput>,
    /// Not together with `staticKeys`.
    pub assume_role: Option<SqsAssumeRoleInput>,
}

#[derive(InputObject)]
pub struct SqsStaticKeysInput {
    /// The access key's id with its secret.
    pub credential: CredentialInput,
}

#[derive(InputObject)]
pub struct SqsAssumeRoleInput {
    pub role_arn: String,
    /// What the role's owner asks for.
    pub external_id: Option<String>,
}

/// An Azure Service Bus namespace, with one of the four ways to prove oneself.
#[derive(InputObject)]
pub struct ServiceBusInput {
    /// Its full host name, like `sales.servicebus.windows.net`.
    pub namespace: String,
    /// Where it listens, if not at its host name: an `amqp` or `amqps` URL.
    pub endpoint: Option<String>,
    pub connection_string: Option<ServiceBusConnectionStringInput>,
    pub shared_access_key: Option<ServiceBusSharedAccessKeyInput>,
    pub client_secret: Option<ServiceBusClientSecretInput>,
    pub managed_identity: Option<ServiceBusManagedIdentityInput>,
}

#[derive(InputObject)]
pub struct ServiceBusConnectionStringInput {
    pub credential: CredentialInput,
}

#[derive(InputObject)]
pub struct ServiceBusSharedAccessKeyInput {
    pub key_name: String,
    pub credential: CredentialInput,
}

#[derive(InputObject)]
pub struct ServiceBusClientSecretInput {
    /// The tenant's id or domain.
    pub tenant_id: String,
    /// The application's id.
    pub client_id: String,
    pub credential: CredentialInput,
}

#[derive(InputObject)]
pub struct ServiceBusManagedIdentityInput {
    /// Where the machine has several identities.
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
                let text = "a client proves itself by a certificate or by a password, not by both";
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
                let text = "a worker proves itself by keys or by a role, not by both";
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
