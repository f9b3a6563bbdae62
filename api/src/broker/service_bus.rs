//! How a Service Bus namespace is reached, as it is asked for and as it is shown.

use async_graphql::{Enum, InputObject, OneofObject, SimpleObject};
use domain::broker::{BrokerSettings, ServiceBusAuth as DomainBusAuth};

use super::input::CredentialInput;
use crate::user_error::UserError;

/// How to reach an Azure Service Bus namespace.
#[derive(InputObject)]
pub struct ServiceBusInput {
    /// Its fully qualified host name, for example `sales.servicebus.windows.net`.
    pub namespace: String,
    /// Where it listens, if not at its host name: an `amqp` or `amqps` URL.
    pub endpoint: Option<String>,
    /// How a worker authenticates.
    pub auth: ServiceBusAuthInput,
}

/// How a worker authenticates to Service Bus.
#[derive(OneofObject)]
pub enum ServiceBusAuthInput {
    /// By a connection string.
    ConnectionString(ServiceBusConnectionStringInput),
    /// By the key of a shared access policy.
    SharedAccessKey(ServiceBusSharedAccessKeyInput),
    /// As an Entra application.
    ClientSecret(ServiceBusClientSecretInput),
    /// As the machine of the worker.
    ManagedIdentity(ServiceBusManagedIdentityInput),
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

impl ServiceBusInput {
    pub(super) fn settings(&self) -> Result<BrokerSettings, UserError> {
        let reference = |credential: &CredentialInput, member: &str| {
            let path = [
                "input",
                "settings",
                "serviceBus",
                "auth",
                member,
                "credential",
            ];
            credential.reference(&path)
        };
        let auth = match &self.auth {
            ServiceBusAuthInput::ConnectionString(string) => DomainBusAuth::ConnectionString {
                credential: reference(&string.credential, "connectionString")?,
            },
            ServiceBusAuthInput::SharedAccessKey(key) => DomainBusAuth::SharedAccessKey {
                key_name: key.key_name.clone(),
                credential: reference(&key.credential, "sharedAccessKey")?,
            },
            ServiceBusAuthInput::ClientSecret(secret) => DomainBusAuth::ClientSecret {
                tenant_id: secret.tenant_id.clone(),
                client_id: secret.client_id.clone(),
                credential: reference(&secret.credential, "clientSecret")?,
            },
            ServiceBusAuthInput::ManagedIdentity(identity) => DomainBusAuth::ManagedIdentity {
                client_id: identity.client_id.clone(),
            },
        };
        Ok(BrokerSettings::ServiceBus {
            namespace: self.namespace.clone(),
            endpoint: self.endpoint.clone(),
            auth,
        })
    }
}

impl ServiceBusSettings {
    pub(super) fn new(namespace: String, endpoint: Option<String>, auth: DomainBusAuth) -> Self {
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
