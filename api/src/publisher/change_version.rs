//! Switching a publisher to another version.

use async_graphql::{ID, InputObject};
use domain::publisher::ChangePublisherVersion;
use domain::{Position, PublisherId};

use super::mutation::PublisherPayload;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::UserError;

/// The version to switch to.
#[derive(InputObject)]
pub struct PublisherChangeVersionInput {
    /// The version selector: `1.2.3`, `1.2.*`, `1.*` or `latest`.
    pub version: String,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for PublisherChangeVersionInput {
    type Id = ID;
    type Target = PublisherId;
    type Payload = PublisherPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, id: &ID) -> Result<PublisherId, UserError> {
        arguments::id(id, id::publisher)
    }

    async fn run(&self, call: &Call<'_>, publisher: &PublisherId) -> Result<Position, NotDone> {
        let command = ChangePublisherVersion {
            publisher: publisher.clone(),
            version: arguments::name_in(&self.version, "version")?,
        };
        call.execute(&command).await
    }
}
