//! Where a listener goes on, and how much waits for it.

use async_graphql::{Context, Enum, SimpleObject};

use super::Listener;
use crate::control::control;
use crate::scalar::{BigInt, DateTime};
use crate::worker::requests::{Backlog, BacklogOf};

/// Where a listener goes on, and how many messages wait for it, as its broker reported at one
/// moment.
#[derive(SimpleObject)]
pub struct ListenerResumption {
    /// Where it goes on.
    pub goes_on_at: ListenerResumptionAt,
    /// How many messages there are from there to the end. Kafka only knows offsets, so messages
    /// that were compacted away are counted, too.
    pub waiting: BigInt,
    /// When the answer came.
    pub measured_at: DateTime,
}

/// Where a listener goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ListenerResumptionAt {
    /// At its position or, in partitions without one, at its start.
    Position,
    /// At its start, because it has no position.
    Start,
    /// Where its position was reset to: it has read nothing since.
    Reset,
}

/// Why it is not known what waits for a listener.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Unknown {
    #[error("the broker keeps no positions")]
    NoPositions,
    #[error("no worker answered")]
    NoWorker,
    #[error("the broker could not be asked: {0}")]
    Broker(String),
}

/// What to ask a worker about a listener; nothing where its broker is gone or keeps no positions.
pub(super) async fn asked(listener: &Listener) -> async_graphql::Result<Option<BacklogOf>> {
    let Listener(row, view) = listener;
    let Some(start) = row.settings.start else {
        return Ok(None);
    };
    let Some(broker) = view.load(row.id.topic.broker).await? else {
        return Ok(None);
    };
    let reset = row.reset.as_ref();
    Ok(Some(BacklogOf {
        settings: broker.settings,
        topic: row.id.topic.topic.clone(),
        group: row.group,
        start: reset.map_or_else(|| start.into(), |reset| reset.to.clone()),
        reset: reset.map_or(0, |reset| reset.at.0),
    }))
}

/// What a worker finds out.
pub(super) async fn ask(ctx: &Context<'_>, of: BacklogOf) -> Result<Backlog, Unknown> {
    let answered = control(ctx).requests.backlog(of).await;
    let answered = answered.map_err(|_| Unknown::NoWorker)?;
    answered.map_err(Unknown::Broker)
}

impl ListenerResumption {
    /// What a worker finds out about the listener; none where it does not.
    pub(super) async fn of(
        ctx: &Context<'_>,
        listener: &Listener,
    ) -> async_graphql::Result<Option<Self>> {
        let Some(of) = asked(listener).await? else {
            return Ok(None);
        };
        // Why nothing is known is the same to the caller: nobody is told to try again.
        let Ok(backlog) = ask(ctx, of).await else {
            return Ok(None);
        };
        Ok(Some(Self {
            goes_on_at: match (backlog.has_position, &listener.0.reset) {
                (true, _) => ListenerResumptionAt::Position,
                (false, Some(_)) => ListenerResumptionAt::Reset,
                (false, None) => ListenerResumptionAt::Start,
            },
            waiting: BigInt(backlog.waiting),
            measured_at: DateTime(control(ctx).engine.now()),
        }))
    }
}
