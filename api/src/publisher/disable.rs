//! Disabling a publisher.

use async_graphql::{ID, InputObject};
use domain::publisher::DisablePublisher;
use domain::{Position, PublisherId};

use super::mutation::PublisherPayload;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::UserError;

/// Options for disabling a publisher.
#[derive(InputObject)]
pub struct PublisherDisableInput {
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for PublisherDisableInput {
    type Id = ID;
    type Target = PublisherId;
    type Payload = PublisherPayload;

    const FORBIDS: bool = true;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, id: &ID) -> Result<PublisherId, UserError> {
        arguments::id(id, id::publisher)
    }

    async fn run(&self, call: &Call<'_>, publisher: &PublisherId) -> Result<Position, NotDone> {
        let command = DisablePublisher {
            publisher: publisher.clone(),
        };
        call.execute(&command).await
    }
}
