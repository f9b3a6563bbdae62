//! Discovering the topics of a broker again.

use async_graphql::{ID, InputObject};
use domain::broker::DiscoverTopics;
use domain::{BrokerId, Position, Refusal};

use super::mutation::BrokerPayload;
use super::probe::look;
use crate::control::control;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, Once, Target, Terms, arguments};
use crate::user_error::UserError;

/// Options for discovering topics.
#[derive(InputObject)]
pub struct BrokerTopicsDiscoverInput {
    #[graphql(flatten)]
    pub once: Once,
}

impl Mutation for BrokerTopicsDiscoverInput {
    type Id = ID;
    type Target = BrokerId;
    type Payload = BrokerPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, id: &ID) -> Result<BrokerId, UserError> {
        arguments::id(id, id::broker)
    }

    async fn run(&self, call: &Call<'_>, broker: &BrokerId) -> Result<Position, NotDone> {
        let shown = broker.find(call.ctx, Position::default()).await?;
        let shown = shown.ok_or(UserError::from(Refusal::BrokerGone))?;
        let command = DiscoverTopics {
            broker: *broker,
            probe: look(call.ctx, &shown.0.settings).await?,
        };
        let engine = &control(call.ctx).engine;
        call.end(engine.discover(&command, call.request()).await)
    }
}
