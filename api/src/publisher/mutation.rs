//! Enabling, changing and disabling publishers.

use async_graphql::{Context, ID, InputObject, Object, Result};
use domain::flow::{Flow, Flows};
use domain::publisher::{ChangePublisherVersion, DisablePublisher, EnablePublisher};
use domain::{Command, PublisherId};

use super::Publisher;
use crate::cycle;
use crate::id;
use crate::mutation::{Ticket, execute, payload};
use crate::scalar::BigInt;
use crate::user_error::UserError;
use crate::view::View;

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
        let key = input.idempotency_key.as_deref();
        let expected = input.expected_revision;
        let ticket = Ticket::new("publisherChangeVersion", Some(&id), &input, key, expected);
        let command = |publisher: &PublisherId| {
            let version = input.version.parse();
            Ok(ChangePublisherVersion {
                publisher: publisher.clone(),
                version: version
                    .map_err(|error| UserError::bad_name(&error, &["input", "version"]))?,
            })
        };
        Some(change(ctx, &id, &ticket, command).await)
    }

    /// Publishes no more results.
    async fn publisher_disable(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: PublisherDisableInput,
    ) -> Option<Result<PublisherPayload>> {
        let key = input.idempotency_key.as_deref();
        let expected = input.expected_revision;
        let ticket = Ticket::new("publisherDisable", Some(&id), &input, key, expected);
        let command = |publisher: &PublisherId| {
            Ok(DisablePublisher {
                publisher: publisher.clone(),
                cause: None,
            })
        };
        Some(change(ctx, &id, &ticket, command).await)
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
    command.flows = cycle::flows_beyond(ctx, &flow).await?;
    let mut payload = finish(ctx, &ticket, &command.publisher, &command).await?;
    if payload.position.is_some() {
        payload.warnings = cycle::warnings(ctx, &flow).await?;
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

/// Executes the command that `make` makes for the publisher of `id`.
async fn change<C: Command>(
    ctx: &Context<'_>,
    id: &ID,
    ticket: &Ticket<'_>,
    make: impl FnOnce(&PublisherId) -> Result<C, UserError>,
) -> Result<PublisherPayload> {
    let publisher = match id::publisher(id) {
        Ok(publisher) => publisher,
        Err(error) => {
            return Ok(PublisherPayload::refused(UserError::bad_id(
                &error,
                &["id"],
            )));
        }
    };
    match make(&publisher) {
        Ok(command) => finish(ctx, ticket, &publisher, &command).await,
        Err(error) => Ok(PublisherPayload::refused(error)),
    }
}

async fn finish<C: Command>(
    ctx: &Context<'_>,
    ticket: &Ticket<'_>,
    publisher: &PublisherId,
    command: &C,
) -> Result<PublisherPayload> {
    Ok(match execute(ctx, ticket, command).await? {
        Err(error) => PublisherPayload::refused(error),
        Ok(position) => {
            let view = View::live(ctx);
            let row = view.model().publisher(publisher).await;
            PublisherPayload::done(view.show(row, Publisher)?, position)
        }
    })
}
