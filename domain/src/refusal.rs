//! Why a command was refused, in words that a person can act on.

use std::ops::RangeInclusive;

use crate::algorithm::because;
use crate::broker::BrokerKind;
use crate::flow::Cycle;
use crate::grant::Access;
use crate::ids::{AlgorithmId, JournalId, TopicId};
use crate::name::{BrokerName, NameError, OrganizationName, TopicName, UserName};
use crate::organization::Role;
use crate::version::{Version, VersionSelector};

/// How many topics a refusal names before it counts.
const NAMED: usize = 5;

/// A refusal is an answer, not an error: the command was understood and is not permitted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the organization {0} already exists")]
    OrganizationNameTaken(OrganizationName),
    #[error("there is no organization {0}")]
    UnknownOrganization(OrganizationName),
    #[error("{member} is already a member of {organization}, as {role}; change the role instead")]
    AlreadyMember {
        organization: OrganizationName,
        member: UserName,
        role: Role,
    },
    #[error("{member} is not a member of {organization}")]
    NotAMember {
        organization: OrganizationName,
        member: UserName,
    },
    #[error("{member} is the last owner of {organization}; add another owner first")]
    LastOwner {
        organization: OrganizationName,
        member: UserName,
    },
    #[error("the algorithm {0} already exists")]
    AlgorithmNameTaken(AlgorithmId),
    #[error("there is no algorithm {0}")]
    UnknownAlgorithm(AlgorithmId),
    #[error("the algorithm {0} is retired")]
    AlgorithmRetired(AlgorithmId),
    #[error(
        "the workers of this cluster decide in the journal {used}, and this one is {journal}: in two \
         journals messages would be decided twice"
    )]
    OtherJournal { journal: JournalId, used: JournalId },
    #[error("{algorithm} {version} is already published, and a version never changes")]
    VersionTaken {
        algorithm: AlgorithmId,
        version: Version,
    },
    #[error("no published version of {algorithm} matches {selector}")]
    UnknownVersion {
        algorithm: AlgorithmId,
        selector: VersionSelector,
    },
    #[error("{algorithm} {version} is withdrawn{}", because(reason.as_deref()))]
    VersionWithdrawn {
        algorithm: AlgorithmId,
        version: Version,
        reason: Option<String>,
    },
    #[error("{0} has no published version")]
    NothingPublished(AlgorithmId),
    #[error("a broker named {0} is already connected")]
    BrokerNameTaken(BrokerName),
    #[error("the broker has been disconnected")]
    BrokerGone,
    #[error("the broker could not be reached: {0}")]
    BrokerUnreachable(String),
    #[error("the broker uses no credential")]
    NoCredential,
    #[error("the replacement must be a different, connected broker")]
    ReplacementGone,
    #[error("{present} can only be replaced by {present}, not by {replacement}")]
    ReplacementOfAnotherKind {
        present: BrokerKind,
        replacement: BrokerKind,
    },
    #[error(
        "the replacement lacks {}; leave them behind, or create them first",
        listed(topics)
    )]
    TopicsMissing { topics: Vec<TopicName> },
    #[error("the broker has no topic {0}")]
    UnknownTopic(TopicName),
    #[error("{algorithm} has no {access} grant on {topic}")]
    NotGranted {
        topic: TopicId,
        algorithm: AlgorithmId,
        access: Access,
    },
    #[error("{algorithm} has no DEAD_LETTER or PUBLISH grant on {topic}")]
    DlqNotGranted {
        topic: TopicId,
        algorithm: AlgorithmId,
    },
    /// One change of a batch, by its index from 0.
    #[error("change {index}: {refusal}")]
    InBatch { index: usize, refusal: Box<Refusal> },
    #[error("duplicates change {first}")]
    DuplicateChange { first: usize },
    #[error("contradicts change {first}")]
    ContradictoryChange { first: usize },
    #[error("the listener is not enabled")]
    ListenerNotEnabled,
    #[error("the listener is already enabled; update it instead")]
    ListenerAlreadyEnabled,
    #[error(
        "the listener has never been enabled on {}, so it has no position there: set \
         settings.start to say where it begins", .0.topic
    )]
    StartRequired(TopicId),
    #[error("{kind} keeps no positions that a listener could start at: leave {field} out")]
    NothingToStartAt {
        kind: BrokerKind,
        field: &'static str,
    },
    #[error("{0} keeps no position that could be reset")]
    NoPosition(BrokerKind),
    #[error("the publisher is not enabled")]
    PublisherNotEnabled,
    #[error("the publisher is already enabled; update it instead")]
    PublisherAlreadyEnabled,
    #[error("messages would go round in a cycle: {path}; allow the cycle if that is intended")]
    FlowCycle { path: Cycle },
    #[error("{0} cannot be its own dead letter queue")]
    DlqIsSourceTopic(TopicName),
    #[error("{field} must be {rule}")]
    OutOfRange {
        field: &'static str,
        rule: &'static str,
    },
    /// A number, or how many there are.
    #[error("{field} must be {min} to {max}")]
    OutOfBounds {
        field: &'static str,
        min: u64,
        max: u64,
    },
    #[error("{limit}")]
    TooMany {
        field: &'static str,
        limit: &'static str,
    },
    /// More than fits an event.
    #[error("{field} takes {bytes} bytes, but at most {most} are allowed")]
    TooLarge {
        field: &'static str,
        bytes: usize,
        most: usize,
    },
    #[error("{0}")]
    BadName(#[from] NameError),
    #[error("{0}")]
    BadEndpoint(String),
}

impl Refusal {
    /// Refuses a number outside of what is allowed.
    pub(crate) fn unless_within(
        field: &'static str,
        value: u64,
        allowed: RangeInclusive<u64>,
    ) -> Result<(), Self> {
        let (min, max) = allowed.into_inner();
        if (min..=max).contains(&value) {
            return Ok(());
        }
        Err(Self::OutOfBounds { field, min, max })
    }
}

/// The first few topics, and how many more there are.
fn listed(topics: &[TopicName]) -> String {
    let named: Vec<&str> = topics.iter().take(NAMED).map(TopicName::as_str).collect();
    let named = named.join(", ");
    match topics.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
