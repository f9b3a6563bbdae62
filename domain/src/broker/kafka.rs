//! Kafka clusters: how they are reached, and what their topics are called.

use serde::{Deserialize, Serialize};

use super::check::unless;
use crate::credential::CredentialRef;
use crate::refusal::Refusal;

/// The most bootstrap servers, and the longest of them in bytes.
const MOST_SERVERS: usize = 16;
const LONGEST_SERVER: usize = 261;

/// The longest list of certificates, in bytes: with the rest it must fit into an event.
const LONGEST_CA: usize = 128 * 1024;

/// What a topic is called.
pub(super) const TOPIC_RULE: &str =
    "a Kafka topic: at most 249 letters, digits, '.', '_' and '-', and not '.' or '..'";

/// How a Kafka client proves itself, and what it demands of the broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum KafkaSecurity {
    /// No encryption, no authentication.
    Plaintext,
    /// Encryption; the client shows a certificate if there is one.
    Tls {
        tls: Tls,
        /// A client certificate with its key, PEM.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credential: Option<CredentialRef>,
    },
    /// A user name and a password.
    Sasl {
        mechanism: SaslMechanism,
        /// The user name with the password.
        credential: CredentialRef,
        /// Without it the exchange is not encrypted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tls: Option<Tls>,
    },
}

/// How the broker's certificate is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    /// The certificates that are trusted, PEM; the system's where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

/// How a user name and a password are shown to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SaslMechanism {
    #[serde(rename = "PLAIN")]
    Plain,
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

impl KafkaSecurity {
    pub(super) fn credential(&self) -> Option<&CredentialRef> {
        match self {
            Self::Plaintext => None,
            Self::Tls { credential, .. } => credential.as_ref(),
            Self::Sasl { credential, .. } => Some(credential),
        }
    }

    pub(super) fn credential_mut(&mut self) -> Option<&mut CredentialRef> {
        match self {
            Self::Plaintext => None,
            Self::Tls { credential, .. } => credential.as_mut(),
            Self::Sasl { credential, .. } => Some(credential),
        }
    }
}

/// Whether a cluster could have a topic of that name.
pub(super) fn allows(name: &str) -> bool {
    name.len() <= 249 && !name.contains('/') && name != "." && name != ".."
}

pub(super) fn check(servers: &[String], security: &KafkaSecurity) -> Result<(), Refusal> {
    let count = (1..=MOST_SERVERS).contains(&servers.len());
    unless(
        count && servers.iter().all(|server| is_address(server)),
        "settings.kafka.bootstrapServers",
        "1 to 16 addresses of the form host:port",
    )?;
    match security {
        KafkaSecurity::Plaintext => Ok(()),
        KafkaSecurity::Tls { tls, credential } => {
            check_tls(tls)?;
            credential
                .as_ref()
                .map_or(Ok(()), |c| c.check("settings.kafka.tls.credential"))
        }
        KafkaSecurity::Sasl {
            credential, tls, ..
        } => {
            tls.as_ref().map_or(Ok(()), check_tls)?;
            credential.check("settings.kafka.sasl.credential")
        }
    }
}

fn check_tls(tls: &Tls) -> Result<(), Refusal> {
    let Some(ca) = &tls.ca else { return Ok(()) };
    let certificates = ca.len() <= LONGEST_CA
        && ca.trim_start().starts_with("-----BEGIN CERTIFICATE-----")
        && ca.trim_end().ends_with("-----END CERTIFICATE-----");
    unless(
        // A whole key store, pasted here, would put a secret into the log.
        certificates && !ca.contains("PRIVATE KEY"),
        "settings.kafka.tls.ca",
        "certificates in PEM and nothing else, at most 128 KiB",
    )
}

fn is_address(server: &str) -> bool {
    let host_and_port = |(host, port): (&str, &str)| {
        !host.is_empty()
            && host
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-._[]:".contains(c))
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    server.len() <= LONGEST_SERVER && server.rsplit_once(':').is_some_and(host_and_port)
}
