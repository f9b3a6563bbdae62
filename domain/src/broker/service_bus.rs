//! Azure Service Bus: how a namespace is reached, and what its queues and topics are called.

use serde::{Deserialize, Serialize};

use super::check::{LONGEST_HOST, is_url, is_word, unless};
use crate::credential::CredentialRef;
use crate::refusal::Refusal;

/// The separator between a topic of Service Bus and a subscription to it.
const SUBSCRIPTIONS: &str = "/subscriptions/";

/// What a queue, or a topic with a subscription, is called.
pub(super) const TOPIC_RULE: &str = "a Service Bus queue of at most 260 characters, or topic/subscriptions/name with a name of at \
     most 50, each with letters or digits at its ends";

/// How a worker proves itself to Service Bus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ServiceBusAuth {
    /// By a broker string.
    ConnectionString { credential: CredentialRef },
    /// By the key of a shared access rule.
    SharedAccessKey {
        key_name: String,
        credential: CredentialRef,
    },
    /// As an Entra application, by its client secret.
    ClientSecret {
        tenant_id: String,
        client_id: String,
        credential: CredentialRef,
    },
    /// As the worker's machine; `client_id` where it has several identities.
    ManagedIdentity {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_id: Option<String>,
    },
}

impl ServiceBusAuth {
    pub(super) fn credential(&self) -> Option<&CredentialRef> {
        match self {
            Self::ConnectionString { credential }
            | Self::SharedAccessKey { credential, .. }
            | Self::ClientSecret { credential, .. } => Some(credential),
            Self::ManagedIdentity { .. } => None,
        }
    }

    pub(super) fn credential_mut(&mut self) -> Option<&mut CredentialRef> {
        match self {
            Self::ConnectionString { credential }
            | Self::SharedAccessKey { credential, .. }
            | Self::ClientSecret { credential, .. } => Some(credential),
            Self::ManagedIdentity { .. } => None,
        }
    }
}

/// Whether a namespace could have a queue, topic or subscription of that name.
pub(super) fn allows(name: &str) -> bool {
    match split_subscription(name) {
        Some((topic, subscription)) => {
            entity(topic, 260) && entity(subscription, 50) && !subscription.contains('/')
        }
        None => entity(name, 260),
    }
}

/// Service Bus does not mind the case of its own words.
fn split_subscription(name: &str) -> Option<(&str, &str)> {
    let at = name.to_ascii_lowercase().find(SUBSCRIPTIONS)?;
    Some((&name[..at], &name[at + SUBSCRIPTIONS.len()..]))
}

/// Whether a queue, topic or subscription of Service Bus may be called that.
fn entity(name: &str, longest: usize) -> bool {
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    name.len() <= longest
        && ends(bytes.first())
        && ends(bytes.last())
        && !name.split('/').any(str::is_empty)
}

pub(super) fn check(
    namespace: &str,
    endpoint: Option<&str>,
    auth: &ServiceBusAuth,
) -> Result<(), Refusal> {
    unless(
        is_word(namespace, LONGEST_HOST, "-.") && namespace.contains('.'),
        "settings.serviceBus.namespace",
        "a full host name like sales.servicebus.windows.net",
    )?;
    unless(
        endpoint.is_none_or(|url| is_url(url, &["amqp://", "amqps://"])),
        "settings.serviceBus.endpoint",
        "an amqp or amqps URL without user name, query or fragment",
    )?;
    let is_guid = |text: &str| uuid::Uuid::try_parse(text).is_ok();
    match auth {
        ServiceBusAuth::ConnectionString { credential } => {
            credential.check("settings.serviceBus.auth.connectionString.credential")
        }
        ServiceBusAuth::SharedAccessKey {
            key_name,
            credential,
        } => {
            unless(
                is_word(key_name, 256, "._-"),
                "settings.serviceBus.auth.sharedAccessKey.keyName",
                "1 to 256 letters, digits, '.', '_' and '-'",
            )?;
            credential.check("settings.serviceBus.auth.sharedAccessKey.credential")
        }
        ServiceBusAuth::ClientSecret {
            tenant_id,
            client_id,
            credential,
        } => {
            // A tenant also goes by any of its domains.
            unless(
                is_word(tenant_id, LONGEST_HOST, "-."),
                "settings.serviceBus.auth.clientSecret.tenantId",
                "a tenant's id or domain",
            )?;
            unless(
                is_guid(client_id),
                "settings.serviceBus.auth.clientSecret.clientId",
                "an application's id",
            )?;
            credential.check("settings.serviceBus.auth.clientSecret.credential")
        }
        ServiceBusAuth::ManagedIdentity { client_id } => unless(
            client_id.as_deref().is_none_or(is_guid),
            "settings.serviceBus.auth.managedIdentity.clientId",
            "an identity's client id",
        ),
    }
}
