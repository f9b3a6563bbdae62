//! Granting and revoking topics.

use async_graphql::{Context, ID, InputObject, Object, Result};
use domain::TopicId;
use domain::grant::{Edit, EditGrants, EditPatternGrants, Grantee, PatternChange, Permission};
use projections::grant::{GrantKey, Scope};

use super::{Access, Grant};
use crate::id;
use crate::mutation::{Ticket, execute, payload};
use crate::scalar::BigInt;
use crate::user_error::UserError;
use crate::view::View;

payload!(
    /// The answer of the mutations of a grant.
    GrantPayload { grant: Grant }
);

#[derive(InputObject)]
pub struct TopicGrantInput {
    pub topic_id: ID,
    /// An algorithm with a published version.
    pub algorithm_id: ID,
    pub access: Access,
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
    /// The revision of the topic's stream that the caller last saw.
    pub expected_revision: Option<BigInt>,
}

#[derive(InputObject)]
pub struct TopicRevokeInput {
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
    /// The revision that the caller last saw of the topic's stream; for a pattern's grant, of the
    /// broker's.
    pub expected_revision: Option<BigInt>,
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
        Some(grant(ctx, input).await)
    }

    /// Ends a grant, by its id, of a topic or of a pattern. What was enabled under it ends by policy.
    async fn topic_revoke(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: TopicRevokeInput,
    ) -> Option<Result<GrantPayload>> {
        Some(revoke(ctx, id, input).await)
    }
}

async fn grant(ctx: &Context<'_>, input: TopicGrantInput) -> Result<GrantPayload> {
    let key = input.idempotency_key.as_deref();
    let expected = input.expected_revision;
    let ticket = Ticket::new("topicGrant", None, &input, key, expected);
    let (topic, permission) = match granted(&input) {
        Ok(granted) => granted,
        Err(error) => return Ok(GrantPayload::refused(error)),
    };
    let grant = GrantKey::of_topic(&topic, &permission);
    let command = EditGrants::single(topic, Edit::Add, permission);
    Ok(match execute(ctx, &ticket, &command).await? {
        Err(error) => GrantPayload::refused(alone(error).or_about(&["input", "topicId"])),
        Ok(position) => {
            let view = View::live(ctx);
            let row = view.model().grant(&grant).await;
            GrantPayload::done(view.show(row, Grant)?, position)
        }
    })
}

fn granted(input: &TopicGrantInput) -> Result<(TopicId, Permission), UserError> {
    let topic = id::topic(&input.topic_id)
        .map_err(|error| UserError::bad_id(&error, &["input", "topicId"]))?;
    let algorithm = id::algorithm(&input.algorithm_id)
        .map_err(|error| UserError::bad_id(&error, &["input", "algorithmId"]))?;
    let permission = Permission {
        grantee: Grantee::Algorithm(algorithm),
        access: input.access.into(),
    };
    Ok((topic, permission))
}

async fn revoke(ctx: &Context<'_>, id: ID, input: TopicRevokeInput) -> Result<GrantPayload> {
    let key = input.idempotency_key.as_deref();
    let expected = input.expected_revision;
    let ticket = Ticket::new("topicRevoke", Some(&id), &input, key, expected);
    let GrantKey {
        broker,
        scope,
        permission,
    } = match id::grant(&id) {
        Ok(grant) => grant,
        Err(error) => return Ok(GrantPayload::refused(UserError::bad_id(&error, &["id"]))),
    };
    let ended = match scope {
        Scope::Topic(topic) => {
            let topic = TopicId { broker, topic };
            let command = EditGrants::single(topic, Edit::Remove, permission);
            execute(ctx, &ticket, &command).await?
        }
        Scope::Pattern(pattern) => {
            let change = PatternChange {
                edit: Edit::Remove,
                pattern,
                permission,
            };
            let command = EditPatternGrants {
                broker,
                changes: vec![change],
                cause: None,
            };
            execute(ctx, &ticket, &command).await?
        }
    };
    Ok(match ended {
        Err(error) => GrantPayload::refused(alone(error)),
        Ok(position) => GrantPayload::done(None, position),
    })
}

/// An error of the only change, told of the input itself: its caller made no batch.
fn alone(mut error: UserError) -> UserError {
    if let Some(path) = &mut error.path
        && path.get(1).is_some_and(|part| part == "changes")
    {
        path.drain(1..path.len().min(3));
    }
    error
}
