//! Opaque global ids: a kind and a key, in base64.

use std::str::FromStr;

use async_graphql::ID;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::grant::GrantKey;
use domain::{
    AlgorithmId, BrokerId, ListenerId, OrganizationName, Position, PublisherId, Thing, TopicId,
    Version, WorkerId,
};

use crate::error::invalid;
use crate::job::JobId;
use crate::run::RunKey;

/// What a global id names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum GlobalId {
    Organization(OrganizationName),
    Algorithm(AlgorithmId),
    Version(AlgorithmId, Version),
    Broker(BrokerId),
    Topic(TopicId),
    Grant(GrantKey),
    Listener(ListenerId),
    Publisher(PublisherId),
    Worker(WorkerId),
    Run(RunKey),
    Event(Position),
    Job(JobId),
}

/// An id that names nothing, or another kind of thing than was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the id of {0}")]
pub struct IdError(pub &'static str);

impl GlobalId {
    /// The id of a thing.
    pub(crate) fn of(thing: Thing) -> Self {
        match thing {
            Thing::Organization(name) => Self::Organization(name),
            Thing::Algorithm(id) => Self::Algorithm(id),
            Thing::Version(algorithm, version) => Self::Version(algorithm, version),
            Thing::Broker(id) => Self::Broker(id),
            Thing::Topic(id) => Self::Topic(id),
            Thing::Grant(key) => Self::Grant(key),
            Thing::Listener(id) => Self::Listener(id),
            Thing::Publisher(id) => Self::Publisher(id),
            Thing::Worker(id) => Self::Worker(id),
        }
    }

    /// The thing that it names; `None` for an event, a run or a job.
    pub(crate) fn thing(self) -> Option<Thing> {
        Some(match self {
            Self::Organization(name) => Thing::Organization(name),
            Self::Algorithm(id) => Thing::Algorithm(id),
            Self::Version(algorithm, version) => Thing::Version(algorithm, version),
            Self::Broker(id) => Thing::Broker(id),
            Self::Topic(id) => Thing::Topic(id),
            Self::Grant(key) => Thing::Grant(key),
            Self::Listener(id) => Thing::Listener(id),
            Self::Publisher(id) => Thing::Publisher(id),
            Self::Worker(id) => Thing::Worker(id),
            Self::Run(_) | Self::Event(_) | Self::Job(_) => return None,
        })
    }

    /// The id as clients see it.
    #[must_use]
    pub fn encode(&self) -> ID {
        let text = match self {
            Self::Organization(name) => format!("Organization:{name}"),
            Self::Algorithm(id) => format!("Algorithm:{id}"),
            Self::Version(algorithm, version) => format!("Version:{algorithm}@{version}"),
            Self::Broker(id) => format!("Broker:{id}"),
            Self::Topic(id) => format!("Topic:{id}"),
            Self::Grant(key) => format!("Grant:{key}"),
            Self::Listener(id) => format!("Listener:{id}"),
            Self::Publisher(id) => format!("Publisher:{id}"),
            Self::Worker(id) => format!("Worker:{id}"),
            Self::Run(key) => format!("Run:{key}"),
            Self::Event(position) => format!("Event:{position}"),
            Self::Job(id) => format!("Job:{id}"),
        };
        ID(URL_SAFE_NO_PAD.encode(text))
    }

    /// Reads an id back; `None` where it is none of ours.
    #[must_use]
    pub fn decode(id: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (kind, key) = text.split_once(':')?;
        Some(match kind {
            "Organization" => Self::Organization(key.parse().ok()?),
            "Algorithm" => Self::Algorithm(key.parse().ok()?),
            "Version" => {
                let (algorithm, version) = key.split_once('@')?;
                Self::Version(algorithm.parse().ok()?, version.parse().ok()?)
            }
            "Broker" => Self::Broker(BrokerId(key.parse().ok()?)),
            "Topic" => Self::Topic(key.parse().ok()?),
            "Grant" => Self::Grant(GrantKey::parse(key)?),
            "Listener" => Self::Listener(key.parse().ok()?),
            "Publisher" => Self::Publisher(key.parse().ok()?),
            "Worker" => Self::Worker(WorkerId(key.parse().ok()?)),
            "Run" => Self::Run(key.parse().ok()?),
            "Event" => Self::Event(Position(u64::from_str(key).ok()?)),
            "Job" => Self::Job(key.parse().ok()?),
            _ => return None,
        })
    }
}

/// The key in an id of a query.
pub(crate) fn known<K>(id: &ID, decode: fn(&ID) -> Result<K, IdError>) -> async_graphql::Result<K> {
    decode(id).map_err(|error| invalid(error.to_string()))
}

macro_rules! decoder {
    ($function:ident, $variant:ident, $key:ty, $kind:literal) => {
        /// The key in an id of this kind.
        pub(crate) fn $function(id: &ID) -> Result<$key, IdError> {
            match GlobalId::decode(id) {
                Some(GlobalId::$variant(key)) => Ok(key),
                _ => Err(IdError($kind)),
            }
        }
    };
}

decoder!(
    organization,
    Organization,
    OrganizationName,
    "an organization"
);
decoder!(algorithm, Algorithm, AlgorithmId, "an algorithm");
decoder!(broker, Broker, BrokerId, "a broker");
decoder!(topic, Topic, TopicId, "a topic");
decoder!(grant, Grant, GrantKey, "a grant");
decoder!(listener, Listener, ListenerId, "a listener");
decoder!(publisher, Publisher, PublisherId, "a publisher");
decoder!(worker, Worker, WorkerId, "a worker");
decoder!(run, Run, RunKey, "a run");
decoder!(job, Job, JobId, "a job");

/// The key in an id of a version.
pub(crate) fn version(id: &ID) -> Result<(AlgorithmId, Version), IdError> {
    match GlobalId::decode(id) {
        Some(GlobalId::Version(algorithm, version)) => Ok((algorithm, version)),
        _ => Err(IdError("a version")),
    }
}

/// The position in an id of an event.
pub(crate) fn event(id: &ID) -> Result<Position, IdError> {
    match GlobalId::decode(id) {
        Some(GlobalId::Event(position)) => Ok(position),
        _ => Err(IdError("an event")),
    }
}

#[cfg(test)]
mod tests {
    use domain::grant::Access;
    use domain::run::Owner;
    use domain::testing::{WORKER, listener_id, publisher_id, score, to_acme, to_score, topic_id};

    use super::*;

    #[test]
    fn every_kind_of_id_reads_back() {
        let topic = topic_id("a/b");
        let ids = [
            GlobalId::Organization("acme".parse().unwrap()),
            GlobalId::Algorithm(score()),
            GlobalId::Version(score(), "1.0.0-rc.1+b".parse().unwrap()),
            GlobalId::Broker(topic.broker),
            GlobalId::Topic(topic.clone()),
            GlobalId::Grant(GrantKey::of_topic(&topic, &to_score(Access::Publish))),
            GlobalId::Grant(GrantKey::of_pattern(
                topic.broker,
                &"a/*".parse().unwrap(),
                &to_acme(Access::Subscribe),
            )),
            GlobalId::Listener(listener_id("a/b")),
            GlobalId::Publisher(publisher_id("a/b")),
            GlobalId::Worker(WORKER),
            GlobalId::Run(RunKey {
                owner: Owner::Listener(uuid::Uuid::from_u128(3)),
                number: 4,
            }),
            GlobalId::Run(RunKey {
                owner: Owner::DirectCallers(score()),
                number: 4,
            }),
            GlobalId::Event(Position(7)),
        ];
        for id in ids {
            assert_eq!(GlobalId::decode(&id.encode()), Some(id));
        }
    }

    #[test]
    fn an_id_of_another_kind_and_a_tampered_one_are_refused() {
        let organization = GlobalId::Organization("acme".parse().unwrap()).encode();
        assert_eq!(algorithm(&organization), Err(IdError("an algorithm")));
        for text in ["", "x", "!!!", "T3JnYW5pemF0aW9uOg"] {
            assert_eq!(GlobalId::decode(text), None, "{text:?}");
        }
    }
}
