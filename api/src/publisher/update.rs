//! Changing a publisher.

use async_graphql::{ID, InputObject, MaybeUndefined};
use domain::publisher::UpdatePublisher;
use domain::{Position, PublisherId};

use super::mutation::PublisherPayload;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::UserError;

/// What to change about a publisher. What is left out stays as it is.
#[derive(InputObject)]
pub struct PublisherUpdateInput {
    /// The version selector: `1.2.3`, `1.2.*`, `1.*` or `latest`. It has no default: null is
    /// refused.
    pub version: MaybeUndefined<String>,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for PublisherUpdateInput {
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
        let version = arguments::unless_null(&self.version, &["input", "version"])?;
        let version = version.map(|version| arguments::name_in(version, "version"));
        let command = UpdatePublisher {
            publisher: publisher.clone(),
            version: version.transpose()?,
        };
        call.execute(&command).await
    }
}
