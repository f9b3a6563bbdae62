//! What settings of a broker are refused before anything is connected to.

use super::{BrokerSettings, KafkaSecurity, ServiceBusAuth, SqsAuth, Tls};
use crate::refusal::Refusal;

/// The most bootstrap servers, and the longest of them in bytes.
const MOST_SERVERS: usize = 16;
const LONGEST_SERVER: usize = 261;

/// The longest host name, and the longest URL, in bytes.
const LONGEST_HOST: usize = 253;
const LONGEST_URL: usize = 2048;

/// The longest list of certificates, in bytes: with the rest it must fit into an event.
const LONGEST_CA: usize = 128 * 1024;

impl BrokerSettings {
    /// Refuses settings that cannot be those of a broker, before anything is connected to.
    ///
    /// # Errors
    /// A refusal that names the field.
    pub fn check(&self) -> Result<(), Refusal> {
        match self {
            Self::Kafka {
                bootstrap_servers,
                security,
            } => check_kafka(bootstrap_servers, security),
            Self::Sqs {
                region,
                endpoint,
                auth,
            } => check_sqs(region, endpoint.as_deref(), auth),
            Self::ServiceBus {
                namespace,
                endpoint,
                auth,
            } => check_service_bus(namespace, endpoint.as_deref(), auth),
        }
    }
}

fn check_kafka(servers: &[String], security: &KafkaSecurity) -> Result<(), Refusal> {
    let count = (1..=MOST_SERVERS).contains(&servers.len());
    unless(
        count && servers.iter().all(|server| is_address(server)),
        "kafka.bootstrapServers",
        "1 to 16 addresses of the form host:port",
    )?;
    match security {
        KafkaSecurity::Plaintext => Ok(()),
        KafkaSecurity::Tls { tls, credential } => {
            check_tls(tls)?;
            credential
                .as_ref()
                .map_or(Ok(()), |c| c.check("kafka.tls.credential"))
        }
        KafkaSecurity::Sasl {
            credential, tls, ..
        } => {
            tls.as_ref().map_or(Ok(()), check_tls)?;
            credential.check("kafka.sasl.credential")
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
        "kafka.tls.ca",
        "certificates in PEM and nothing else, at most 128 KiB",
    )
}

fn check_sqs(region: &str, endpoint: Option<&str>, auth: &SqsAuth) -> Result<(), Refusal> {
    unless(
        is_word(region, 32, "-") && region.contains('-'),
        "sqs.region",
        "a region like eu-central-1",
    )?;
    unless(
        endpoint.is_none_or(|url| is_url(url, &["http://", "https://"])),
        "sqs.endpoint",
        "an http or https URL without user name, query and fragment",
    )?;
    match auth {
        SqsAuth::DefaultChain => Ok(()),
        SqsAuth::StaticKeys { credential } => credential.check("sqs.staticKeys.credential"),
        SqsAuth::AssumeRole {
            role_arn,
            external_id,
        } => {
            unless(
                is_role(role_arn),
                "sqs.assumeRole.roleArn",
                "a role's ARN like arn:aws:iam::123456789012:role/name",
            )?;
            unless(
                external_id
                    .as_deref()
                    .is_none_or(|id| id.len() >= 2 && is_word(id, 1224, "+=,.@:/_-")),
                "sqs.assumeRole.externalId",
                "2 to 1224 letters, digits and +=,.@:/_-",
            )
        }
    }
}

fn check_service_bus(
    namespace: &str,
    endpoint: Option<&str>,
    auth: &ServiceBusAuth,
) -> Result<(), Refusal> {
    unless(
        is_word(namespace, LONGEST_HOST, "-.") && namespace.contains('.'),
        "serviceBus.namespace",
        "a full host name like sales.servicebus.windows.net",
    )?;
    unless(
        endpoint.is_none_or(|url| is_url(url, &["amqp://", "amqps://"])),
        "serviceBus.endpoint",
        "an amqp or amqps URL without user name, query and fragment",
    )?;
    let is_guid = |text: &str| uuid::Uuid::try_parse(text).is_ok();
    match auth {
        ServiceBusAuth::ConnectionString { credential } => {
            credential.check("serviceBus.connectionString.credential")
        }
        ServiceBusAuth::SharedAccessKey {
            key_name,
            credential,
        } => {
            unless(
                is_word(key_name, 256, "._-"),
                "serviceBus.sharedAccessKey.keyName",
                "1 to 256 letters, digits, '.', '_' and '-'",
            )?;
            credential.check("serviceBus.sharedAccessKey.credential")
        }
        ServiceBusAuth::ClientSecret {
            tenant_id,
            client_id,
            credential,
        } => {
            // A tenant also goes by any of its domains.
            unless(
                is_word(tenant_id, LONGEST_HOST, "-."),
                "serviceBus.clientSecret.tenantId",
                "a tenant's id or domain",
            )?;
            unless(
                is_guid(client_id),
                "serviceBus.clientSecret.clientId",
                "an application's id",
            )?;
            credential.check("serviceBus.clientSecret.credential")
        }
        ServiceBusAuth::ManagedIdentity { client_id } => unless(
            client_id.as_deref().is_none_or(is_guid),
            "serviceBus.managedIdentity.clientId",
            "an identity's client id",
        ),
    }
}

fn unless(fine: bool, field: &'static str, rule: &'static str) -> Result<(), Refusal> {
    if fine {
        Ok(())
    } else {
        Err(Refusal::OutOfRange { field, rule })
    }
}

/// Whether `text` is letters, digits and characters of `others`, a letter or digit first.
fn is_word(text: &str, longest: usize, others: &str) -> bool {
    text.len() <= longest
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || others.contains(c))
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

/// A URL without the parts that could hold a secret.
fn is_url(url: &str, schemes: &[&str]) -> bool {
    let mut rests = schemes.iter().filter_map(|scheme| url.strip_prefix(scheme));
    rests.next().is_some_and(|rest| {
        let authority = rest.split('/').next().unwrap_or_default();
        url.len() <= LONGEST_URL
            && rest.chars().all(|c| c.is_ascii_graphic())
            && !rest.contains(['@', '?', '#', '\\'])
            && !authority.is_empty()
            && !authority.starts_with(':')
    })
}

fn is_role(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [prefix, partition, service, region, account, role] = parts[..] else {
        return false;
    };
    arn.len() <= LONGEST_URL
        && prefix == "arn"
        && is_word(partition, 32, "-")
        && (service, region) == ("iam", "")
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && role
            .strip_prefix("role/")
            .is_some_and(|name| is_word(name, 512, "+=,.@_-/"))
}

#[cfg(test)]
mod tests;
