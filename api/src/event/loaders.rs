//! Loads events together: by their place in the log, and by what they have in common.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::{Context, Result};
use domain::{Envelope, EventId, Position};
use engine::{Engine, ReadError};
use projections::event::{EventFilter, EventPaging};
use projections::{ReadModel, ReadModelError};

use crate::error::{log_failure, read_failure};
use crate::loaders::Rows;

/// Loads from the event log.
pub(crate) struct Log {
    pub(crate) engine: Arc<Engine>,
    pub(crate) model: ReadModel,
}

/// Why the log, or where its events stand, cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum LogError {
    #[error(transparent)]
    Log(Arc<ReadError>),
    #[error(transparent)]
    Model(Arc<ReadModelError>),
}

/// Where the events of a list stand.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct PositionsOf(pub(super) EventFilter, pub(super) EventPaging);

impl Loader<PositionsOf> for Rows {
    type Value = Vec<Position>;
    type Error = Arc<ReadModelError>;

    async fn load(
        &self,
        keys: &[PositionsOf],
    ) -> Result<HashMap<PositionsOf, Vec<Position>>, Self::Error> {
        let asked: Vec<_> = keys.iter().map(|key| (key.0.clone(), key.1)).collect();
        let lists = self.0.event_positions(&asked).await.map_err(Arc::new)?;
        Ok(keys.iter().cloned().zip(lists).collect())
    }
}

impl Loader<Position> for Log {
    type Value = Envelope;
    type Error = LogError;

    async fn load(&self, keys: &[Position]) -> Result<HashMap<Position, Envelope>, LogError> {
        let events = self.read_at(keys).await?.into_iter();
        Ok(events.map(|event| (event.position, event)).collect())
    }
}

impl Loader<EventId> for Log {
    type Value = Envelope;
    type Error = LogError;

    async fn load(&self, keys: &[EventId]) -> Result<HashMap<EventId, Envelope>, LogError> {
        let positions = self.model.positions_of(keys).await;
        let positions = positions.map_err(|cause| LogError::Model(Arc::new(cause)))?;
        let events = self.read_at(&positions).await?.into_iter();
        Ok(events.map(|event| (event.id, event)).collect())
    }
}

impl Log {
    pub(super) async fn read_at(&self, positions: &[Position]) -> Result<Vec<Envelope>, LogError> {
        let events = self.engine.store().read_at(positions).await;
        events.map_err(|cause| LogError::Log(Arc::new(cause)))
    }
}

/// The event at a position; none where the log does not reach it.
pub(crate) async fn at(ctx: &Context<'_>, position: Position) -> Result<Option<Envelope>> {
    let found = loader(ctx).load_one(position).await;
    found.map_err(|cause| failure(&cause))
}

/// The events at those positions, in their order.
pub(super) async fn all_at(ctx: &Context<'_>, positions: &[Position]) -> Result<Vec<Envelope>> {
    let found = loader(ctx).load_many(positions.iter().copied()).await;
    let mut found = found.map_err(|cause| failure(&cause))?;
    Ok(positions
        .iter()
        .filter_map(|position| found.remove(position))
        .collect())
}

/// The event with that UUID, as far as the read models have reached it.
pub(crate) async fn by_uuid(ctx: &Context<'_>, id: EventId) -> Result<Option<Envelope>> {
    let found = loader(ctx).load_one(id).await;
    found.map_err(|cause| failure(&cause))
}

fn loader<'c>(ctx: &Context<'c>) -> &'c DataLoader<Log> {
    ctx.data_unchecked::<DataLoader<Log>>()
}

pub(super) fn failure(cause: &LogError) -> async_graphql::Error {
    match cause {
        LogError::Log(cause) => log_failure(cause),
        LogError::Model(cause) => read_failure(cause),
    }
}
