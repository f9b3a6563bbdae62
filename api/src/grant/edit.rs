//! Editing the grants of one topic, whole or not at all.

use async_graphql::{ID, InputObject};
use domain::grant::{EditGrants, GrantChange};
use domain::{Position, TopicId};

use super::GrantAccess;
use super::changes::{GrantEdit, each, permission};
use super::mutation::TopicPayload;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::UserError;

/// Changes to the grants of one topic.
#[derive(InputObject)]
pub struct TopicGrantsEditInput {
    /// The topic.
    pub topic_id: ID,
    /// 1 to 500, each permission once. All of them are made, or none.
    pub changes: Vec<GrantChangeInput>,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

/// A grant to add or to remove, of one algorithm or of all algorithms of an organization.
#[derive(InputObject)]
pub struct GrantChangeInput {
    /// Whether to add or to remove it.
    pub edit: GrantEdit,
    /// An algorithm with a published version; this or `organizationId`.
    pub algorithm_id: Option<ID>,
    /// Also for the algorithms that it registers later; this or `algorithmId`.
    pub organization_id: Option<ID>,
    /// What it permits.
    pub access: GrantAccess,
}

impl Mutation for TopicGrantsEditInput {
    type Id = ();
    type Target = TopicId;
    type Payload = TopicPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, (): &()) -> Result<TopicId, UserError> {
        arguments::id_in(&self.topic_id, id::topic, "topicId")
    }

    async fn run(&self, call: &Call<'_>, topic: &TopicId) -> Result<Position, NotDone> {
        let command = EditGrants {
            topic: topic.clone(),
            changes: each(&self.changes, change)?,
        };
        let done = call.execute(&command).await;
        done.map_err(|error| error.or_about(&["input", "topicId"]))
    }
}

fn change(input: &GrantChangeInput) -> Result<GrantChange, UserError> {
    let (algorithm, organization) = (&input.algorithm_id, &input.organization_id);
    Ok(GrantChange {
        edit: input.edit.into(),
        permission: permission(algorithm.as_ref(), organization.as_ref(), input.access)?,
    })
}
