//! Retiring an algorithm.

use async_graphql::{ID, InputObject};
use domain::algorithm::RetireAlgorithm;
use domain::{AlgorithmId, Position};

use super::mutation::AlgorithmPayload;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::UserError;

/// An algorithm to retire.
#[derive(InputObject)]
pub struct AlgorithmRetireInput {
    /// The algorithm.
    pub algorithm_id: ID,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for AlgorithmRetireInput {
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
        let command = RetireAlgorithm {
            algorithm: algorithm.clone(),
        };
        call.execute(&command).await
    }
}
