//! The message that a result is published as.

use brokers::Outgoing;
use bytes::Bytes;
use domain::{AlgorithmId, TopicName};
use uuid::Uuid;

use super::claim::Run;
use crate::journal::Recorded;

/// What a result comes from, beside its run.
pub(crate) struct Origin<'a> {
    pub(crate) algorithm: &'a AlgorithmId,
    /// The consumer group of the listener; none for a direct run.
    pub(crate) listener: Option<Uuid>,
    /// The key of the message.
    pub(crate) key: Option<&'a Bytes>,
}

/// The recorded bytes under the message's key, as a CloudEvent with the run's id.
pub(crate) fn outgoing(
    topic: &TopicName,
    origin: &Origin<'_>,
    run: &Run,
    decision: &Recorded,
) -> Outgoing {
    let algorithm = origin.algorithm.to_string();
    let version = decision.version.as_ref().map(ToString::to_string);
    let version = version.unwrap_or_default();
    let mut headers = Vec::with_capacity(10);
    let mut add = |name: &'static str, value: Bytes| headers.push((name.into(), Some(value)));
    if let Some(content_type) = &decision.content_type {
        add("content-type", Bytes::from(content_type.clone()));
    }
    add("ce-specversion", Bytes::from_static(b"1.0"));
    add("ce-id", run.id.clone());
    let source = format!("/algorithms/{algorithm}/{version}");
    add("ce-source", Bytes::from(source));
    add("ce-type", Bytes::from_static(b"eventflows.result"));
    add("traceparent", run.traceparent.clone());
    add("eventflows-run-id", run.id.clone());
    add("eventflows-algorithm", Bytes::from(algorithm));
    add("eventflows-algorithm-version", Bytes::from(version));
    if let Some(listener) = origin.listener {
        add("eventflows-listener", Bytes::from(listener.to_string()));
    }
    Outgoing {
        topic: topic.to_string(),
        key: origin.key.cloned(),
        headers,
        body: decision.result.clone().unwrap_or_default(),
    }
}
