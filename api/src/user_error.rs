//! What a mutation answers instead of doing it: refusals and bad input, each with a code and the
//! argument that it is about. And warnings, for what is done nevertheless.

use async_graphql::{Enum, SimpleObject};
use domain::flow::Cycle;
use domain::{NameError, Refusal, WorkerId};

use crate::event::Event;
use crate::id::IdError;
use crate::scalar::Revision;

/// Why a mutation did nothing; the caller can act on it.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub struct UserError {
    /// What it is about.
    pub code: UserErrorCode,
    /// A text for people; it may change.
    pub message: String,
    /// The path of the argument that it is about.
    pub path: Option<Vec<String>>,
    /// For `OUT_OF_RANGE`, if it is about a number or a count: what is allowed.
    pub bounds: Option<ValueBounds>,
    /// For `CONFLICT`: the current revision.
    pub revision: Option<Revision>,
    /// For `CONFLICT`: what changed since the expected revision, oldest first, at most 100.
    pub changes: Vec<Event>,
}

/// The smallest and the largest value that is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, SimpleObject)]
pub struct ValueBounds {
    /// The smallest.
    pub min: u32,
    /// The largest.
    pub max: u32,
}

/// What a user error is about. Codes are added over time: keep a branch for unknown ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum UserErrorCode {
    /// Something else has this name.
    NameTaken,
    /// The person is already a member, in another role.
    AlreadyMember,
    /// The person is not a member.
    NotAMember,
    /// An organization keeps its last owner.
    LastOwner,
    /// The version is already published.
    VersionTaken,
    /// The version is withdrawn.
    VersionWithdrawn,
    /// The algorithm is retired.
    AlgorithmRetired,
    /// What an id names does not exist.
    NotFound,
    /// No published version matches.
    UnknownVersion,
    /// The algorithm has no published version.
    NothingPublished,
    /// The broker has no such topic.
    UnknownTopic,
    /// The algorithm has no grant for the topic.
    NotGranted,
    /// The listener or publisher is not enabled.
    NotEnabled,
    /// The listener or publisher is already enabled.
    AlreadyEnabled,
    /// The listener has no position yet: say where it begins.
    StartRequired,
    /// The broker keeps no positions, so you cannot choose where a listener begins or goes on.
    NothingToStartAt,
    /// A listener cannot send faulty messages to the topic that it reads.
    DlqIsSourceTopic,
    /// Another change in the same batch is the same.
    DuplicateChange,
    /// Another change in the same batch does the opposite.
    ContradictoryChange,
    /// Messages would go round in a cycle.
    FlowCycle,
    /// The broker has been disconnected or replaced.
    BrokerGone,
    /// The broker uses no credential.
    NoCredential,
    /// The replacement is not another connected broker of the same kind.
    BadReplacement,
    /// The replacement lacks topics that are in use.
    TopicsMissing,
    /// A worker could not reach the broker.
    BrokerUnreachable,
    /// No worker is available to look at the broker.
    NoWorker,
    /// The worker speaks another version of the protocol than the server.
    UnsupportedProtocol,
    /// A name or version has a form that is not allowed.
    BadName,
    /// An id is malformed, or of another kind of thing.
    BadId,
    /// The endpoint is not a URL that can be called.
    BadEndpoint,
    /// An expression cannot be read, names what does not exist, or may do too much.
    BadExpression,
    /// A value is outside its bounds.
    OutOfRange,
    /// `expectedRevision` is not the current one.
    Conflict,
    /// The idempotency key was used before for something else.
    IdempotencyKeyReused,
    /// The event cannot be undone.
    NotUndoable,
}

/// Something that was done but deserves a second look.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub struct Warning {
    /// What it is about.
    pub code: WarningCode,
    /// A text for people; it may change.
    pub message: String,
    /// The path of the argument that it is about.
    pub path: Option<Vec<String>>,
}

