//! The settings librdkafka is given; those not named here keep its defaults.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use super::{KafkaSecurity, KafkaSettings};
use crate::port::SourceSettings;

/// The largest message a sink sends. Above what a listener may take (16 MiB) with its headers, so
/// that the broker and the topic decide, and far below what its client would try to hold.
const MAX_MESSAGE_BYTES: u32 = 32 * 1024 * 1024;

/// From this size on a message is sent in a batch of its own.
pub(super) const BATCH_BYTES: usize = 1_000_000;

/// How much a sink may have under way, in KiB; a message counts as one at least. It bounds the
/// memory of the producer, and keeps its queue from ever being full, which would have to be polled
/// for.
pub(super) const SINK_BUDGET_KIB: u32 = 65_536;

/// For looking at a cluster and for changing its topics.
pub(super) fn probe(settings: &KafkaSettings) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set_log_level(RDKafkaLogLevel::Info)
        .set("bootstrap.servers", settings.bootstrap_servers.join(","))
        .set("client.id", "eventflows")
        .set("socket.keepalive.enable", "true")
        .set("socket.connection.setup.timeout.ms", "10000");
    match settings.security {
        KafkaSecurity::Plaintext => config.set("security.protocol", "plaintext"),
    };
    config
}

/// For looking at what a group has committed.
pub(super) fn of_group(settings: &KafkaSettings, group: &str) -> ClientConfig {
    let mut config = probe(settings);
    config.set("group.id", group);
    config
}

/// For looking at single records. A client that reads must name a group; this one never joins it, and
/// names one that it is permitted to use.
pub(super) fn peek(settings: &KafkaSettings, group: &str) -> ClientConfig {
    let mut config = of_group(settings, group);
    config
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "error")
        .set("enable.partition.eof", "true")
        .set("queued.min.messages", "1")
        .set("fetch.message.max.bytes", "65536")
        .set("isolation.level", "read_uncommitted");
    config
}

/// For looking up where partitions end, what is in transactions that have not ended included.
pub(super) fn ends(settings: &KafkaSettings) -> ClientConfig {
    let mut config = probe(settings);
    config.set("isolation.level", "read_uncommitted");
    config
}

pub(super) fn consumer(settings: &KafkaSettings, source: &SourceSettings) -> ClientConfig {
    let session = settings.session_timeout;
    let heartbeat = (session / 3).min(Duration::from_secs(3));
    let mut config = probe(settings);
    config
        .set("group.id", &source.group)
        // The KIP-848 protocol of librdkafka 2.12 retries permanent errors forever.
        .set("group.protocol", "classic")
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", session.as_millis().to_string())
        .set("heartbeat.interval.ms", heartbeat.as_millis().to_string())
        // Only what was stored is committed, and only what is settled is stored.
        .set("enable.auto.commit", "true")
        .set("auto.commit.interval.ms", "1000")
        .set("enable.auto.offset.store", "false")
        // Where it begins is known before it reads. A position that the log does not have is an
        // error: what was lost is found out and told.
        .set("auto.offset.reset", "error")
        // Tells when there is nothing left to read, although the last offset may be no message's.
        .set("enable.partition.eof", "true")
        // How soon new partitions of the topic, or a topic created late, are found.
        .set("topic.metadata.refresh.interval.ms", "30000")
        // A small prefetch; with the default backoff a full one would stop the fetch for a second.
        .set("queued.max.messages.kbytes", "8192")
        .set("queued.min.messages", "10000")
        .set("fetch.queue.backoff.ms", "50")
        .set("fetch.max.bytes", "16777216");
    config
}

pub(super) fn producer(settings: &KafkaSettings) -> ClientConfig {
    let mut config = probe(settings);
    config
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", "5")
        .set("compression.codec", "lz4")
        .set("batch.size", BATCH_BYTES.to_string())
        // As Java's clients: keys of results go to the partitions of their messages' keys.
        .set("partitioner", "murmur2_random")
        .set("message.max.bytes", MAX_MESSAGE_BYTES.to_string())
        .set(
            "message.timeout.ms",
            settings.publish_timeout.as_millis().to_string(),
        )
        // How long a topic may be unknown before its messages are refused.
        .set("topic.metadata.propagation.max.ms", "5000")
        // Twice the budget of a sink, which waits for room before it comes here.
        .set(
            "queue.buffering.max.messages",
            (2 * SINK_BUDGET_KIB).to_string(),
        )
        .set(
            "queue.buffering.max.kbytes",
            (2 * SINK_BUDGET_KIB).to_string(),
        );
    config
}

/// As [`producer`], with each message in a batch of its own.
pub(super) fn unbatched_producer(settings: &KafkaSettings) -> ClientConfig {
    let mut config = producer(settings);
    config.set("batch.num.messages", "1").set("linger.ms", "0");
    config
}
