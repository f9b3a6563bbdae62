//! Granting and revoking topics.

use async_graphql::{Context, ID, InputObject, Object, Result};
use domain::grant::{Grant as GrantTopic, Revoke};

use super::{Access, Grant};
use crate::control::control;
use crate::error::read_failure;
use crate::id;
use crate::mutation::{Ticket, UserError, execute, payload};
use crate::scalar::BigInt;

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
    /// The revision of the topic's stream that the caller last saw.
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

    /// Ends a grant, by its id. What was enabled under it ends by policy.
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
    let command = match grant_command(&input) {
        Ok(command) => command,
        Err(error) => return Ok(GrantPayload::refused(error)),
    };
    Ok(match execute(ctx, &ticket, &command).await? {
        Err(error) => GrantPayload::refused(error),
        Ok(position) => {
            let GrantTopic {
                topic,
                algorithm,
                access,
            } = &command;
            let row = control(ctx).model.grant(topic, algorithm, *access).await;
            let row = row.map_err(|cause| read_failure(&cause))?;
            GrantPayload::done(row.map(Grant), position)
        }
    })
}

fn grant_command(input: &TopicGrantInput) -> Result<GrantTopic, UserError> {
    Ok(GrantTopic {
        topic: id::topic(&input.topic_id)
            .map_err(|error| UserError::bad_id(&error, &["input", "topicId"]))?,
        algorithm: id::algorithm(&input.algorithm_id)
            .map_err(|error| UserError::bad_id(&error, &["input", "algorithmId"]))?,
        access: input.access.into(),
    })
}

async fn revoke(ctx: &Context<'_>, id: ID, input: TopicRevokeInput) -> Result<GrantPayload> {
    let key = input.idempotency_key.as_deref();
    let expected = input.expected_revision;
    let ticket = Ticket::new("topicRevoke", Some(&id), &input, key, expected);
    let (topic, algorithm, access) = match id::grant(&id) {
        Ok(grant) => grant,
        Err(error) => return Ok(GrantPayload::refused(UserError::bad_id(&error, &["id"]))),
    };
    let command = Revoke {
        topic,
        algorithm,
        access,
        cause: None,
    };
    Ok(match execute(ctx, &ticket, &command).await? {
        Err(error) => GrantPayload::refused(error),
        Ok(position) => GrantPayload::done(None, position),
    })
}
