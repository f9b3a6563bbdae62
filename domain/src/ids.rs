//! Identifiers, each a type of its own.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::name::{AlgorithmName, BrokerName, NameError, OrganizationName, TopicName};

/// The namespace of every name-based identifier that eventflows derives.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f1d_9c1e_5b7a_4d0e_9f53_0d7c_3a51_e8b2);

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id!(
    /// One event in the log.
    EventId
);
uuid_id!(
    /// One command; appending the same command id again appends nothing.
    CommandId
);
uuid_id!(
    /// Everything that follows from one request.
    CorrelationId
);
uuid_id!(
    /// A broker.
    BrokerId
);
uuid_id!(
    /// A process that runs consumers.
    WorkerId
);
uuid_id!(
    /// A journal of runs.
    JournalId
);
uuid_id!(
    /// One message taken through one listener, or one direct call. Endpoints and publishers' topics
    /// see it.
    RunId
);

impl CommandId {
    /// The command that `actor` meant by `key`: the same key of the same actor is one command.
    #[must_use]
    pub fn of_key(actor: &str, key: &str) -> Self {
        Self(derive(&["command", actor, key]))
    }

    /// The id of one part of `command`, where its parts are recorded one by one.
    #[must_use]
    pub fn part(command: Self, part: u32) -> Self {
        Self(derive(&["part", &command.0.to_string(), &part.to_string()]))
    }
}

impl EventId {
    /// The id of the event at `index` of what `command` appends, so that a repeated append
    /// carries the same ids.
    #[must_use]
    pub fn of_command(command: CommandId, index: usize) -> Self {
        Self(Uuid::new_v5(&command.0, &index.to_be_bytes()))
    }
}

impl BrokerId {
    /// The `generation`th broker that bears `name`. The name decides the id, so two
    /// connected brokers cannot share a name: they would share a stream.
    #[must_use]
    pub fn of_name(name: &BrokerName, generation: u32) -> Self {
        Self(derive(&["broker", name.as_str(), &generation.to_string()]))
    }
}

/// An algorithm, written `organization/name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AlgorithmId {
    pub organization: OrganizationName,
    pub name: AlgorithmName,
}

impl fmt::Display for AlgorithmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.organization, self.name)
    }
}

impl TryFrom<String> for AlgorithmId {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl FromStr for AlgorithmId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (organization, name) = text.split_once('/').ok_or_else(|| {
            NameError::new("an algorithm", "must have the form organization/name")
        })?;
        Ok(Self {
            organization: organization.parse()?,
            name: name.parse()?,
        })
    }
}

impl From<AlgorithmId> for String {
    fn from(id: AlgorithmId) -> Self {
        id.to_string()
    }
}

/// A topic: its broker and its name there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TopicId {
    pub broker: BrokerId,
    pub topic: TopicName,
}

impl TopicId {
    /// Another topic of the same broker.
    #[must_use]
    pub fn sibling(&self, topic: &TopicName) -> Self {
        Self {
            broker: self.broker,
            topic: topic.clone(),
        }
    }
}

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.broker, self.topic)
    }
}

impl FromStr for TopicId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let malformed = || NameError::new("a topic's id", "must have the form broker/topic");
        let (broker, topic) = text.split_once('/').ok_or_else(malformed)?;
        Ok(Self {
            broker: BrokerId(broker.parse().map_err(|_| malformed())?),
            topic: topic.parse()?,
        })
    }
}

/// A listener: the topic it reads and the algorithm it feeds. It keeps its identity, and so its
/// position, through being disabled and enabled again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ListenerId {
    #[serde(flatten)]
    pub topic: TopicId,
    pub algorithm: AlgorithmId,
}

impl ListenerId {
    /// The consumer group that it reads with, and the namespace of its runs.
    ///
    /// The moment at which its broker was connected is part of it: two installations that
    /// use the same names on one Kafka must not share a group, or each would get half.
    #[must_use]
    pub fn group(&self, connected_at: Timestamp) -> Uuid {
        let connected_at = connected_at.as_microsecond().to_string();
        derive(&["listener", &self.to_string(), &connected_at])
    }
}

impl fmt::Display for ListenerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}", self.topic, self.algorithm)
    }
}

impl FromStr for ListenerId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (topic, algorithm) = topic_and_algorithm(text)?;
        Ok(Self { topic, algorithm })
    }
}

/// A publisher: the topic it writes and the algorithm whose results it takes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PublisherId {
    #[serde(flatten)]
    pub topic: TopicId,
    pub algorithm: AlgorithmId,
}

impl fmt::Display for PublisherId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}", self.topic, self.algorithm)
    }
}

impl FromStr for PublisherId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (topic, algorithm) = topic_and_algorithm(text)?;
        Ok(Self { topic, algorithm })
    }
}

fn topic_and_algorithm(text: &str) -> Result<(TopicId, AlgorithmId), NameError> {
    let (topic, algorithm) = text.split_once('|').ok_or_else(|| {
        NameError::new(
            "a listener's or publisher's id",
            "must have the form topic|algorithm",
        )
    })?;
    Ok((topic.parse()?, algorithm.parse()?))
}

/// A name-based identifier of `parts`; the unit separator keeps ("a", "bc") apart from ("ab", "c").
fn derive(parts: &[&str]) -> Uuid {
    Uuid::new_v5(&NAMESPACE, parts.join("\u{1f}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_and_generation_is_the_same_broker() {
        let name: BrokerName = "orders".parse().unwrap();
        assert_eq!(BrokerId::of_name(&name, 0), BrokerId::of_name(&name, 0));
        assert_ne!(BrokerId::of_name(&name, 0), BrokerId::of_name(&name, 1));
    }

    #[test]
    fn a_key_of_another_actor_is_another_command() {
        assert_ne!(CommandId::of_key("a", "bc"), CommandId::of_key("ab", "c"));
    }

    #[test]
    fn installations_with_the_same_names_have_groups_of_their_own() {
        let listener: ListenerId = format!("{}/orders|acme/score", Uuid::from_u128(1))
            .parse()
            .unwrap();
        let moment = Timestamp::UNIX_EPOCH;
        assert_eq!(listener.group(moment), listener.group(moment));
        let later = Timestamp::from_microsecond(1).unwrap();
        assert_ne!(listener.group(moment), listener.group(later));
    }

    #[test]
    fn a_listener_reads_back_as_it_was_written() {
        let listener = ListenerId {
            topic: TopicId {
                broker: BrokerId(Uuid::from_u128(1)),
                topic: "a/b.c".parse().unwrap(),
            },
            algorithm: "acme/score".parse().unwrap(),
        };
        assert_eq!(listener.to_string().parse(), Ok(listener));
        assert!("x|acme/score".parse::<ListenerId>().is_err());
    }

    #[test]
    fn derived_ids_never_change() {
        // Stored events and consumer groups carry these; another value would orphan them.
        let name: BrokerName = "orders".parse().unwrap();
        let broker = BrokerId::of_name(&name, 0);
        assert_eq!(broker.to_string(), "ea42581f-ed52-58a3-b3f9-4f60d5b95057");
    }
}
