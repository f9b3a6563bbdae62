//! The mutations of grants; each in a file named by its verb.

use async_graphql::{Context, ID, Object, Result};
use domain::grant::{Edit, EditGrants, EditPatternGrants, GrantKey, PatternChange, Scope};
use domain::{Position, Thing, TopicId};

use super::Grant;
use super::add::TopicGrantInput;
use super::edit::TopicGrantsEditInput;
use super::edit_patterns::PatternGrantsEditInput;
use super::remove::TopicRevokeInput;
use crate::broker::mutation::BrokerPayload;
use crate::loaders::Listed;
use crate::mutation::{Call, NotDone, Target, mutate, payload};
use crate::topic::Topic;
use crate::user_error::UserError;
use crate::view::View;

payload!(
    /// The answer of the mutations of a grant.
    GrantPayload { grant: Grant }
);

payload!(
    /// The answer of the mutations of a topic.
    TopicPayload { topic: Topic }
);

impl Target for GrantKey {
    type Entity = Grant;

    fn thing(&self) -> Option<Thing> {
        Some(Thing::Grant(self.clone()))
    }

    async fn find(&self, ctx: &Context<'_>, _position: Position) -> Result<Option<Grant>> {
        let found = View::live(ctx).find(self.clone(), Grant).await;
        found.transpose()
    }
}

impl Target for TopicId {
    type Entity = Topic;

    fn thing(&self) -> Option<Thing> {
        Some(Thing::Topic(self.clone()))
    }

    async fn find(&self, ctx: &Context<'_>, _position: Position) -> Result<Option<Topic>> {
        let view = View::live(ctx);
        let found = view.find(Listed(self.clone()), Topic::of_row).await;
        found.transpose()
    }
}

#[derive(Default)]
pub struct GrantMutation;

#[Object]
impl GrantMutation {
    /// Permits an algorithm to read or write a topic.
    async fn topic_grant(
        &self,
        ctx: &Context<'_>,
        input: TopicGrantInput,
    ) -> Option<Result<GrantPayload>> {
        mutate(ctx, (), input).await
    }

    /// Revokes a grant of a topic or of a pattern. What was enabled under it is disabled by policy.
    async fn topic_revoke(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: TopicRevokeInput,
    ) -> Option<Result<GrantPayload>> {
        mutate(ctx, id, input).await
    }

    /// Changes who may read or write a topic, in one step. What was enabled under a removed grant
    /// is disabled by policy.
    async fn topic_grants_edit(
        &self,
        ctx: &Context<'_>,
        input: TopicGrantsEditInput,
    ) -> Option<Result<TopicPayload>> {
        mutate(ctx, (), input).await
    }

    /// Changes who may read or write the topics that patterns cover, in one step. What was enabled
    /// under a removed grant, and is permitted by nothing else, is disabled by policy.
    async fn pattern_grants_edit(
        &self,
        ctx: &Context<'_>,
        input: PatternGrantsEditInput,
    ) -> Option<Result<BrokerPayload>> {
        mutate(ctx, (), input).await
    }
}

/// Gives or takes one grant.
pub(super) async fn edit(
    call: &Call<'_>,
    edit: Edit,
    grant: &GrantKey,
) -> Result<Position, NotDone> {
    let GrantKey {
        broker,
        scope,
        permission,
    } = grant.clone();
    let done = match scope {
        Scope::Topic(topic) => {
            let topic = TopicId { broker, topic };
            let command = EditGrants::single(topic, edit, permission);
            call.execute(&command).await
        }
        Scope::Pattern(pattern) => {
            let change = PatternChange {
                edit,
                pattern,
                permission,
            };
            let command = EditPatternGrants {
                broker,
                changes: vec![change],
            };
            call.execute(&command).await
        }
    };
    done.map_err(|error| error.map(alone))
}

/// An error of the only change, as one of the input itself: its caller made no batch.
fn alone(mut error: UserError) -> UserError {
    if let Some(path) = &mut error.path
        && path.get(1).is_some_and(|part| part == "changes")
    {
        path.drain(1..path.len().min(3));
    }
    error
}
