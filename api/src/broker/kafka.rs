//! How a Kafka cluster is reached, as it is asked for and as it is shown.

use async_graphql::{Enum, InputObject, SimpleObject};
use domain::broker::{
    BrokerSettings, KafkaSecurity as DomainSecurity, SaslMechanism as DomainMechanism, Tls,
};

use super::input::CredentialInput;
use crate::user_error::{UserError, UserErrorCode};

/// How to reach a Kafka cluster.
#[derive(InputObject)]
pub struct KafkaInput {
    /// 1 to 16 addresses, each `host:port`.
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

impl KafkaInput {
    pub(super) fn settings(&self) -> Result<BrokerSettings, UserError> {
        let tls = self.tls.as_ref();
        let trusted = tls.map(|tls| Tls { ca: tls.ca.clone() });
        let certificate = tls.and_then(|tls| tls.credential.as_ref());
        let path = &["input", "settings", "kafka", "tls", "credential"];
        let security = match (&self.sasl, trusted) {
            (None, None) => DomainSecurity::Plaintext,
            (None, Some(tls)) => DomainSecurity::Tls {
                tls,
                credential: certificate.map(|c| c.reference(path)).transpose()?,
            },
            (Some(_), _) if certificate.is_some() => {
                let text = "use either a client certificate or SASL, not both";
                return Err(UserError::new(UserErrorCode::OutOfRange, text, path));
            }
            (Some(sasl), tls) => DomainSecurity::Sasl {
                mechanism: sasl.mechanism.into(),
                credential: {
                    let path = ["input", "settings", "kafka", "sasl", "credential"];
                    sasl.credential.reference(&path)?
                },
                tls,
            },
        };
        Ok(BrokerSettings::Kafka {
            bootstrap_servers: self.bootstrap_servers.clone(),
            security,
        })
    }
}

impl KafkaSettings {
    pub(super) fn new(bootstrap_servers: Vec<String>, security: DomainSecurity) -> Self {
        Self {
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
        }
    }
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
