//! The message that a result is published as.

use brokers::{CloudEvent, Metadata, Outgoing};
use bytes::Bytes;
use domain::{AlgorithmId, TopicName, Version};
use uuid::Uuid;

use crate::journal::Publication;

/// What a result comes from.
pub(crate) struct Origin<'a> {
    /// The run id as text.
    pub(crate) run: &'a Bytes,
    pub(crate) algorithm: &'a AlgorithmId,
    /// The version that was called.
    pub(crate) version: &'a Version,
    /// The consumer group of the listener; none for a direct run.
    pub(crate) listener: Option<Uuid>,
}

/// The recorded bytes under the message's key, as a CloudEvent with the run's id, unless they are one
/// by themselves. Of the answer's headers only those pass that describe its bytes.
pub(crate) fn outgoing(
    topic: &TopicName,
    origin: &Origin<'_>,
    publication: &Publication,
) -> Outgoing {
    let algorithm = origin.algorithm.to_string();
    let version = origin.version.to_string();
    let described = publication.representation.clone();
    let mut metadata = Metadata {
        content_type: described.content_type.map(Bytes::from),
        content_encoding: described.content_encoding.map(Bytes::from),
        event: None,
    };
    if !metadata.is_structured_event() {
        metadata.event = Some(CloudEvent {
            specversion: Bytes::from_static(b"1.0"),
            id: origin.run.clone(),
            source: Bytes::from(format!("/algorithms/{algorithm}/{version}")),
            kind: Bytes::from_static(b"eventflows.result"),
            others: Vec::new(),
        });
    }
    let mut headers = Vec::with_capacity(5);
    let mut add = |name: &'static str, value: Bytes| headers.push((name.into(), Some(value)));
    add("traceparent", publication.traceparent.clone());
    add("eventflows-run-id", origin.run.clone());
    add("eventflows-algorithm", Bytes::from(algorithm));
    add("eventflows-algorithm-version", Bytes::from(version));
    if let Some(listener) = origin.listener {
        add("eventflows-listener", Bytes::from(listener.to_string()));
    }
    Outgoing {
        topic: topic.to_string(),
        key: publication.key.clone(),
        headers,
        metadata,
        body: Some(publication.body.clone()),
    }
}
