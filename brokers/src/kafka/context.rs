//! What librdkafka says about a connection: log lines to `tracing`, failures kept as the reason.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::KafkaSettings;

/// The state of one client's connections.
#[derive(Debug, Default)]
pub(super) struct Health {
    servers: String,
    down: AtomicBool,
    reason: Mutex<Option<String>>,
}

impl Health {
    pub(super) fn new(settings: &KafkaSettings) -> Self {
        Self {
            servers: settings.bootstrap_servers.join(","),
            ..Self::default()
        }
    }

    /// Whether no broker could be reached when last tried.
    pub(super) fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }

    /// The last failure in librdkafka's words, else `otherwise`, with the address.
    pub(super) fn reason_or(&self, otherwise: impl ToString) -> String {
        let reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        let reason = reason.clone().unwrap_or_else(|| otherwise.to_string());
        if reason.contains(&self.servers) {
            reason
        } else {
            format!("{}: {reason}", self.servers)
        }
    }

    /// Notes that a broker answered.
    pub(super) fn recovered(&self) {
        if self.is_down() {
            self.down.store(false, Ordering::Relaxed);
            tracing::info!("kafka is reachable again");
        }
    }

    /// Notes a failure. An outage is told once, at `warn`; its repetitions are at `debug`.
    fn failed(&self, error: &KafkaError, text: &str) {
        // That nothing is left to read comes as an error, too.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF) {
            return;
        }
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            let reason = self.reason_or(text);
            if !self.down.swap(true, Ordering::Relaxed) {
                tracing::warn!(reason, "kafka is unreachable");
            }
            return;
        }
        tracing::debug!(reason = text, "kafka client error");
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.to_owned());
    }
}

impl ClientContext for Health {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.failed(&error, reason);
    }
}

impl ConsumerContext for Health {}

/// Passes a log line on. Lines about connections that fail are repeated at every attempt and say
/// what [`Health`] already says, so they are not errors here.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, line: &str) {
    match level {
        _ if matches!(facility, "FAIL" | "ERROR") => {
            tracing::debug!(facility, "librdkafka: {line}")
        }
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::error!(facility, "librdkafka: {line}");
        }
        RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => {
            tracing::warn!(facility, "librdkafka: {line}");
        }
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
            tracing::debug!(facility, "librdkafka: {line}");
        }
    }
}
