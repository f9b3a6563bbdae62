//! Registering algorithms and publishing versions.

use async_graphql::{Context, ID, InputObject, Object, Result};
use domain::AlgorithmId;
use domain::algorithm::{PublishVersion, RegisterAlgorithm};

use super::Algorithm;
use super::types::Protocol;
use crate::control::control;
use crate::error::read_failure;
use crate::id;
use crate::mutation::{Ticket, UserError, UserErrorCode, execute, payload};

payload!(
    /// The answer of the mutations of an algorithm.
    AlgorithmPayload { algorithm: Algorithm }
);

#[derive(InputObject)]
pub struct AlgorithmRegisterInput {
    pub organization_id: ID,
    /// Letters, digits, `_` and `-`, a letter first; at most 63.
    pub name: String,
    /// For people; at most 1,000 characters.
    #[graphql(default)]
    pub description: String,
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
}

#[derive(InputObject)]
pub struct VersionPublishInput {
    pub algorithm_id: ID,
    /// Semantic: `1.2.3`, or with a pre-release `1.2.3-rc.1`.
    pub version: String,
    /// An `http` or `https` URL, without user name, password or fragment.
    pub endpoint: String,
    #[graphql(default_with = "Protocol::Raw")]
    pub protocol: Protocol,
    /// How long a call may take in all: 1 to 3,000,000.
    #[graphql(default = 300_000)]
    pub timeout_ms: u64,
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
}

#[derive(Default)]
pub struct AlgorithmMutation;

#[Object]
impl AlgorithmMutation {
    /// Registers an algorithm under an organization.
    async fn algorithm_register(
        &self,
        ctx: &Context<'_>,
        input: AlgorithmRegisterInput,
    ) -> Option<Result<AlgorithmPayload>> {
        Some(register(ctx, input).await)
    }

    /// Publishes a version. It can be called from then on and never changes.
    async fn version_publish(
        &self,
        ctx: &Context<'_>,
        input: VersionPublishInput,
    ) -> Option<Result<AlgorithmPayload>> {
        Some(publish(ctx, input).await)
    }
}

async fn register(ctx: &Context<'_>, input: AlgorithmRegisterInput) -> Result<AlgorithmPayload> {
    let key = input.idempotency_key.as_deref();
    let ticket = Ticket::new("algorithmRegister", None, &input, key, None);
    let algorithm = match algorithm_id(&input) {
        Ok(algorithm) => algorithm,
        Err(error) => return Ok(AlgorithmPayload::refused(error)),
    };
    let command = RegisterAlgorithm {
        algorithm,
        description: input.description,
    };
    Ok(match execute(ctx, &ticket, &command).await? {
        Err(error) => AlgorithmPayload::refused(error),
        Ok(position) => AlgorithmPayload::done(read(ctx, command.algorithm).await?, position),
    })
}

fn algorithm_id(input: &AlgorithmRegisterInput) -> Result<AlgorithmId, UserError> {
    Ok(AlgorithmId {
        organization: id::organization(&input.organization_id)
            .map_err(|error| UserError::bad_id(&error, &["input", "organizationId"]))?,
        name: input
            .name
            .parse()
            .map_err(|error| UserError::bad_name(&error, &["input", "name"]))?,
    })
}

async fn publish(ctx: &Context<'_>, input: VersionPublishInput) -> Result<AlgorithmPayload> {
    let key = input.idempotency_key.as_deref();
    let ticket = Ticket::new("versionPublish", None, &input, key, None);
    let command = match publish_command(&input) {
        Ok(command) => command,
        Err(error) => return Ok(AlgorithmPayload::refused(error)),
    };
    Ok(match execute(ctx, &ticket, &command).await? {
        Err(error) => AlgorithmPayload::refused(error),
        Ok(position) => AlgorithmPayload::done(read(ctx, command.algorithm).await?, position),
    })
}

fn publish_command(input: &VersionPublishInput) -> Result<PublishVersion, UserError> {
    Ok(PublishVersion {
        algorithm: id::algorithm(&input.algorithm_id)
            .map_err(|error| UserError::bad_id(&error, &["input", "algorithmId"]))?,
        version: input.version.parse().map_err(|_| {
            UserError::new(
                UserErrorCode::BadName,
                "a version is written 1.2.3 or 1.2.3-rc.1",
                &["input", "version"],
            )
        })?,
        endpoint: input.endpoint.clone(),
        protocol: input.protocol.into(),
        timeout_ms: input.timeout_ms,
    })
}

/// Reads past the request's loader, which may hold what was there before.
async fn read(ctx: &Context<'_>, id: AlgorithmId) -> Result<Option<Algorithm>> {
    let rows = control(ctx).model.algorithms_by_id(&[id]).await;
    let rows = rows.map_err(|cause| read_failure(&cause))?;
    Ok(rows.into_iter().next().map(Algorithm))
}
