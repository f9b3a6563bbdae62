//! Events as projections take them.

use domain::{Actor, CorrelationId, Envelope, Event, EventId};
use event_store::FollowError;

use crate::model::stored_position;

/// An event with the parts of its envelope that rows show or are found by.
pub(crate) struct Fact {
    pub(crate) event: Event,
    pub(crate) id: EventId,
    pub(crate) actor: Actor,
    pub(crate) correlation: CorrelationId,
    pub(crate) position: i64,
    /// In its stream.
    pub(crate) revision: u64,
    /// Microseconds since 1970.
    pub(crate) at: i64,
}

/// The events of a batch.
pub(crate) fn decode(batch: &[Envelope]) -> Result<Vec<Fact>, FollowError> {
    let facts = batch.iter().map(|envelope| {
        Ok(Fact {
            event: event_store::decode(envelope)?,
            id: envelope.id,
            actor: envelope.meta.actor.clone(),
            correlation: envelope.meta.correlation,
            position: stored_position(envelope.position),
            revision: envelope.revision.0,
            at: envelope.recorded_at.as_microsecond(),
        })
    });
    facts.collect()
}
