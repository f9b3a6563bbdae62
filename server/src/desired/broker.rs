//! How a broker is reached, as a document and the API's inputs say it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The settings of one of the three kinds of brokers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum BrokerSpec {
    Kafka(Kafka),
    Sqs(Sqs),
    ServiceBus(ServiceBus),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Kafka {
    pub(super) bootstrap_servers: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tls: Option<KafkaTls>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sasl: Option<KafkaSasl>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct KafkaTls {
    /// PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ca: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) credential: Option<Credential>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct KafkaSasl {
    pub(super) mechanism: SaslMechanism,
    pub(super) credential: Credential,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum SaslMechanism {
    #[serde(rename = "PLAIN")]
    Plain,
    #[serde(rename = "SCRAM_SHA_256")]
    ScramSha256,
    #[serde(rename = "SCRAM_SHA_512")]
    ScramSha512,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Sqs {
    pub(super) region: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) static_keys: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) assume_role: Option<AssumeRole>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AssumeRole {
    pub(super) role_arn: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) external_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ServiceBus {
    pub(super) namespace: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) connection_string: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) shared_access_key: Option<SharedAccessKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) client_secret: Option<ClientSecret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) managed_identity: Option<ManagedIdentity>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SharedAccessKey {
    pub(super) key_name: String,
    pub(super) credential: Credential,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ClientSecret {
    pub(super) tenant_id: String,
    pub(super) client_id: String,
    pub(super) credential: Credential,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ManagedIdentity {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) client_id: Option<String>,
}

/// What is nothing but a secret, and so a reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Secret {
    pub(super) credential: Credential,
}

/// One version of a credential that is kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credential {
    /// `provider/name`
    pub(super) name: domain::CredentialName,
    pub(super) version: u32,
}

impl BrokerSpec {
    /// The credential that it refers to, if it needs one.
    pub(super) fn credential(&self) -> Option<&Credential> {
        match self {
            Self::Kafka(Kafka { sasl, tls, .. }) => sasl
                .as_ref()
                .map(|sasl| &sasl.credential)
                .or_else(|| tls.as_ref().and_then(|tls| tls.credential.as_ref())),
            Self::Sqs(sqs) => sqs.static_keys.as_ref().map(|keys| &keys.credential),
            Self::ServiceBus(bus) => bus
                .connection_string
                .as_ref()
                .map(|secret| &secret.credential)
                .or_else(|| bus.shared_access_key.as_ref().map(|key| &key.credential))
                .or_else(|| bus.client_secret.as_ref().map(|app| &app.credential)),
        }
    }

    /// The same with another credential; itself where it needs none.
    pub(super) fn with_credential(&self, other: &Credential) -> Self {
        let mut rotated = self.clone();
        let place = match &mut rotated {
            Self::Kafka(Kafka { sasl, tls, .. }) => match (sasl, tls) {
                (Some(sasl), _) => Some(&mut sasl.credential),
                (None, Some(tls)) => tls.credential.as_mut(),
                (None, None) => None,
            },
            Self::Sqs(sqs) => sqs.static_keys.as_mut().map(|keys| &mut keys.credential),
            Self::ServiceBus(bus) => bus
                .connection_string
                .as_mut()
                .map(|secret| &mut secret.credential)
                .or(bus
                    .shared_access_key
                    .as_mut()
                    .map(|key| &mut key.credential))
                .or(bus.client_secret.as_mut().map(|app| &mut app.credential)),
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
