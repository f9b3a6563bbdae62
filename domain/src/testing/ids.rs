//! Ids and permissions in short words.

use uuid::Uuid;

use crate::grant::{Access, Grantee, Permission};
use crate::{
    AlgorithmId, BrokerId, CredentialRef, EventId, JournalId, ListenerId, PublisherId, TopicId,
    WorkerId,
};

/// The worker, where one is enough.
pub const WORKER: WorkerId = WorkerId(Uuid::from_u128(7));
pub const JOURNAL: JournalId = JournalId(Uuid::from_u128(9));

/// The event that a policy answers.
pub const CAUSE: EventId = EventId(Uuid::from_u128(1));

/// What a test may write for a `T`: the thing itself, or a short word.
pub trait Means<T> {
    /// The thing that is meant.
    fn meant(self) -> T;
}

impl<T> Means<T> for T {
    fn meant(self) -> T {
        self
    }
}

impl<T: Clone> Means<T> for &T {
    fn meant(self) -> T {
        self.clone()
    }
}

impl<T> Means<T> for &String
where
    for<'a> &'a str: Means<T>,
{
    fn meant(self) -> T {
        self.as_str().meant()
    }
}

impl Means<AlgorithmId> for &str {
    fn meant(self) -> AlgorithmId {
        self.parse().unwrap()
    }
}

impl Means<BrokerId> for &str {
    fn meant(self) -> BrokerId {
        broker_id(self)
    }
}

impl Means<TopicId> for &str {
    fn meant(self) -> TopicId {
        topic_id(self)
    }
}

impl Means<ListenerId> for &str {
    fn meant(self) -> ListenerId {
        listener_id(self)
    }
}

impl Means<PublisherId> for &str {
    fn meant(self) -> PublisherId {
        publisher_id(self)
    }
}

impl Means<Permission> for Access {
    fn meant(self) -> Permission {
        to_score(self)
    }
}

/// The algorithm `acme/score`.
pub fn score() -> AlgorithmId {
    "acme/score".meant()
}

/// The first broker of a name.
pub fn broker_id(name: &str) -> BrokerId {
    BrokerId::of_name(&name.parse().unwrap(), 0)
}

/// A topic on the broker `main`.
pub fn topic_id(topic: &str) -> TopicId {
    topic_on("main", topic)
}

/// A topic on any broker.
pub fn topic_on(broker: impl Means<BrokerId>, topic: &str) -> TopicId {
    TopicId {
        broker: broker.meant(),
        topic: topic.parse().unwrap(),
    }
}

/// The listener of `acme/score` on a topic of the broker `main`.
pub fn listener_id(topic: &str) -> ListenerId {
    listener_of(score(), topic)
}

/// The listener of an algorithm on a topic.
pub fn listener_of(algorithm: impl Means<AlgorithmId>, topic: impl Means<TopicId>) -> ListenerId {
    ListenerId {
        topic: topic.meant(),
        algorithm: algorithm.meant(),
    }
}

/// The publisher of `acme/score` to a topic of the broker `main`.
pub fn publisher_id(topic: &str) -> PublisherId {
    publisher_of(score(), topic)
}

/// The publisher of an algorithm to a topic.
pub fn publisher_of(algorithm: impl Means<AlgorithmId>, topic: impl Means<TopicId>) -> PublisherId {
    PublisherId {
        topic: topic.meant(),
        algorithm: algorithm.meant(),
    }
}

/// What `acme/score` is permitted.
pub fn to_score(access: Access) -> Permission {
    to_algorithm(score(), access)
}

/// What an algorithm is permitted.
pub fn to_algorithm(algorithm: impl Means<AlgorithmId>, access: Access) -> Permission {
    Permission {
        grantee: Grantee::Algorithm(algorithm.meant()),
        access,
    }
}

/// What all algorithms of `acme` are permitted.
pub fn to_acme(access: Access) -> Permission {
    to_organization("acme", access)
}

/// What all algorithms of an organization are permitted.
pub fn to_organization(organization: &str, access: Access) -> Permission {
    Permission {
        grantee: Grantee::Organization(organization.parse().unwrap()),
        access,
    }
}

/// A version of the credential `vault/keys`.
pub fn credential(version: u32) -> CredentialRef {
    CredentialRef {
        name: "vault/keys".parse().unwrap(),
        version,
    }
}
