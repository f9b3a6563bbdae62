//! What resetting the position of a listener would have it read.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use futures_util::future::join;

use super::Listener;
use super::reset_position::ListenerResetTargetInput;
use super::resumption::{self, Unknown};
use crate::control::control;
use crate::error::invalid;
use crate::id;
use crate::scalar::{BigInt, DateTime};
use crate::view::View;

/// How many messages wait for a listener, and how many would after a reset of its position, as its
/// broker reported. What there is more is read again, what there is less is skipped. Kafka only knows
/// offsets, so messages that were compacted away are counted, too.
#[derive(SimpleObject, Default)]
pub struct ListenerResetPositionPreview {
    /// How many wait now.
    pub waiting: Option<BigInt>,
    /// How many would wait after the reset.
    pub waiting_afterwards: Option<BigInt>,
    /// When the answers came.
    pub measured_at: Option<DateTime>,
    /// Why nothing is known; null if something is. A text for people; it may change.
    pub problem: Option<String>,
}

#[derive(Default)]
pub struct ResetPreviewQuery;

#[Object]
impl ResetPreviewQuery {
    /// How many messages a listener would read after `listenerResetPosition`. A worker asks the
    /// broker. Null if there is no such listener.
    async fn listener_reset_position_preview(
        &self,
        ctx: &Context<'_>,
        id: ID,
        to: ListenerResetTargetInput,
    ) -> Option<Result<ListenerResetPositionPreview>> {
        look(ctx, &id, &to).await.transpose()
    }
}

async fn look(
    ctx: &Context<'_>,
    id: &ID,
    to: &ListenerResetTargetInput,
) -> Result<Option<ListenerResetPositionPreview>> {
    let listener = id::known(id, id::listener)?;
    let to = to.target();
    to.check().map_err(|refusal| invalid(refusal.to_string()))?;
    let Some(listener) = View::live(ctx).find(listener, Listener).await.transpose()? else {
        return Ok(None);
    };
    let Some(now) = resumption::asked(&listener).await? else {
        return Ok(Some(unknown(Unknown::NoPositions)));
    };
    let mut afterwards = now.clone();
    afterwards.start = to;
    // No reset has that number, so that nothing was committed under it.
    afterwards.reset = u64::MAX;
    let (now, afterwards) = join(resumption::ask(ctx, now), resumption::ask(ctx, afterwards)).await;
    Ok(Some(match now.and_then(|now| Ok((now, afterwards?))) {
        Ok((now, afterwards)) => ListenerResetPositionPreview {
            waiting: Some(BigInt(now.waiting)),
            waiting_afterwards: Some(BigInt(afterwards.waiting)),
            measured_at: Some(DateTime(control(ctx).engine.now())),
            problem: None,
        },
        Err(why) => unknown(why),
    }))
}

fn unknown(why: Unknown) -> ListenerResetPositionPreview {
    ListenerResetPositionPreview {
        problem: Some(why.to_string()),
        ..ListenerResetPositionPreview::default()
    }
}
