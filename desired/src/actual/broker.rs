//! A broker as the API shows it.

use domain::BrokerName;
use serde::Deserialize;

use crate::state::broker::{
    AssumeRole, BrokerSpec, ClientSecret, Credential, Kafka, KafkaSasl, KafkaTls, ManagedIdentity,
    SaslMechanism, Secret, ServiceBus, ServiceBusAuth, SharedAccessKey, Sqs, SqsAuth,
};

/// A broker, and how it is reached.
#[derive(Deserialize)]
#[serde(try_from = "ShownBroker")]
pub(super) struct ReadBroker {
    pub(super) id: String,
    pub(super) name: BrokerName,
    pub(super) revision: String,
    pub(super) spec: BrokerSpec,
}

#[derive(Deserialize)]
struct ShownBroker {
    id: String,
    name: BrokerName,
    revision: String,
    credential: Option<Credential>,
    settings: ShownSettings,
}

#[derive(Deserialize)]
#[serde(tag = "__typename")]
enum ShownSettings {
    #[serde(rename = "KafkaSettings", rename_all = "camelCase")]
    Kafka {
        bootstrap_servers: Vec<String>,
        tls: bool,
        ca: Option<String>,
        sasl_mechanism: Option<SaslMechanism>,
    },
    #[serde(rename = "SqsSettings", rename_all = "camelCase")]
    Sqs {
        region: String,
        endpoint: Option<String>,
        role_arn: Option<String>,
        external_id: Option<String>,
    },
    #[serde(rename = "ServiceBusSettings")]
    ServiceBus(ShownServiceBus),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownServiceBus {
    namespace: String,
    endpoint: Option<String>,
    service_bus_auth: BusAuth,
    key_name: Option<String>,
    tenant_id: Option<String>,
    client_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum BusAuth {
    ConnectionString,
    SharedAccessKey,
    ClientSecret,
    ManagedIdentity,
}

impl TryFrom<ShownBroker> for ReadBroker {
    type Error = String;

    fn try_from(shown: ShownBroker) -> Result<Self, String> {
        let ShownBroker { id, name, .. } = shown;
        let spec = shown.settings.spec(shown.credential);
        Ok(Self {
            spec: spec.ok_or_else(|| format!("the settings of broker {name} are not complete"))?,
            revision: shown.revision,
            id,
            name,
        })
    }
}

impl ShownSettings {
    /// As it is asked for; none where something is lacking that goes with its kind.
    fn spec(self, credential: Option<Credential>) -> Option<BrokerSpec> {
        Some(match self {
            Self::Kafka {
                bootstrap_servers,
                tls,
                ca,
                sasl_mechanism,
            } => {
                let pair = sasl_mechanism.zip(credential.clone());
                let sasl = pair.map(|(mechanism, credential)| KafkaSasl {
                    mechanism,
                    credential,
                });
                // The credential is either the password or the client certificate.
                let credential = credential.filter(|_| sasl.is_none());
                BrokerSpec::Kafka(Kafka {
                    bootstrap_servers,
                    tls: tls.then_some(KafkaTls { ca, credential }),
                    sasl,
                })
            }
            Self::Sqs {
                region,
                endpoint,
                role_arn,
                external_id,
            } => BrokerSpec::Sqs(Sqs {
                region,
                endpoint,
                auth: match (role_arn, credential) {
                    (Some(role_arn), _) => Some(SqsAuth::AssumeRole(AssumeRole {
                        role_arn,
                        external_id,
                    })),
                    (None, Some(credential)) => Some(SqsAuth::StaticKeys(Secret { credential })),
                    (None, None) => None,
                },
            }),
            Self::ServiceBus(bus) => BrokerSpec::ServiceBus(bus.spec(credential)?),
        })
    }
}

impl ShownServiceBus {
    fn spec(self, credential: Option<Credential>) -> Option<ServiceBus> {
        let client_id = self.client_id;
        let auth = match self.service_bus_auth {
            BusAuth::ManagedIdentity => {
                ServiceBusAuth::ManagedIdentity(ManagedIdentity { client_id })
            }
            BusAuth::ConnectionString => ServiceBusAuth::ConnectionString(Secret {
                credential: credential?,
            }),
            BusAuth::SharedAccessKey => ServiceBusAuth::SharedAccessKey(SharedAccessKey {
                key_name: self.key_name?,
                credential: credential?,
            }),
            BusAuth::ClientSecret => ServiceBusAuth::ClientSecret(ClientSecret {
                tenant_id: self.tenant_id?,
                client_id: client_id?,
                credential: credential?,
            }),
        };
        Some(ServiceBus {
            namespace: self.namespace,
            endpoint: self.endpoint,
            auth,
        })
    }
}
