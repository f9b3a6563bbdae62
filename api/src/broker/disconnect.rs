//! Disconnecting a broker.

use async_graphql::{ID, InputObject};
use domain::broker::DisconnectBroker;
use domain::{BrokerId, Position};

use super::mutation::BrokerPayload;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::UserError;

/// Options for disconnecting a broker.
#[derive(InputObject)]
pub struct BrokerDisconnectInput {
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for BrokerDisconnectInput {
    type Id = ID;
    type Target = BrokerId;
    type Payload = BrokerPayload;

    const FORBIDS: bool = true;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, id: &ID) -> Result<BrokerId, UserError> {
        arguments::id(id, id::broker)
    }

    async fn run(&self, call: &Call<'_>, broker: &BrokerId) -> Result<Position, NotDone> {
        let command = DisconnectBroker { broker: *broker };
        call.execute(&command).await
    }
}
