//! What a mutation answers.

use async_graphql::Interface;

use super::Call;
use crate::algorithm::mutation::{AlgorithmPayload, VersionPayload};
use crate::broker::mutation::BrokerPayload;
use crate::event::undo::UndoPayload;
use crate::grant::mutation::{GrantPayload, GrantsPayload};
use crate::job::payload::BrokerJobPayload;
use crate::listener::mutation::ListenerPayload;
use crate::organization::mutation::OrganizationPayload;
use crate::publisher::mutation::PublisherPayload;
use crate::read_models::rebuild::ReadModelsRebuildPayload;
use crate::scalar::Position;
use crate::user_error::{UserError, Warning};
use crate::worker::mutation::WorkerPayload;

/// What every mutation answers, besides the thing that it is about.
#[expect(
    clippy::large_enum_variant,
    reason = "each is made once, for the answer"
)]
#[derive(Interface)]
#[graphql(
    name = "Payload",
    field(
        name = "user_errors",
        ty = "&Vec<UserError>",
        desc = "Why the mutation did nothing; empty if it succeeded. A mutation's description \
                lists its codes, besides those that any mutation has: `BAD_ID`, `OUT_OF_RANGE`, \
                `CONFLICT` and `IDEMPOTENCY_KEY_REUSED`."
    ),
    field(
        name = "warnings",
        ty = "&Vec<Warning>",
        desc = "What was done but deserves a second look."
    ),
    field(
        name = "position",
        ty = "&Option<Position>",
        desc = "The position of the mutation's last event; null if it was refused."
    )
)]
pub(crate) enum AnyPayload {
    Algorithm(AlgorithmPayload),
    Broker(BrokerPayload),
    BrokerJob(BrokerJobPayload),
    Grant(GrantPayload),
    Grants(GrantsPayload),
    Listener(ListenerPayload),
    Organization(OrganizationPayload),
    Publisher(PublisherPayload),
    ReadModels(ReadModelsRebuildPayload),
    Undo(UndoPayload),
    Version(VersionPayload),
    Worker(WorkerPayload),
}

/// What can be made of the end of a mutation.
pub(crate) trait Payload: Sized {
    type Entity;

    fn done(
        entity: Option<Self::Entity>,
        warnings: Vec<Warning>,
        position: domain::Position,
    ) -> Self;

    /// Nothing is done: it was refused for these reasons, or goes on as a job.
    fn not_done(user_errors: Vec<UserError>) -> Self;

    /// The same, once it is known which call it answers.
    fn of_call(self, _call: &Call<'_>) -> Self {
        self
    }
}

/// Declares the payload of the mutations of one entity.
macro_rules! payload {
    ($(#[$doc:meta])* $name:ident { $field:ident: $entity:ty }) => {
        #[derive(async_graphql::SimpleObject)]
        $(#[$doc])*
        pub struct $name {
            /// Its current state; null if it no longer exists, if the mutation was refused, or if
            /// it cannot be shown yet.
            pub $field: Option<$entity>,
            /// Why the mutation did nothing; empty if it succeeded.
            pub user_errors: Vec<$crate::user_error::UserError>,
            /// What was done but deserves a second look.
            pub warnings: Vec<$crate::user_error::Warning>,
            /// The position of the mutation's last event; null if it was refused.
            pub position: Option<$crate::scalar::Position>,
        }

        impl $crate::mutation::Payload for $name {
            type Entity = $entity;

            fn done(
                $field: Option<$entity>,
                warnings: Vec<$crate::user_error::Warning>,
                position: domain::Position,
            ) -> Self {
                Self {
                    $field,
                    user_errors: Vec::new(),
                    warnings,
                    position: Some($crate::scalar::Position(position)),
                }
            }

            fn not_done(user_errors: Vec<$crate::user_error::UserError>) -> Self {
                Self {
                    $field: None,
                    user_errors,
                    warnings: Vec::new(),
                    position: None,
                }
            }
        }
    };
}

pub(crate) use payload;
