//! Why a command was refused, in words that a person can act on.

use crate::grant::Access;
use crate::ids::{AlgorithmId, TopicId};
use crate::name::{ConnectionName, NameError, OrganizationName, TopicName};
use crate::version::{Version, VersionSelector};

/// A refusal is an answer, not an error: the command was understood and may not be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the organization {0} exists already")]
    OrganizationNameTaken(OrganizationName),
    #[error("there is no organization {0}")]
    UnknownOrganization(OrganizationName),
    #[error("the algorithm {0} exists already")]
    AlgorithmNameTaken(AlgorithmId),
    #[error("there is no algorithm {0}")]
    UnknownAlgorithm(AlgorithmId),
    #[error("{algorithm} {version} is published already, and a version never changes")]
    VersionTaken {
        algorithm: AlgorithmId,
        version: Version,
    },
    #[error("no published version of {algorithm} matches {selector}")]
    UnknownVersion {
        algorithm: AlgorithmId,
        selector: VersionSelector,
    },
    #[error("{0} has no published version yet")]
    NothingPublished(AlgorithmId),
    #[error("a broker connection named {0} is alive already")]
    ConnectionNameTaken(ConnectionName),
    #[error("the broker connection is gone")]
    ConnectionGone,
    #[error("the broker could not be reached: {0}")]
    BrokerUnreachable(String),
    #[error("the broker has no topic {0}")]
    UnknownTopic(TopicName),
    #[error("{algorithm} has no {access} grant on {topic}")]
    NotGranted {
        topic: TopicId,
        algorithm: AlgorithmId,
        access: Access,
    },
    #[error("the listener is not enabled")]
    ListenerNotEnabled,
    #[error("the listener is enabled already; change its version or its dead letter queue instead")]
    ListenerAlreadyEnabled,
    #[error("the publisher is not enabled")]
    PublisherNotEnabled,
    #[error("the publisher is enabled already; change its version instead")]
    PublisherAlreadyEnabled,
    #[error("{0} cannot be its own dead letter queue")]
    DlqIsSourceTopic(TopicName),
    #[error("{field} must be {rule}")]
    OutOfRange {
        field: &'static str,
        rule: &'static str,
    },
    #[error("{0}")]
    BadName(#[from] NameError),
    #[error("{0}")]
    BadEndpoint(String),
}
