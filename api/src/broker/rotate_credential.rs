//! Rotating the credential of a broker.

use async_graphql::{ID, InputObject};
use domain::broker::RotateCredential;
use domain::{BrokerId, Position};

use super::input::CredentialInput;
use super::mutation::BrokerPayload;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::UserError;

/// The credential to switch to.
#[derive(InputObject)]
pub struct BrokerCredentialRotateInput {
    /// What to use from now on; workers connect again with it.
    pub credential: CredentialInput,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for BrokerCredentialRotateInput {
    type Id = ID;
    type Target = BrokerId;
    type Payload = BrokerPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, id: &ID) -> Result<BrokerId, UserError> {
        arguments::id(id, id::broker)
    }

    async fn run(&self, call: &Call<'_>, broker: &BrokerId) -> Result<Position, NotDone> {
        let command = RotateCredential {
            broker: *broker,
            credential: self.credential.reference(&["input", "credential"])?,
        };
        call.execute(&command).await
    }
}
