//! What settings of a broker are refused before anything is connected to.

use super::{BrokerSettings, kafka, service_bus, sqs};
use crate::refusal::Refusal;

/// The longest host name, and the longest URL, in bytes.
pub(super) const LONGEST_HOST: usize = 253;
pub(super) const LONGEST_URL: usize = 2048;

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
            } => kafka::check(bootstrap_servers, security),
            Self::Sqs {
                region,
                endpoint,
                auth,
            } => sqs::check(region, endpoint.as_deref(), auth),
            Self::ServiceBus {
                namespace,
                endpoint,
                auth,
            } => service_bus::check(namespace, endpoint.as_deref(), auth),
        }
    }
}

pub(super) fn unless(fine: bool, field: &'static str, rule: &'static str) -> Result<(), Refusal> {
    if fine {
        Ok(())
    } else {
        Err(Refusal::OutOfRange { field, rule })
    }
}

/// Whether `text` is letters, digits and characters of `others`, a letter or digit first.
pub(super) fn is_word(text: &str, longest: usize, others: &str) -> bool {
    text.len() <= longest
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

/// A URL without the parts that could hold a secret.
pub(super) fn is_url(url: &str, schemes: &[&str]) -> bool {
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

#[cfg(test)]
mod tests;
