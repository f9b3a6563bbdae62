//! The message that a result is published as.

use brokers::Outgoing;
use bytes::Bytes;

use super::claim::Run;
use crate::journal::Recorded;

/// What a result comes from, beside its run.
pub(crate) struct Origin<'a> {
    pub(crate) algorithm: &'a str,
    /// The consumer group of the listener; none where somebody asked directly.
    pub(crate) listener: Option<&'a str>,
    /// The key of the message.
    pub(crate) key: Option<&'a Bytes>,
}

/// The recorded bytes under the message's key, as a CloudEvent with the run's id.
pub(crate) fn outgoing(
    topic: &str,
    origin: &Origin<'_>,
    run: &Run,
    decision: &Recorded,
) -> Outgoing {
    let algorithm = origin.algorithm;
    let version = decision.version.as_deref().unwrap_or_default();
    let mut headers = Vec::with_capacity(10);
    let mut add = |name: &'static str, value: Bytes| headers.push((name.into(), Some(value)));
    let copy = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    if let Some(content_type) = &decision.content_type {
        add("content-type", copy(content_type));
    }
    add("ce-specversion", Bytes::from_static(b"1.0"));
    add("ce-id", run.id.clone());
    let source = format!("/algorithms/{algorithm}/{version}");
    add("ce-source", Bytes::from(source));
    add("ce-type", Bytes::from_static(b"eventflows.result"));
    add("traceparent", run.traceparent.clone());
    add("eventflows-run-id", run.id.clone());
    add("eventflows-algorithm", copy(algorithm));
    add("eventflows-algorithm-version", copy(version));
    if let Some(listener) = origin.listener {
        add("eventflows-listener", copy(listener));
    }
    Outgoing {
        topic: topic.to_owned(),
        key: origin.key.cloned(),
        headers,
        body: decision.result.clone().unwrap_or_default(),
    }
}
