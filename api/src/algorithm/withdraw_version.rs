//! Withdrawing a version of an algorithm.

use async_graphql::{ID, InputObject};
use domain::algorithm::WithdrawVersion;
use domain::{AlgorithmId, Position};

use super::mutation::AlgorithmPayload;
use super::publish_version::version;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::UserError;

/// A version to withdraw.
#[derive(InputObject)]
pub struct VersionWithdrawInput {
    /// The algorithm that it is a version of.
    pub algorithm_id: ID,
    /// A published version.
    pub version: String,
    /// Why, for those whose listeners it blocks; at most 500 characters.
    pub reason: Option<String>,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for VersionWithdrawInput {
    type Id = ();
    type Target = AlgorithmId;
    type Payload = AlgorithmPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, (): &()) -> Result<AlgorithmId, UserError> {
        arguments::id_in(&self.algorithm_id, id::algorithm, "algorithmId")
    }

    async fn run(&self, call: &Call<'_>, algorithm: &AlgorithmId) -> Result<Position, NotDone> {
        let command = WithdrawVersion {
            algorithm: algorithm.clone(),
            version: version(&self.version)?,
            reason: self.reason.clone(),
        };
        call.execute(&command).await
    }
}
