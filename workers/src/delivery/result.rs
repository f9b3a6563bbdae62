//! The message that a result is published as.

use brokers::{CloudEvent, Metadata, Outgoing};
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

/// The recorded bytes under the message's key, as a CloudEvent with the run's id, unless they are one
/// by themselves. Of the answer's headers only those pass that describe its bytes.
pub(crate) fn outgoing(
    topic: &TopicName,
    origin: &Origin<'_>,
    run: &Run,
    decision: &Recorded,
) -> Outgoing {
    let algorithm = origin.algorithm.to_string();
    let version = decision.version.as_ref().map(ToString::to_string);
    let version = version.unwrap_or_default();
    let described = decision.representation.clone();
    let mut metadata = Metadata {
        content_type: described.content_type.map(Bytes::from),
        content_encoding: described.content_encoding.map(Bytes::from),
        event: None,
    };
    if !metadata.is_structured_event() {
        metadata.event = Some(CloudEvent {
            specversion: Bytes::from_static(b"1.0"),
            id: run.id.clone(),
            source: Bytes::from(format!("/algorithms/{algorithm}/{version}")),
            kind: Bytes::from_static(b"eventflows.result"),
            others: Vec::new(),
        });
    }
    let mut headers = Vec::with_capacity(5);
    let mut add = |name: &'static str, value: Bytes| headers.push((name.into(), Some(value)));
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
        metadata,
        body: Some(decision.result.clone().unwrap_or_default()),
    }
}
