//! Retiring an algorithm.

use async_graphql::{ID, InputObject};
use domain::algorithm::RetireAlgorithm;
use domain::{AlgorithmId, Position};

use super::mutation::AlgorithmPayload;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::UserError;

/// Options for retiring an algorithm.
#[derive(InputObject)]
pub struct AlgorithmRetireInput {
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for AlgorithmRetireInput {
    type Id = ID;
    type Target = AlgorithmId;
    type Payload = AlgorithmPayload;

    const FORBIDS: bool = true;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, id: &ID) -> Result<AlgorithmId, UserError> {
        arguments::id(id, id::algorithm)
    }

    async fn run(&self, call: &Call<'_>, algorithm: &AlgorithmId) -> Result<Position, NotDone> {
        let command = RetireAlgorithm {
            algorithm: algorithm.clone(),
        };
        call.execute(&command).await
    }
}
