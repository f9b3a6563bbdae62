//! The mutations of a publisher; each in a file named by its verb.

use async_graphql::{Context, ID, Object, Result};
use domain::{Position, PublisherId, Thing};

use super::Publisher;
use super::disable::PublisherDisableInput;
use super::enable::PublisherEnableInput;
use super::update::PublisherUpdateInput;
use crate::mutation::{Target, mutate, payload};
use crate::view::View;

payload!(
    /// The answer of the mutations of a publisher.
    PublisherPayload { publisher: Publisher }
);

impl Target for PublisherId {
    type Entity = Publisher;

    fn thing(&self) -> Option<Thing> {
        Some(Thing::Publisher(self.clone()))
    }

    async fn find(&self, ctx: &Context<'_>, _position: Position) -> Result<Option<Publisher>> {
        let found = View::live(ctx).find(self.clone(), Publisher).await;
        found.transpose()
    }
}

#[derive(Default)]
pub struct PublisherMutation;

#[Object]
impl PublisherMutation {
    /// Publishes the results of an algorithm's successful runs to a topic. A run whose endpoint
    /// answered 204 has no result.
    ///
    /// Codes: `VERSION_WITHDRAWN`, `ALGORITHM_RETIRED`, `UNKNOWN_VERSION`, `NOT_GRANTED`,
    /// `ALREADY_ENABLED`, `FLOW_CYCLE`, `BROKER_GONE`, `BAD_NAME`.
    async fn publisher_enable(
        &self,
        ctx: &Context<'_>,
        input: PublisherEnableInput,
    ) -> Option<Result<PublisherPayload>> {
        mutate(ctx, (), input).await
    }

    /// Changes what the input names; the rest stays as it is.
    ///
    /// Codes: `VERSION_WITHDRAWN`, `ALGORITHM_RETIRED`, `UNKNOWN_VERSION`, `NOT_ENABLED`,
    /// `BAD_NAME`.
    async fn publisher_update(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: PublisherUpdateInput,
    ) -> Option<Result<PublisherPayload>> {
        mutate(ctx, id, input).await
    }

    /// Stops publishing results.
    ///
    /// Codes: `NOT_ENABLED`.
    async fn publisher_disable(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: PublisherDisableInput,
    ) -> Option<Result<PublisherPayload>> {
        mutate(ctx, id, input).await
    }
}
