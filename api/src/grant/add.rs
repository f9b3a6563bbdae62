//! Granting a topic to an algorithm.

use async_graphql::{ID, InputObject};
use domain::Position;
use domain::grant::{Edit, GrantKey, Grantee, Permission};

use super::GrantAccess;
use super::mutation::{GrantPayload, edit};
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::UserError;

/// A grant to give.
#[derive(InputObject)]
pub struct TopicGrantInput {
    /// The topic.
    pub topic_id: ID,
    /// An algorithm with a published version.
    pub algorithm_id: ID,
    /// What it permits.
    pub access: GrantAccess,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for TopicGrantInput {
    type Id = ();
    type Target = GrantKey;
    type Payload = GrantPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, (): &()) -> Result<GrantKey, UserError> {
        let topic = arguments::id_in(&self.topic_id, id::topic, "topicId")?;
        let algorithm = arguments::id_in(&self.algorithm_id, id::algorithm, "algorithmId")?;
        let permission = Permission {
            grantee: Grantee::Algorithm(algorithm),
            access: self.access.into(),
        };
        Ok(GrantKey::of_topic(&topic, &permission))
    }

    async fn run(&self, call: &Call<'_>, grant: &GrantKey) -> Result<Position, NotDone> {
        let done = edit(call, Edit::Add, grant).await;
        done.map_err(|error| error.or_about(&["input", "topicId"]))
    }
}