/// What a warning is about. Codes are added over time: keep a branch for unknown ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum WarningCode {
    /// Messages go round in a cycle.
    FlowCycle,
    /// The mutation was done, at the payload's `position`, but the read models have not reached
    /// that position yet. Do not send it again; read the result later.
    NotShownYet,
    /// The original product's Python and C# clients do not accept `-` in the name of an
    /// organization, so they cannot call its algorithms.
    HyphenInName,
    /// The listener was enabled before: it goes on at its position, and
    /// `settings.start` applies only if that position is lost.
    GoesOnAtItsPosition,
    /// It is done and recorded, but it is not known whether all workers have stopped what it forbids.
    /// The message names those that have not said so.
    NotConfirmed,
    /// With the ordering `PARTITION`, a partition has one call at a time, so no more calls are made
    /// at once than there are partitions.
    ConcurrencyExceedsPartitions,
}

impl Warning {
    pub(crate) fn not_shown_yet() -> Self {
        Self {
            code: WarningCode::NotShownYet,
            message: "the mutation was done, but its result cannot be shown yet; read it later"
                .to_owned(),
            path: None,
        }
    }

    /// These workers have not said that they stopped what was forbidden; none where nobody could be
    /// asked.
    pub(crate) fn not_confirmed(workers: &[WorkerId]) -> Self {
        let names: Vec<_> = workers.iter().map(ToString::to_string).collect();
        let who = match names.is_empty() {
            true => "the workers' journal does not answer, so it is not known whether workers have"
                .to_owned(),
            false => format!(
                "these workers have not confirmed that they have: {}",
                names.join(", ")
            ),
        };
        Self {
            code: WarningCode::NotConfirmed,
            message: format!("it is done, but {who} stopped what it forbids"),
            path: None,
        }
    }

    pub(crate) fn hyphen_in_name() -> Self {
        Self {
            code: WarningCode::HyphenInName,
            message: "the original product's Python and C# clients cannot call algorithms of \
                      an organization with a `-` in its name"
                .to_owned(),
            path: Some(owned(&["input", "name"])),
        }
    }

    pub(crate) fn goes_on_at_its_position() -> Self {
        Self {
            code: WarningCode::GoesOnAtItsPosition,
            message: "the listener was enabled before and goes on at its position; \
                      settings.start applies only if that position is lost"
                .to_owned(),
            path: Some(owned(&["input", "settings", "start"])),
        }
    }

    pub(crate) fn concurrency_exceeds_partitions(partitions: u32) -> Self {
        Self {
            code: WarningCode::ConcurrencyExceedsPartitions,
            message: format!(
                "messages of a partition are handled one after the other, and the topic has \
                 {partitions}: no more calls are made at once"
            ),
            path: Some(owned(&["input", "settings", "concurrency"])),
        }
    }

    pub(crate) fn cycle(cycle: &Cycle) -> Self {
        Self {
            code: WarningCode::FlowCycle,
            message: format!("messages go round in a cycle: {cycle}"),
            path: Some(owned(&["input", "allowCycle"])),
        }
    }
}

fn owned(path: &[&str]) -> Vec<String> {
    path.iter().map(|&part| part.to_owned()).collect()
}

impl UserError {
    pub(crate) fn new(code: UserErrorCode, message: impl Into<String>, path: &[&str]) -> Self {
        Self {
            code,
            message: message.into(),
            path: (!path.is_empty()).then(|| owned(path)),
            bounds: None,
            revision: None,
            changes: Vec::new(),
        }
    }

    /// Names the argument where the refusal itself cannot tell it.
    pub(crate) fn or_about(mut self, path: &[&str]) -> Self {
        self.path.get_or_insert_with(|| owned(path));
        self
    }

    /// Puts what the path begins at in front of it.
    pub(crate) fn within(mut self, place: &[&str]) -> Self {
        self.path.get_or_insert_default().splice(0..0, owned(place));
        self
    }

    pub(crate) fn key_reused() -> Self {
        Self::new(
            UserErrorCode::IdempotencyKeyReused,
            "this key was used before for something else",
            &["input", "idempotencyKey"],
        )
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
        let (code, field) = about(&refusal);
        let message = refusal.to_string();
        let batch = match &refusal {
            Refusal::InBatch { index, .. } => Some(index.to_string()),
            _ => None,
        };
        let batch = batch.iter().flat_map(|index| ["changes", index.as_str()]);
        let inner = field.into_iter().flat_map(|field| field.split('.'));
        let mut path: Vec<&str> = batch.chain(inner).collect();
        if !path.is_empty() {
            path.insert(0, "input");
        }
        Self {
            bounds: ValueBounds::of(&refusal),
            ..Self::new(code, message, &path)
        }
    }
}

