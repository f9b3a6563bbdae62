//! Registering algorithms and publishing versions.

use async_graphql::{Context, ID, InputObject, Object, Result};
use domain::algorithm::{PublishVersion, RegisterAlgorithm, RetireAlgorithm, WithdrawVersion};
use domain::{AlgorithmId, Command, Version};

use super::Algorithm;
use super::types::Protocol;
use crate::id;
use crate::mutation::{Ticket, execute, payload};
use crate::scalar::BigInt;
use crate::user_error::{UserError, UserErrorCode};
use crate::view::View;

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
    /// The revision of the algorithm's stream that the caller last saw.
    pub expected_revision: Option<BigInt>,
}

#[derive(InputObject)]
pub struct VersionWithdrawInput {
    pub algorithm_id: ID,
    /// A published one: `1.2.3`, or with a pre-release `1.2.3-rc.1`.
    pub version: String,
    /// For those whose listeners it blocks; at most 500 characters.
    pub reason: Option<String>,
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
    /// The revision of the algorithm's stream that the caller last saw.
    pub expected_revision: Option<BigInt>,
}

#[derive(InputObject)]
pub struct AlgorithmRetireInput {
    pub algorithm_id: ID,
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
    /// The revision of the algorithm's stream that the caller last saw.
    pub expected_revision: Option<BigInt>,
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

    /// Calls a version no more, for good. Selectors move to their next match; a listener on
    /// exactly this version holds its position.
    async fn version_withdraw(
        &self,
        ctx: &Context<'_>,
        input: VersionWithdrawInput,
    ) -> Option<Result<AlgorithmPayload>> {
        Some(withdraw(ctx, input).await)
    }

    /// Ends an algorithm for good. Its grants and what was enabled under them end by policy.
    async fn algorithm_retire(
        &self,
        ctx: &Context<'_>,
        input: AlgorithmRetireInput,
    ) -> Option<Result<AlgorithmPayload>> {
        Some(retire(ctx, input).await)
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
    finish(ctx, &ticket, &command.algorithm, &command).await
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
    let expected = input.expected_revision;
    let ticket = Ticket::new("versionPublish", None, &input, key, expected);
    let command = match publish_command(&input) {
        Ok(command) => command,
        Err(error) => return Ok(AlgorithmPayload::refused(error)),
    };
    finish(ctx, &ticket, &command.algorithm, &command).await
}

fn publish_command(input: &VersionPublishInput) -> Result<PublishVersion, UserError> {
    Ok(PublishVersion {
        algorithm: owner(&input.algorithm_id)?,
        version: version(&input.version)?,
        endpoint: input.endpoint.clone(),
        protocol: input.protocol.into(),
        timeout_ms: input.timeout_ms,
    })
}

async fn withdraw(ctx: &Context<'_>, input: VersionWithdrawInput) -> Result<AlgorithmPayload> {
    let key = input.idempotency_key.as_deref();
    let expected = input.expected_revision;
    let ticket = Ticket::new("versionWithdraw", None, &input, key, expected);
    let command = match withdraw_command(&input) {
        Ok(command) => command,
        Err(error) => return Ok(AlgorithmPayload::refused(error)),
    };
    finish(ctx, &ticket, &command.algorithm, &command).await
}

fn withdraw_command(input: &VersionWithdrawInput) -> Result<WithdrawVersion, UserError> {
    Ok(WithdrawVersion {
        algorithm: owner(&input.algorithm_id)?,
        version: version(&input.version)?,
        reason: input.reason.clone(),
    })
}

async fn retire(ctx: &Context<'_>, input: AlgorithmRetireInput) -> Result<AlgorithmPayload> {
    let key = input.idempotency_key.as_deref();
    let expected = input.expected_revision;
    let ticket = Ticket::new("algorithmRetire", None, &input, key, expected);
    let command = match owner(&input.algorithm_id) {
        Ok(algorithm) => RetireAlgorithm { algorithm },
        Err(error) => return Ok(AlgorithmPayload::refused(error)),
    };
    finish(ctx, &ticket, &command.algorithm, &command).await
}

/// The algorithm that an input names.
fn owner(id: &ID) -> Result<AlgorithmId, UserError> {
    id::algorithm(id).map_err(|error| UserError::bad_id(&error, &["input", "algorithmId"]))
}

/// The version that an input names.
fn version(text: &str) -> Result<Version, UserError> {
    text.parse().map_err(|_| {
        UserError::new(
            UserErrorCode::BadName,
            "a version is written 1.2.3 or 1.2.3-rc.1",
            &["input", "version"],
        )
    })
}

async fn finish<C: Command>(
    ctx: &Context<'_>,
    ticket: &Ticket<'_>,
    algorithm: &AlgorithmId,
    command: &C,
) -> Result<AlgorithmPayload> {
    Ok(match execute(ctx, ticket, command).await? {
        Err(error) => AlgorithmPayload::refused(error),
        Ok(position) => {
            let row = View::live(ctx).find(algorithm.clone(), Algorithm).await;
            AlgorithmPayload::done(row.transpose()?, position)
        }
    })
}
