//! Whether a listener's concurrency is of use with its ordering.

use async_graphql::{Context, Result};
use domain::ListenerId;
use domain::listener::MessageOrdering;

use crate::loaders::Listed;
use crate::user_error::Warning;
use crate::view::View;

/// What to say of a listener that the read models show.
pub(super) async fn warning(ctx: &Context<'_>, listener: &ListenerId) -> Result<Option<Warning>> {
    let view = View::live(ctx);
    let Some(shown) = view.load(listener.clone()).await? else {
        return Ok(None);
    };
    if shown.settings.ordering != MessageOrdering::Partition {
        return Ok(None);
    }
    let topic = view.load(Listed(listener.topic.clone())).await?;
    let partitions = topic.and_then(|topic| topic.partitions);
    let idle = partitions.filter(|partitions| *partitions < shown.settings.concurrency);
    Ok(idle.map(Warning::concurrency_exceeds_partitions))
}
