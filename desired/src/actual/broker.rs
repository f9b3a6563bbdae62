//! A broker as the API shows it.

use domain::BrokerName;
use serde::Deserialize;

use crate::state::broker::{
    AssumeRole, BrokerSpec, ClientSecret, Credential, Kafka, KafkaSasl, KafkaTls, ManagedIdentity,
    SaslMechanism, Secret, ServiceBus, SharedAccessKey, Sqs,
};

#[derive(Deserialize)]
pub(super) struct ShownBroker {
    pub(super) id: String,
    pub(super) name: BrokerName,
    pub(super) revision: String,
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

impl From<ShownBroker> for BrokerSpec {
    fn from(shown: ShownBroker) -> Self {
        let credential = shown.credential;
        match shown.settings {
            ShownSettings::Kafka {
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
                Self::Kafka(Kafka {
                    bootstrap_servers,
                    tls: tls.then_some(KafkaTls { ca, credential }),
                    sasl,
                })
            }
            ShownSettings::Sqs {
                region,
                endpoint,
                role_arn,
                external_id,
            } => Self::Sqs(Sqs {
                region,
                endpoint,
                static_keys: credential.map(|credential| Secret { credential }),
                assume_role: role_arn.map(|role_arn| AssumeRole {
                    role_arn,
                    external_id,
                }),
            }),
            ShownSettings::ServiceBus(bus) => Self::ServiceBus(bus.spec(credential)),
        }
    }
}

impl ShownServiceBus {
    fn spec(self, credential: Option<Credential>) -> ServiceBus {
        let mut bus = ServiceBus {
            namespace: self.namespace,
            endpoint: self.endpoint,
            connection_string: None,
            shared_access_key: None,
            client_secret: None,
            managed_identity: None,
        };
        let client_id = self.client_id;
        match (self.service_bus_auth, credential) {
            (BusAuth::ManagedIdentity, _) => {
                bus.managed_identity = Some(ManagedIdentity { client_id });
            }
            (BusAuth::ConnectionString, Some(credential)) => {
                bus.connection_string = Some(Secret { credential });
            }
            (BusAuth::SharedAccessKey, Some(credential)) => {
                bus.shared_access_key = Some(SharedAccessKey {
                    key_name: self.key_name.unwrap_or_default(),
                    credential,
                });
            }
            (BusAuth::ClientSecret, Some(credential)) => {
                bus.client_secret = Some(ClientSecret {
                    tenant_id: self.tenant_id.unwrap_or_default(),
                    client_id: client_id.unwrap_or_default(),
                    credential,
                });
            }
            // The API shows no such broker.
            (_, None) => {}
        }
        bus
    }
}
