//! Where a listener goes on, and how much waits for it.

use async_graphql::{Context, Enum, Result, SimpleObject};

use super::Listener;
use crate::control::control;
use crate::scalar::{BigInt, DateTime};
use crate::worker::requests::BacklogOf;

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
    /// At its position on the broker or, in partitions without one, at its start.
    Position,
    /// At its start, because it has no position on the broker.
    Start,
}

impl ListenerResumption {
    /// What a worker finds out about the listener; none where it does not.
    pub(super) async fn of(ctx: &Context<'_>, listener: &Listener) -> Result<Option<Self>> {
        let Listener(row, view) = listener;
        let Some(start) = row.settings.start else {
            return Ok(None);
        };
        let Some(broker) = view.load(row.id.topic.broker).await? else {
            return Ok(None);
        };
        let of = BacklogOf {
            settings: broker.settings,
            topic: row.id.topic.topic.clone(),
            group: row.group,
            start,
        };
        let control = control(ctx);
        // Why nothing is known is the same to the caller: nobody is told to try again.
        let Ok(Ok(backlog)) = control.requests.backlog(of).await else {
            return Ok(None);
        };
        Ok(Some(Self {
            goes_on_at: match backlog.has_position {
                true => ListenerResumptionAt::Position,
                false => ListenerResumptionAt::Start,
            },
            waiting: BigInt(backlog.waiting),
            measured_at: DateTime(control.engine.now()),
        }))
    }
}
