//! The message that a faulty message is published as: itself, and why.

use std::borrow::Cow;

use brokers::{Identity, Message, Metadata, Outgoing};
use bytes::Bytes;
use domain::settlement::Reason;
use domain::{Assignment, TopicName};

use super::claim::Run;
use super::header;
use crate::journal::Recorded;

/// The original key, headers and body, and after its headers ours.
pub(super) fn outgoing(
    dlq: &TopicName,
    assignment: &Assignment,
    message: &Message,
    run: &Run,
    decision: &Recorded,
) -> Outgoing {
    let original = message.headers.iter().cloned();
    let mut headers: Vec<_> = original
        .map(|(name, value)| (Cow::Owned(name), value))
        .collect();
    let mut add = |name: &'static str, value: String| {
        headers.push((Cow::Borrowed(name), Some(Bytes::from(value))));
    };
    let text = decision.reason_text.as_deref().unwrap_or_default();
    let reason = decision.reason.map(Reason::as_str).unwrap_or_default();
    add("eventflows-reason", reason.to_owned());
    add("eventflows-reason-text", header::one_line(text));
    add("eventflows-attempts", run.attempts.to_string());
    let revision = decision.revision.unwrap_or_default();
    add("eventflows-listener-revision", revision.to_string());
    let algorithm = &assignment.listener.algorithm;
    add("eventflows-algorithm", algorithm.to_string());
    if let Some(version) = &decision.version {
        add("eventflows-algorithm-version", version.to_string());
    }
    let Identity::Kafka {
        topic,
        partition,
        offset,
    } = &message.identity;
    add("eventflows-source-topic", topic.to_string());
    add("eventflows-source-partition", partition.to_string());
    add("eventflows-source-offset", offset.to_string());
    if let Some(time) = header::time(message) {
        add("eventflows-source-time", time);
    }
    add("eventflows-failed-at", decision.finished_at.to_string());
    headers.push(("eventflows-run-id".into(), Some(run.id.clone())));
    Outgoing {
        topic: dlq.to_string(),
        key: message.key.clone(),
        headers,
        // Its headers say it, in the spelling of its broker.
        metadata: Metadata::default(),
        body: message.body.clone(),
    }
}
