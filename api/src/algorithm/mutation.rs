//! The mutations of an algorithm and its versions; each in a file named by its verb.

use async_graphql::{Context, ID, Object, Result};
use domain::{AlgorithmId, Position, Thing};

use super::publish_version::VersionPublishInput;
use super::register::AlgorithmRegisterInput;
use super::retire::AlgorithmRetireInput;
use super::withdraw_version::VersionWithdrawInput;
use super::{Algorithm, Version};
use crate::mutation::{Target, mutate, payload};
use crate::view::View;

payload!(
    /// The answer of the mutations of an algorithm.
    AlgorithmPayload { algorithm: Algorithm }
);

payload!(
    /// The answer of the mutations of a version.
    VersionPayload { version: Version }
);

impl Target for AlgorithmId {
    type Entity = Algorithm;

    const NAMED: &'static [&'static str] = &["algorithmId"];

    fn thing(&self) -> Option<Thing> {
        Some(Thing::Algorithm(self.clone()))
    }

    async fn find(&self, ctx: &Context<'_>, _position: Position) -> Result<Option<Algorithm>> {
        let found = View::live(ctx).find(self.clone(), Algorithm).await;
        found.transpose()
    }
}

#[derive(Default)]
pub struct AlgorithmMutation;

#[Object]
impl AlgorithmMutation {
    /// Registers an algorithm under an organization.
    ///
    /// Codes: `NAME_TAKEN`, `NOT_FOUND`, `BAD_NAME`.
    async fn algorithm_register(
        &self,
        ctx: &Context<'_>,
        input: AlgorithmRegisterInput,
    ) -> Option<Result<AlgorithmPayload>> {
        mutate(ctx, (), input).await
    }

    /// Publishes a version. It can be called from now on and never changes.
    ///
    /// Codes: `VERSION_TAKEN`, `ALGORITHM_RETIRED`, `NOT_FOUND`, `BAD_NAME`, `BAD_ENDPOINT`.
    async fn version_publish(
        &self,
        ctx: &Context<'_>,
        input: VersionPublishInput,
    ) -> Option<Result<VersionPayload>> {
        mutate(ctx, (), input).await
    }

    /// Withdraws a version for good: it is not called any more. Selectors move to their next
    /// match; a listener on exactly this version holds its position.
    ///
    /// Codes: `ALGORITHM_RETIRED`, `NOT_FOUND`, `UNKNOWN_VERSION`.
    async fn version_withdraw(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: VersionWithdrawInput,
    ) -> Option<Result<VersionPayload>> {
        mutate(ctx, id, input).await
    }

    /// Retires an algorithm for good: none of its versions can be called. Policies end its grants
    /// and what was enabled under them.
    ///
    /// Codes: `NOT_FOUND`, `ALGORITHM_RETIRED`.
    async fn algorithm_retire(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: AlgorithmRetireInput,
    ) -> Option<Result<AlgorithmPayload>> {
        mutate(ctx, id, input).await
    }
}