impl ValueBounds {
    /// What a refusal allows, where that is numbers.
    fn of(refusal: &Refusal) -> Option<Self> {
        let Refusal::OutOfBounds { min, max, .. } = refusal else {
            return None;
        };
        let [min, max] = [*min, *max].map(|bound| u32::try_from(bound).unwrap_or(u32::MAX));
        Some(Self { min, max })
    }
}

/// The code of a refusal, and the input's field that it is about.
fn about(refusal: &Refusal) -> (UserErrorCode, Option<&'static str>) {
    use UserErrorCode as C;
    match refusal {
        Refusal::OrganizationNameTaken(_)
        | Refusal::AlgorithmNameTaken(_)
        | Refusal::BrokerNameTaken(_) => (C::NameTaken, Some("name")),
        Refusal::AlreadyMember { .. } => (C::AlreadyMember, Some("member")),
        Refusal::NotAMember { .. } => (C::NotAMember, Some("member")),
        Refusal::LastOwner { .. } => (C::LastOwner, Some("member")),
        Refusal::AlgorithmRetired(_) => (C::AlgorithmRetired, Some("algorithmId")),
        Refusal::VersionWithdrawn { .. } => (C::VersionWithdrawn, Some("version")),
        // Of a command that only the server itself gives.
        Refusal::OtherJournal { .. } => (C::Conflict, None),
        Refusal::NoCredential => (C::NoCredential, None),
        Refusal::ReplacementGone | Refusal::ReplacementOfAnotherKind { .. } => {
            (C::BadReplacement, Some("replacementId"))
        }
        Refusal::TopicsMissing { .. } => (C::TopicsMissing, Some("replacementId")),
        Refusal::InBatch { refusal, .. } => about(refusal),
        Refusal::DuplicateChange { .. } => (C::DuplicateChange, None),
        Refusal::ContradictoryChange { .. } => (C::ContradictoryChange, None),
        Refusal::FlowCycle { .. } => (C::FlowCycle, Some("allowCycle")),
        Refusal::VersionTaken { .. } => (C::VersionTaken, Some("version")),
        Refusal::UnknownOrganization(_) => (C::NotFound, Some("organizationId")),
        Refusal::UnknownAlgorithm(_) => (C::NotFound, Some("algorithmId")),
        Refusal::UnknownVersion { .. } => (C::UnknownVersion, Some("version")),
        Refusal::NothingPublished(_) => (C::NothingPublished, Some("algorithmId")),
        Refusal::BrokerGone => (C::BrokerGone, None),
        Refusal::BrokerUnreachable(_) => (C::BrokerUnreachable, None),
        Refusal::UnknownTopic(_) => (C::UnknownTopic, None),
        Refusal::NotGranted { .. } => (C::NotGranted, Some("topicId")),
        Refusal::DlqNotGranted { .. } => (C::NotGranted, Some("dlq")),
        Refusal::ListenerNotEnabled | Refusal::PublisherNotEnabled => (C::NotEnabled, None),
        Refusal::ListenerAlreadyEnabled | Refusal::PublisherAlreadyEnabled => {
            (C::AlreadyEnabled, None)
        }
        Refusal::StartRequired(_) => (C::StartRequired, Some("settings.start")),
        Refusal::NothingToStartAt { field, .. } => (C::NothingToStartAt, Some(*field)),
        Refusal::NoPosition(_) => (C::NothingToStartAt, Some("to")),
        Refusal::DlqIsSourceTopic(_) => (C::DlqIsSourceTopic, Some("dlq")),
        Refusal::OutOfRange { field, .. }
        | Refusal::OutOfBounds { field, .. }
        | Refusal::TooMany { field, .. }
        | Refusal::TooLarge { field, .. } => (C::OutOfRange, Some(*field)),
        Refusal::BadName(_) => (C::BadName, None),
        Refusal::BadEndpoint(_) => (C::BadEndpoint, Some("endpoint")),
    }
}
