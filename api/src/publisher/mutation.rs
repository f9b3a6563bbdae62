//! Enabling, changing and disabling publishers.

use async_graphql::{Context, ID, InputObject, Object, Result};
use domain::PublisherId;
use domain::flow::{Flow, Flows};
use domain::publisher::{ChangePublisherVersion, DisablePublisher, EnablePublisher};

use super::Publisher;
use crate::control::control;
use crate::error::read_failure;
use crate::id;
use crate::mutation::{Ended, Ticket, execute, payload};
use crate::scalar::BigInt;
use crate::user_error::{UserError, Warning};

payload!(
    /// The answer of the mutations of a publisher.
    PublisherPayload { publisher: Publisher }
);

#[derive(InputObject)]
pub struct PublisherEnableInput {
    /// A topic that the algorithm may write.
    pub topic_id: ID,
    pub algorithm_id: ID,
    /// `1.2.3`, `1.2.*`, `1.*` or `latest`
    pub version: String,
    /// Enable it although messages then go round and round: a warning instead of a refusal.
    #[graphql(default)]
    pub allow_cycle: bool,
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
    /// The revision of the topic's stream that the caller last saw.
    pub expected_revision: Option<BigInt>,
}

#[derive(InputObject)]
pub struct PublisherChangeVersionInput {
    /// `1.2.3`, `1.2.*`, `1.*` or `latest`
    pub version: String,
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
    /// The revision of the topic's stream that the caller last saw.
    pub expected_revision: Option<BigInt>,
}

#[derive(InputObject)]
pub struct PublisherDisableInput {
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
    /// The revision of the topic's stream that the caller last saw.
    pub expected_revision: Option<BigInt>,
}

#[derive(Default)]
pub struct PublisherMutation;

#[Object]
impl PublisherMutation {
    /// Publishes the results of an algorithm's successful runs to a topic.
    async fn publisher_enable(
        &self,
        ctx: &Context<'_>,
        input: PublisherEnableInput,
    ) -> Option<Result<PublisherPayload>> {
        Some(enable(ctx, input).await)
    }

    /// Takes the results of another version from now on.
    async fn publisher_change_version(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: PublisherChangeVersionInput,
    ) -> Option<Result<PublisherPayload>> {
        Some(change_version(ctx, id, input).await)
    }

    /// Publishes no more results.
    async fn publisher_disable(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: PublisherDisableInput,
    ) -> Option<Result<PublisherPayload>> {
        Some(disable(ctx, id, input).await)
    }
}

async fn enable(ctx: &Context<'_>, input: PublisherEnableInput) -> Result<PublisherPayload> {
    let key = input.idempotency_key.as_deref();
    let expected = input.expected_revision;
    let ticket = Ticket::new("publisherEnable", None, &input, key, expected);
    let mut command = match enable_command(&input) {
        Ok(command) => command,
        Err(error) => return Ok(PublisherPayload::refused(error)),
    };
    let flow = Flow::Publisher(command.publisher.clone());
    let flows = control(ctx).model.flows_beyond(&flow).await;
    command.flows = flows.map_err(|cause| read_failure(&cause))?;
    let ended = execute(ctx, &ticket, &command).await;
    let mut payload = answer(ctx, &command.publisher, ended).await?;
    if payload.position.is_some() {
        payload.warnings = command.cycle().iter().map(Warning::cycle).collect();
    }
    Ok(payload)
}

/// The command, without the flows that there are.
fn enable_command(input: &PublisherEnableInput) -> Result<EnablePublisher, UserError> {
    Ok(EnablePublisher {
        publisher: PublisherId {
            topic: id::topic(&input.topic_id)
                .map_err(|error| UserError::bad_id(&error, &["input", "topicId"]))?,
            algorithm: id::algorithm(&input.algorithm_id)
                .map_err(|error| UserError::bad_id(&error, &["input", "algorithmId"]))?,
        },
        version: input
            .version
            .parse()
            .map_err(|error| UserError::bad_name(&error, &["input", "version"]))?,
        flows: Flows::default(),
        allow_cycle: input.allow_cycle,
    })
}

async fn change_version(
    ctx: &Context<'_>,
    id: ID,
    input: PublisherChangeVersionInput,
) -> Result<PublisherPayload> {
    let key = input.idempotency_key.as_deref();
    let expected = input.expected_revision;
    let ticket = Ticket::new("publisherChangeVersion", Some(&id), &input, key, expected);
    let publisher = match id::publisher(&id) {
        Ok(publisher) => publisher,
        Err(error) => {
            return Ok(PublisherPayload::refused(UserError::bad_id(
                &error,
                &["id"],
            )));
        }
    };
    let version = match input.version.parse() {
        Ok(version) => version,
        Err(error) => {
            let refused = UserError::bad_name(&error, &["input", "version"]);
            return Ok(PublisherPayload::refused(refused));
        }
    };
    let command = ChangePublisherVersion { publisher, version };
    let ended = execute(ctx, &ticket, &command).await;
    answer(ctx, &command.publisher, ended).await
}

async fn disable(
    ctx: &Context<'_>,
    id: ID,
    input: PublisherDisableInput,
) -> Result<PublisherPayload> {
    let key = input.idempotency_key.as_deref();
    let expected = input.expected_revision;
    let ticket = Ticket::new("publisherDisable", Some(&id), &input, key, expected);
    let publisher = match id::publisher(&id) {
        Ok(publisher) => publisher,
        Err(error) => {
            return Ok(PublisherPayload::refused(UserError::bad_id(
                &error,
                &["id"],
            )));
        }
    };
    let command = DisablePublisher {
        publisher,
        cause: None,
    };
    let ended = execute(ctx, &ticket, &command).await;
    answer(ctx, &command.publisher, ended).await
}

async fn answer(ctx: &Context<'_>, id: &PublisherId, ended: Ended) -> Result<PublisherPayload> {
    Ok(match ended? {
        Err(error) => PublisherPayload::refused(error),
        Ok(position) => {
            let row = control(ctx).model.publisher(id).await;
            let row = row.map_err(|cause| read_failure(&cause))?;
            PublisherPayload::done(row.map(Publisher), position)
        }
    })
}
