//! Looking at a broker through a worker.

use async_graphql::Context;
use domain::broker::{BrokerSettings, DiscoveredTopic};

use crate::control::control;
use crate::user_error::{UserError, UserErrorCode};
use crate::worker::AskError;

/// Has a worker look at a broker: its topics, or why it found nothing.
pub(super) async fn look(
    ctx: &Context<'_>,
    settings: &BrokerSettings,
) -> Result<Result<Vec<DiscoveredTopic>, String>, UserError> {
    match control(ctx).requests.list_topics(settings).await {
        Ok(answer) => Ok(answer),
        Err(AskError::NoWorker) => Err(UserError::new(
            UserErrorCode::NoWorker,
            "no worker is available to look at the broker; start one and try again",
            &[],
        )),
        Err(AskError::TimedOut) => Ok(Err("the worker did not answer in time".to_owned())),
    }
}
