//! What all mutations share: idempotency, refusals as user errors, reading one's own writes.

use async_graphql::{Context, Enum, Error, InputType, SimpleObject};
use domain::{Command, CommandId, CorrelationId, NameError, Position, Refusal, Revision};
use engine::{Failure, Outcome, Request};
use sha2::{Digest, Sha256};

use crate::control::{READ_YOUR_WRITES, control, principal};
use crate::error::{failure, read_failure};
use crate::id::IdError;
use crate::scalar;

/// The longest idempotency key, in bytes.
const LONGEST_KEY: usize = 200;

/// Something that the caller can act on. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub struct UserError {
    pub code: UserErrorCode,
    /// For people; may change.
    pub message: String,
    /// The argument that it is about.
    pub path: Option<Vec<String>>,
}

/// What a user error is about. Codes are added, never changed: keep a branch for unknown ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum UserErrorCode {
    NameTaken,
    VersionTaken,
    NotFound,
    UnknownVersion,
    NothingPublished,
    UnknownTopic,
    NotGranted,
    NotEnabled,
    AlreadyEnabled,
    DlqIsSourceTopic,
    ConnectionGone,
    BrokerUnreachable,
    /// No worker is there to look at the broker.
    NoWorker,
    BadName,
    BadId,
    BadEndpoint,
    OutOfRange,
    /// `expectedRevision` is not the present one.
    Conflict,
    /// The idempotency key was used before for something else.
    IdempotencyKeyReused,
}

impl UserError {
    pub(crate) fn new(code: UserErrorCode, message: impl Into<String>, path: &[&str]) -> Self {
        Self {
            code,
            message: message.into(),
            path: (!path.is_empty()).then(|| path.iter().map(|&part| part.to_owned()).collect()),
        }
    }

    pub(crate) fn bad_name(error: &NameError, path: &[&str]) -> Self {
        Self::new(UserErrorCode::BadName, error.to_string(), path)
    }

    pub(crate) fn bad_id(error: &IdError, path: &[&str]) -> Self {
        Self::new(UserErrorCode::BadId, error.to_string(), path)
    }
}

impl From<Refusal> for UserError {
    fn from(refusal: Refusal) -> Self {
        use UserErrorCode as C;
        let (code, field) = match &refusal {
            Refusal::OrganizationNameTaken(_)
            | Refusal::AlgorithmNameTaken(_)
            | Refusal::ConnectionNameTaken(_) => (C::NameTaken, Some("name")),
            Refusal::VersionTaken { .. } => (C::VersionTaken, Some("version")),
            Refusal::UnknownOrganization(_) => (C::NotFound, Some("organizationId")),
            Refusal::UnknownAlgorithm(_) => (C::NotFound, Some("algorithmId")),
            Refusal::UnknownVersion { .. } => (C::UnknownVersion, Some("version")),
            Refusal::NothingPublished(_) => (C::NothingPublished, Some("algorithmId")),
            Refusal::ConnectionGone => (C::ConnectionGone, None),
            Refusal::BrokerUnreachable(_) => (C::BrokerUnreachable, Some("kafka")),
            Refusal::UnknownTopic(_) => (C::UnknownTopic, None),
            Refusal::NotGranted { .. } => (C::NotGranted, Some("topicId")),
            Refusal::ListenerNotEnabled | Refusal::PublisherNotEnabled => (C::NotEnabled, None),
            Refusal::ListenerAlreadyEnabled | Refusal::PublisherAlreadyEnabled => {
                (C::AlreadyEnabled, None)
            }
            Refusal::DlqIsSourceTopic(_) => (C::DlqIsSourceTopic, Some("dlq")),
            Refusal::OutOfRange { field, .. } => (C::OutOfRange, Some(*field)),
            Refusal::BadName(_) => (C::BadName, None),
            Refusal::BadEndpoint(_) => (C::BadEndpoint, Some("endpoint")),
        };
        let path: Vec<&str> = field
            .into_iter()
            .flat_map(|field| std::iter::once("input").chain(field.split('.')))
            .collect();
        Self::new(code, refusal.to_string(), &path)
    }
}

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
        Outcome::Stale { actual } => UserError::new(
            UserErrorCode::Conflict,
            actual.map_or_else(
                || "nothing is there yet".to_owned(),
                |actual| format!("the revision is {actual} now"),
            ),
            &["input", "expectedRevision"],
        ),
        Outcome::KeyReused => UserError::new(
            UserErrorCode::IdempotencyKeyReused,
            "this key was used before for something else",
            &["input", "idempotencyKey"],
        ),
    };
    Ok(Err(error))
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
            pub user_errors: Vec<$crate::mutation::UserError>,
            /// The place in the log at which the effect is visible.
            pub position: Option<$crate::scalar::Position>,
        }

        impl $name {
            pub(crate) fn done(entity: Option<$entity>, position: domain::Position) -> Self {
                Self {
                    $field: entity,
                    user_errors: Vec::new(),
                    position: Some($crate::scalar::Position(position)),
                }
            }

            pub(crate) fn refused(error: $crate::mutation::UserError) -> Self {
                Self {
                    $field: None,
                    user_errors: vec![error],
                    position: None,
                }
            }
        }
    };
}

pub(crate) use payload;
