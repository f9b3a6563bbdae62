//! What all mutations share: idempotency, refusals as user errors, reading one's own writes.

use async_graphql::{Context, Error, InputType};
use domain::{Command, CommandId, CorrelationId, Envelope, Position, Revision};
use engine::{Failure, Outcome, Request};
use sha2::{Digest, Sha256};

use crate::control::{READ_YOUR_WRITES, control, principal};
use crate::error::{failure, read_failure};
use crate::event::Event;
use crate::scalar;
use crate::user_error::{UserError, UserErrorCode};

/// The longest idempotency key, in bytes.
const LONGEST_KEY: usize = 200;

/// The end of a mutation: done at a position, or a user error; a top-level error is a fault.
pub(crate) type Ended = Result<Result<Position, UserError>, Error>;

/// What every input carries beside its own fields.
pub(crate) struct Ticket<'a> {
    /// The mutation's name: a key given to two mutations is two commands.
    pub(crate) mutation: &'static str,
    pub(crate) idempotency_key: Option<&'a str>,
    pub(crate) expected_revision: Option<u64>,
    pub(crate) fingerprint: [u8; 32],
}

impl<'a> Ticket<'a> {
    pub(crate) fn new(
        mutation: &'static str,
        id: Option<&async_graphql::ID>,
        input: &impl InputType,
        idempotency_key: Option<&'a str>,
        expected_revision: Option<scalar::BigInt>,
    ) -> Self {
        let mut digest = Sha256::new();
        digest.update(mutation);
        digest.update([0]);
        digest.update(id.map_or("", |id| id.as_str()));
        digest.update([0]);
        digest.update(input.to_value().to_string());
        Self {
            mutation,
            idempotency_key,
            expected_revision: expected_revision.map(|revision| revision.0),
            fingerprint: digest.finalize().into(),
        }
    }

    /// The request that the engine remembers the command by.
    pub(crate) fn request(&self, ctx: &Context<'_>) -> Result<Request, UserError> {
        let engine = &control(ctx).engine;
        let principal = principal(ctx);
        let command = match self.idempotency_key {
            None => CommandId(engine.next_id()),
            Some(key) if (1..=LONGEST_KEY).contains(&key.len()) => {
                let actor = principal.actor.to_string();
                CommandId::of_key(&actor, &format!("{}:{key}", self.mutation))
            }
            Some(_) => {
                return Err(UserError::new(
                    UserErrorCode::OutOfRange,
                    "an idempotency key has 1 to 200 bytes",
                    &["input", "idempotencyKey"],
                ));
            }
        };
        Ok(Request {
            actor: principal.actor.clone(),
            command,
            fingerprint: self.fingerprint,
            correlation: CorrelationId(command.0),
            causation: None,
            client_address: principal.client_address.clone(),
            expected_revision: self.expected_revision.map(Revision),
        })
    }
}

/// Executes `command` and waits until the read models show it.
pub(crate) async fn execute<C: Command>(
    ctx: &Context<'_>,
    ticket: &Ticket<'_>,
    command: &C,
) -> Ended {
    let request = match ticket.request(ctx) {
        Ok(request) => request,
        Err(error) => return Ok(Err(error)),
    };
    let outcome = control(ctx).engine.execute(command, &request).await;
    end(ctx, outcome).await
}

/// The end of a mutation whose command came to `outcome`.
pub(crate) async fn end(ctx: &Context<'_>, outcome: Result<Outcome, Failure>) -> Ended {
    let error = match outcome.map_err(|cause| failure(&cause))? {
        Outcome::Accepted(accepted) => {
            control(ctx)
                .model
                .wait_for(accepted.position, READ_YOUR_WRITES)
                .await
                .map_err(|cause| read_failure(&cause))?;
            return Ok(Ok(accepted.position));
        }
        Outcome::Refused(refusal) => refusal.into(),
        Outcome::Stale { actual, since } => conflict(actual, since),
        Outcome::KeyReused => UserError::new(
            UserErrorCode::IdempotencyKeyReused,
            "this key was used before for something else",
            &["input", "idempotencyKey"],
        ),
    };
    Ok(Err(error))
}

fn conflict(actual: Option<Revision>, since: Vec<Envelope>) -> UserError {
    let message = actual.map_or_else(
        || "nothing is there yet".to_owned(),
        |actual| format!("the revision is {actual} now"),
    );
    let path = &["input", "expectedRevision"];
    UserError {
        changes: since.into_iter().map(Event).collect(),
        ..UserError::new(UserErrorCode::Conflict, message, path)
    }
}

/// Declares the payload of the mutations of one entity.
macro_rules! payload {
    ($(#[$doc:meta])* $name:ident { $field:ident: $entity:ty }) => {
        $(#[$doc])*
        #[derive(async_graphql::SimpleObject)]
        pub struct $name {
            /// As it is now; null when it is gone or the mutation was refused.
            pub $field: Option<$entity>,
            /// Why nothing was changed; empty when it was.
            pub user_errors: Vec<$crate::user_error::UserError>,
            /// What was done and deserves a second look.
            pub warnings: Vec<$crate::user_error::Warning>,
            /// The place in the log at which the effect is visible.
            pub position: Option<$crate::scalar::Position>,
        }

        impl $name {
            pub(crate) fn done(entity: Option<$entity>, position: domain::Position) -> Self {
                Self {
                    $field: entity,
                    user_errors: Vec::new(),
                    warnings: Vec::new(),
                    position: Some($crate::scalar::Position(position)),
                }
            }

            pub(crate) fn refused(error: $crate::user_error::UserError) -> Self {
                Self {
                    $field: None,
                    user_errors: vec![error],
                    warnings: Vec::new(),
                    position: None,
                }
            }
        }
    };
}

pub(crate) use payload;
