//! The URL of a log in KurrentDB: the client's own, and in it the name of the log's stream.

use kurrentdb::ClientSettings;

use crate::error::OpenError;

/// The parameter with the name of the stream.
const LOG: &str = "log";

/// The stream of a log that has no other name.
const DEFAULT_LOG: &str = "eventflows";

/// The longest name, in bytes.
const MAX_LOG_BYTES: usize = 128;

/// The client waits so long before it connects at all. Its half a second would be in every start,
/// and in every reconnection.
const DISCOVERY_INTERVAL: &str = "discoveryInterval=20";

/// Where a log is.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) settings: ClientSettings,
    /// The stream's name.
    pub(super) stream: String,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, OpenError> {
        let (server, parameters) = url.split_once('?').unwrap_or((url, ""));
        let mut stream = DEFAULT_LOG;
        let mut kept = Vec::new();
        for parameter in parameters.split('&').filter(|text| !text.is_empty()) {
            match parameter.split_once('=') {
                Some((LOG, name)) => stream = name,
                _ => kept.push(parameter),
            }
        }
        if !is_stream_name(stream) {
            return Err(OpenError::KurrentDbLog);
        }
        let says = |name: &str| {
            let named = |parameter: &&&str| {
                let (found, _) = parameter.split_once('=').unwrap_or((parameter, ""));
                found.eq_ignore_ascii_case(name)
            };
            kept.iter().find(named).is_some()
        };
        if !says("discoveryInterval") {
            kept.push(DISCOVERY_INTERVAL);
        }
        // Its error quotes the URL.
        let settings: Result<ClientSettings, _> = format!("{server}?{}", kept.join("&")).parse();
        Ok(Self {
            settings: settings.map_err(|_| OpenError::KurrentDbUrl)?,
            stream: stream.to_owned(),
        })
    }
}

/// Names that need no escape in a URL; those with `$` in front are the database's own.
fn is_stream_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=MAX_LOG_BYTES).contains(&name.len()) && name.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_s_name_is_taken_from_the_url_and_the_rest_left_to_the_client() {
        for scheme in ["kurrentdb", "kurrent", "kdb", "esdb", "kurrentdb+discover"] {
            let address = Address::parse(&format!("{scheme}://ann:secret@db:2114?tls=false"));
            let address = address.unwrap();
            assert_eq!(address.stream, "eventflows");
            assert!(!address.settings.is_secure_mode_enabled());
            assert_eq!(address.settings.discovery_interval().as_millis(), 20);
        }
        let address = Address::parse(
            "kurrentdb://a:1,b:2?log=team-a.1&discoveryinterval=70&tlsVerifyCert=false",
        );
        let address = address.unwrap();
        assert_eq!(address.stream, "team-a.1");
        assert_eq!(address.settings.hosts().len(), 2);
        assert_eq!(address.settings.discovery_interval().as_millis(), 70);
        assert!(!address.settings.is_tls_certificate_verification_enabled());
    }

    #[test]
    fn a_name_that_is_the_database_s_own_or_needs_escapes_is_refused() {
        for name in ["", "$all", "a b", "a%20b", "ä", "a/b", &"a".repeat(129)] {
            let refused = Address::parse(&format!("kurrentdb://db?log={name}"));
            assert!(matches!(refused, Err(OpenError::KurrentDbLog)), "{name}");
        }
    }

    #[test]
    fn a_url_that_the_client_cannot_read_is_refused_without_its_text() {
        for url in [
            "kurrentdb://ann:secret@db:port",
            "kurrentdb://ann:secret@db?tls=perhaps",
            "kurrentdb://ann:secret@db?userCertFile=a",
            "kurrentdb:secret",
        ] {
            let refused = Address::parse(url).unwrap_err();
            assert!(matches!(refused, OpenError::KurrentDbUrl), "{refused:?}");
        }
    }
}
