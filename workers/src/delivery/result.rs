//! The message that a result is published as.

use brokers::{Message, Outgoing};
use bytes::Bytes;

use super::claim::Run;
use super::header;
use crate::control_plane::assignment::Assignment;
use crate::journal::Recorded;

/// The recorded bytes under the message's key, as a CloudEvent with the run's id.
pub(super) fn outgoing(
    topic: &str,
    assignment: &Assignment,
    message: &Message,
    run: &Run,
    decision: &Recorded,
) -> Outgoing {
    let algorithm = &assignment.algorithm;
    let version = decision.version.as_deref().unwrap_or_default();
    let id = run.id.to_string();
    let mut headers = Vec::with_capacity(10);
    let mut add = |name: &str, value: &str| {
        headers.push((
            name.to_owned(),
            Some(Bytes::copy_from_slice(value.as_bytes())),
        ));
    };
    if let Some(content_type) = &decision.content_type {
        add("content-type", content_type);
    }
    add("ce-specversion", "1.0");
    add("ce-id", &id);
    add("ce-source", &format!("/algorithms/{algorithm}/{version}"));
    add("ce-type", "eventflows.result");
    add("traceparent", &header::traceparent(message, run.id));
    add("eventflows-run-id", &id);
    add("eventflows-algorithm", algorithm);
    add("eventflows-algorithm-version", version);
    add("eventflows-listener", &assignment.group);
    Outgoing {
        topic: topic.to_owned(),
        key: message.key.clone(),
        headers,
        body: decision.result.clone().unwrap_or_default(),
    }
}
