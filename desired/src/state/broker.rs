//! How a broker is reached, as documents and the API's inputs write it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::number;

/// The settings of one of the three kinds of brokers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum BrokerSpec {
    Kafka(Kafka),
    Sqs(Sqs),
    ServiceBus(ServiceBus),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Kafka {
    pub(crate) bootstrap_servers: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tls: Option<KafkaTls>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sasl: Option<KafkaSasl>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct KafkaTls {
    /// PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) credential: Option<Credential>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct KafkaSasl {
    pub(crate) mechanism: SaslMechanism,
    pub(crate) credential: Credential,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SaslMechanism {
    #[serde(rename = "PLAIN")]
    Plain,
    #[serde(rename = "SCRAM_SHA_256")]
    ScramSha256,
    #[serde(rename = "SCRAM_SHA_512")]
    ScramSha512,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Sqs {
    pub(crate) region: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) endpoint: Option<String>,
    /// None for what the worker's machine has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) auth: Option<SqsAuth>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum SqsAuth {
    StaticKeys(Secret),
    AssumeRole(AssumeRole),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AssumeRole {
    pub(crate) role_arn: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) external_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ServiceBus {
    pub(crate) namespace: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) endpoint: Option<String>,
    pub(crate) auth: ServiceBusAuth,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ServiceBusAuth {
    ConnectionString(Secret),
    SharedAccessKey(SharedAccessKey),
    ClientSecret(ClientSecret),
    ManagedIdentity(ManagedIdentity),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SharedAccessKey {
    pub(crate) key_name: String,
    pub(crate) credential: Credential,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ClientSecret {
    pub(crate) tenant_id: String,
    pub(crate) client_id: String,
    pub(crate) credential: Credential,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ManagedIdentity {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<String>,
}

/// Settings that are a secret alone, and so a reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Secret {
    pub(crate) credential: Credential,
}

/// One version of a credential that is kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credential {
    /// `provider/name`
    pub(crate) name: domain::CredentialName,
    #[serde(deserialize_with = "number::read")]
    pub(crate) version: u32,
}

impl BrokerSpec {
    /// The credential that it refers to, if any.
    pub(crate) fn credential(&self) -> Option<&Credential> {
        match self {
            Self::Kafka(Kafka { sasl, tls, .. }) => sasl
                .as_ref()
                .map(|sasl| &sasl.credential)
                .or_else(|| tls.as_ref().and_then(|tls| tls.credential.as_ref())),
            Self::Sqs(sqs) => match &sqs.auth {
                Some(SqsAuth::StaticKeys(keys)) => Some(&keys.credential),
                Some(SqsAuth::AssumeRole(_)) | None => None,
            },
            Self::ServiceBus(bus) => match &bus.auth {
                ServiceBusAuth::ConnectionString(secret) => Some(&secret.credential),
                ServiceBusAuth::SharedAccessKey(key) => Some(&key.credential),
                ServiceBusAuth::ClientSecret(app) => Some(&app.credential),
                ServiceBusAuth::ManagedIdentity(_) => None,
            },
        }
    }

    /// The same with another credential; itself where it needs none.
    pub(crate) fn with_credential(&self, other: &Credential) -> Self {
        let mut rotated = self.clone();
        let place = match &mut rotated {
            Self::Kafka(Kafka { sasl, tls, .. }) => match (sasl, tls) {
                (Some(sasl), _) => Some(&mut sasl.credential),
                (None, Some(tls)) => tls.credential.as_mut(),
                (None, None) => None,
            },
            Self::Sqs(sqs) => match &mut sqs.auth {
                Some(SqsAuth::StaticKeys(keys)) => Some(&mut keys.credential),
                Some(SqsAuth::AssumeRole(_)) | None => None,
            },
            Self::ServiceBus(bus) => match &mut bus.auth {
                ServiceBusAuth::ConnectionString(secret) => Some(&mut secret.credential),
                ServiceBusAuth::SharedAccessKey(key) => Some(&mut key.credential),
                ServiceBusAuth::ClientSecret(app) => Some(&mut app.credential),
                ServiceBusAuth::ManagedIdentity(_) => None,
            },
        };
        if let Some(place) = place {
            *place = other.clone();
        }
        rotated
    }
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} version {}", self.name, self.version)
    }
}
