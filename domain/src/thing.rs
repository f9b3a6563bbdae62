//! The things that events are about.

use std::fmt;

use crate::envelope::StreamName;
use crate::grant::{GrantKey, Scope};
use crate::ids::{AlgorithmId, BrokerId, CommandId, ListenerId, PublisherId, TopicId, WorkerId};
use crate::name::OrganizationName;
use crate::version::Version;

/// Something that has a row and a history of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Thing {
    Organization(OrganizationName),
    Algorithm(AlgorithmId),
    Version(AlgorithmId, Version),
    Broker(BrokerId),
    Topic(TopicId),
    Grant(GrantKey),
    Listener(ListenerId),
    Publisher(PublisherId),
    Worker(WorkerId),
}

impl Thing {
    /// A word for its kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Organization(_) => "organization",
            Self::Algorithm(_) => "algorithm",
            Self::Version(..) => "version",
            Self::Broker(_) => "broker",
            Self::Topic(_) => "topic",
            Self::Grant(_) => "grant",
            Self::Listener(_) => "listener",
            Self::Publisher(_) => "publisher",
            Self::Worker(_) => "worker",
        }
    }

    /// Reads a kind and a key back; `None` where there is no such thing.
    #[must_use]
    pub fn parse(kind: &str, key: &str) -> Option<Self> {
        Some(match kind {
            "organization" => Self::Organization(key.parse().ok()?),
            "algorithm" => Self::Algorithm(key.parse().ok()?),
            "version" => {
                let (algorithm, version) = key.split_once('@')?;
                Self::Version(algorithm.parse().ok()?, version.parse().ok()?)
            }
            "broker" => Self::Broker(BrokerId(key.parse().ok()?)),
            "topic" => Self::Topic(key.parse().ok()?),
            "grant" => Self::Grant(GrantKey::parse(key)?),
            "listener" => Self::Listener(key.parse().ok()?),
            "publisher" => Self::Publisher(key.parse().ok()?),
            "worker" => Self::Worker(WorkerId(key.parse().ok()?)),
            _ => return None,
        })
    }

    /// The stream that holds its history; for some, among that of others.
    #[must_use]
    pub fn stream(&self) -> StreamName {
        match self {
            Self::Organization(name) => StreamName::organization(name),
            Self::Algorithm(id) | Self::Version(id, _) => StreamName::algorithm(id),
            Self::Broker(id) => StreamName::broker(*id),
            Self::Topic(id) => StreamName::topic(id),
            Self::Grant(key) => match &key.scope {
                Scope::Topic(topic) => StreamName::topic(&TopicId {
                    broker: key.broker,
                    topic: topic.clone(),
                }),
                Scope::Pattern(_) => StreamName::broker(key.broker),
            },
            Self::Listener(id) => StreamName::topic(&id.topic),
            Self::Publisher(id) => StreamName::topic(&id.topic),
            Self::Worker(id) => StreamName::worker(*id),
        }
    }

    /// The organization that it belongs to; brokers, topics and workers belong to none.
    #[must_use]
    pub fn organization(&self) -> Option<&OrganizationName> {
        match self {
            Self::Organization(name) => Some(name),
            Self::Algorithm(id) | Self::Version(id, _) => Some(&id.organization),
            Self::Grant(key) => Some(key.organization()),
            Self::Listener(id) => Some(&id.algorithm.organization),
            Self::Publisher(id) => Some(&id.algorithm.organization),
            Self::Broker(_) | Self::Topic(_) | Self::Worker(_) => None,
        }
    }

    /// Whether its stream holds nothing but its history.
    #[must_use]
    pub fn has_own_stream(&self) -> bool {
        match self {
            Self::Organization(_)
            | Self::Algorithm(_)
            | Self::Broker(_)
            | Self::Topic(_)
            | Self::Worker(_) => true,
            Self::Version(..) | Self::Grant(_) | Self::Listener(_) | Self::Publisher(_) => false,
        }
    }
}

/// What tells it from others of its kind.
impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization(name) => name.fmt(f),
            Self::Algorithm(id) => id.fmt(f),
            Self::Version(algorithm, version) => write!(f, "{algorithm}@{version}"),
            Self::Broker(id) => id.fmt(f),
            Self::Topic(id) => id.fmt(f),
            Self::Grant(key) => key.fmt(f),
            Self::Listener(id) => id.fmt(f),
            Self::Publisher(id) => id.fmt(f),
            Self::Worker(id) => id.fmt(f),
        }
    }
}

/// Something that has a stream of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    Organization(&'a OrganizationName),
    Algorithm(&'a AlgorithmId),
    Broker(&'a BrokerId),
    /// A topic's grants, listeners and publishers.
    Topic(&'a TopicId),
    Worker(&'a WorkerId),
    /// The cluster as a whole.
    Cluster,
    /// A command that had nothing to do.
    Command(&'a CommandId),
}

impl Subject<'_> {
    /// The thing itself; none where nothing shows it.
    #[must_use]
    pub fn thing(&self) -> Option<Thing> {
        Some(match *self {
            Self::Organization(name) => Thing::Organization(name.clone()),
            Self::Algorithm(id) => Thing::Algorithm(id.clone()),
            Self::Broker(id) => Thing::Broker(*id),
            Self::Topic(id) => Thing::Topic(id.clone()),
            Self::Worker(id) => Thing::Worker(*id),
            Self::Cluster | Self::Command(_) => return None,
        })
    }

    /// The stream that holds its events.
    #[must_use]
    pub fn stream(&self) -> StreamName {
        match self {
            Self::Organization(name) => StreamName::organization(name),
            Self::Algorithm(id) => StreamName::algorithm(id),
            Self::Broker(id) => StreamName::broker(**id),
            Self::Topic(id) => StreamName::topic(id),
            Self::Worker(id) => StreamName::worker(**id),
            Self::Cluster => StreamName::cluster(),
            Self::Command(id) => StreamName::command(**id),
        }
    }
}
