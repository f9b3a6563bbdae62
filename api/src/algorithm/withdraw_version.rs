//! Withdrawing a version of an algorithm.

use async_graphql::{Context, ID, InputObject};
use domain::algorithm::WithdrawVersion;
use domain::{AlgorithmId, Position, Thing, Version};

use super::mutation::VersionPayload;
use super::types::Version as VersionNode;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Target, Terms, arguments};
use crate::user_error::UserError;

/// Options for withdrawing a version.
#[derive(InputObject)]
pub struct VersionWithdrawInput {
    /// Why, for the people whose listeners it blocks; at most 500 characters.
    pub reason: Option<String>,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

/// A version of an algorithm.
pub(crate) struct PublishedVersion {
    algorithm: AlgorithmId,
    version: Version,
}

impl Target for PublishedVersion {
    type Entity = VersionNode;

    const NAMED: &'static [&'static str] = &["algorithmId", "version"];

    fn thing(&self) -> Option<Thing> {
        Some(Thing::Version(self.algorithm.clone(), self.version.clone()))
    }

    async fn find(
        &self,
        ctx: &Context<'_>,
        _position: Position,
    ) -> async_graphql::Result<Option<VersionNode>> {
        VersionNode::find(ctx, &self.algorithm, &self.version).await
    }
}

impl Mutation for VersionWithdrawInput {
    type Id = ID;
    type Target = PublishedVersion;
    type Payload = VersionPayload;

    const FORBIDS: bool = true;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, id: &ID) -> Result<PublishedVersion, UserError> {
        let (algorithm, version) = arguments::id(id, id::version)?;
        Ok(PublishedVersion { algorithm, version })
    }

    async fn run(&self, call: &Call<'_>, target: &PublishedVersion) -> Result<Position, NotDone> {
        let command = WithdrawVersion {
            algorithm: target.algorithm.clone(),
            version: target.version.clone(),
            reason: self.reason.clone(),
        };
        call.execute(&command).await
    }
}
