//! Registering an algorithm.

use async_graphql::{ID, InputObject};
use domain::algorithm::RegisterAlgorithm;
use domain::{AlgorithmId, Position};

use super::mutation::AlgorithmPayload;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, Once, Terms, arguments};
use crate::user_error::UserError;

/// An algorithm to register.
#[derive(InputObject)]
pub struct AlgorithmRegisterInput {
    /// The organization that owns it.
    pub organization_id: ID,
    /// Letters, digits, `_` and `-`, starting with a letter; at most 63 characters.
    pub name: String,
    /// For people; at most 1,000 characters.
    #[graphql(default)]
    pub description: String,
    #[graphql(flatten)]
    pub once: Once,
}

impl Mutation for AlgorithmRegisterInput {
    type Id = ();
    type Target = AlgorithmId;
    type Payload = AlgorithmPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, (): &()) -> Result<AlgorithmId, UserError> {
        Ok(AlgorithmId {
            organization: arguments::id_in(
                &self.organization_id,
                id::organization,
                "organizationId",
            )?,
            name: arguments::name_in(&self.name, "name")?,
        })
    }

    async fn run(&self, call: &Call<'_>, algorithm: &AlgorithmId) -> Result<Position, NotDone> {
        let command = RegisterAlgorithm {
            algorithm: algorithm.clone(),
            description: self.description.clone(),
        };
        call.execute(&command).await
    }
}
