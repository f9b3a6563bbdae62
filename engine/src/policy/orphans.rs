//! The policy that ends what lost its grant or its connection.
//!
//! A listener needs a SUBSCRIBE grant and a connection that is alive, a publisher a PUBLISH
//! grant and such a connection, a grant such a connection.

use std::collections::{BTreeMap, HashMap};

use domain::grant::{Access, Revoke};
use domain::listener::DisableListener;
use domain::publisher::DisablePublisher;
use domain::topic::Topic;
use domain::{
    Actor, AlgorithmId, CommandId, ConnectionId, CorrelationId, Envelope, Event, EventId,
    ListenerId, PublisherId, State, TopicId, TopicName,
};
use uuid::Uuid;

use crate::execute::{Engine, Failure, Request};

/// The policy's name, as events show it.
const NAME: &str = "orphans";

/// What the policy knows of the log so far.
#[derive(Debug, Default)]
pub struct Orphans {
    topics: HashMap<ConnectionId, BTreeMap<TopicName, Topic>>,
    gone: HashMap<ConnectionId, Cause>,
    revoked: HashMap<(TopicId, AlgorithmId, Access), Cause>,
    orphans: BTreeMap<(TopicId, Orphan), Answer>,
}

/// The event that orphaned something, and the request it belongs to.
#[derive(Clone, Copy, Debug)]
struct Cause {
    event: EventId,
    correlation: CorrelationId,
}

/// Something on a topic that has lost what it stood on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Orphan {
    Listener(AlgorithmId),
    Publisher(AlgorithmId),
    Grant(AlgorithmId, Access),
}

/// A command that ends an orphan.
#[derive(Clone, Debug)]
pub struct Answer {
    topic: TopicId,
    orphan: Orphan,
    cause: Cause,
    /// The event at which it became an orphan: the same one after every restart.
    since: EventId,
}

impl Orphans {
    /// Takes one more event in.
    pub fn apply(&mut self, envelope: &Envelope, event: &Event) {
        let cause = Cause {
            event: envelope.id,
            correlation: envelope.meta.correlation,
        };
        if let Event::BrokerDisconnected(e) = event {
            self.gone.insert(e.connection, cause);
            let topics = self.topics.get(&e.connection);
            let names: Vec<TopicName> =
                topics.into_iter().flat_map(|t| t.keys().cloned()).collect();
            for topic in names {
                let connection = e.connection;
                self.review(&TopicId { connection, topic }, envelope.id);
            }
        } else if let Some(topic) = topic_of(event) {
            if let Event::TopicRevoked(e) = event {
                let key = (topic.clone(), e.algorithm.clone(), e.access);
                self.revoked.insert(key, cause);
            }
            self.topics
                .entry(topic.connection)
                .or_default()
                .entry(topic.topic.clone())
                .or_default()
                .apply(event);
            self.review(topic, envelope.id);
        }
    }

    /// What is out of order now, in a stable order.
    #[must_use]
    pub fn answers(&self) -> Vec<Answer> {
        self.orphans.values().cloned().collect()
    }

    /// Looks at one topic anew after the event `since`.
    fn review(&mut self, topic: &TopicId, since: EventId) {
        let found = self.find(topic);
        self.orphans
            .retain(|(at, orphan), _| at != topic || found.iter().any(|(o, _)| o == orphan));
        for (orphan, cause) in found {
            self.orphans
                .entry((topic.clone(), orphan.clone()))
                .or_insert(Answer {
                    topic: topic.clone(),
                    orphan,
                    cause,
                    since,
                });
        }
    }

    fn find(&self, id: &TopicId) -> Vec<(Orphan, Cause)> {
        let topics = self.topics.get(&id.connection);
        let Some(topic) = topics.and_then(|topics| topics.get(&id.topic)) else {
            return Vec::new();
        };
        let gone = self.gone.get(&id.connection);
        let cause = |algorithm: &AlgorithmId, access| {
            if let Some(gone) = gone {
                return Some(*gone);
            }
            let granted = topic.grants.contains(&(algorithm.clone(), access));
            let key = (id.clone(), algorithm.clone(), access);
            self.revoked.get(&key).filter(|_| !granted).copied()
        };
        let listeners = topic.listeners.keys().filter_map(|algorithm| {
            let cause = cause(algorithm, Access::Subscribe)?;
            Some((Orphan::Listener(algorithm.clone()), cause))
        });
        let publishers = topic.publishers.keys().filter_map(|algorithm| {
            let cause = cause(algorithm, Access::Publish)?;
            Some((Orphan::Publisher(algorithm.clone()), cause))
        });
        let grants = topic.grants.iter().filter_map(|(algorithm, access)| {
            let cause = *gone?;
            Some((Orphan::Grant(algorithm.clone(), *access), cause))
        });
        listeners.chain(publishers).chain(grants).collect()
    }
}

impl Answer {
    /// Ends the orphan. Doing it again changes nothing.
    ///
    /// # Errors
    /// The log cannot be read or appended to.
    pub async fn execute(&self, engine: &Engine) -> Result<(), Failure> {
        let request = self.request();
        let topic = self.topic.clone();
        let cause = Some(self.cause.event);
        match self.orphan.clone() {
            Orphan::Listener(algorithm) => {
                let listener = ListenerId { topic, algorithm };
                let command = DisableListener { listener, cause };
                engine.execute(&command, &request).await?;
            }
            Orphan::Publisher(algorithm) => {
                let publisher = PublisherId { topic, algorithm };
                let command = DisablePublisher { publisher, cause };
                engine.execute(&command, &request).await?;
            }
            Orphan::Grant(algorithm, access) => {
                let command = Revoke {
                    topic,
                    algorithm,
                    access,
                    cause,
                };
                engine.execute(&command, &request).await?;
            }
        }
        Ok(())
    }

    fn request(&self) -> Request {
        let what = match &self.orphan {
            Orphan::Listener(algorithm) => format!("listener {} {algorithm}", self.topic),
            Orphan::Publisher(algorithm) => format!("publisher {} {algorithm}", self.topic),
            Orphan::Grant(algorithm, access) => {
                format!("grant {} {algorithm} {access}", self.topic)
            }
        };
        Request {
            actor: Actor::Policy {
                name: NAME.to_owned(),
            },
            command: CommandId(Uuid::new_v5(&self.since.0, what.as_bytes())),
            fingerprint: [0; 32],
            correlation: self.cause.correlation,
            causation: Some(self.cause.event.0),
            client_address: None,
            expected_revision: None,
        }
    }
}

/// The topic whose stream an event belongs to.
fn topic_of(event: &Event) -> Option<&TopicId> {
    match event {
        Event::TopicGranted(e) => Some(&e.topic),
        Event::TopicRevoked(e) => Some(&e.topic),
        Event::ListenerEnabled(e) => Some(&e.listener.topic),
        Event::ListenerDisabled(e) => Some(&e.listener.topic),
        Event::PublisherEnabled(e) => Some(&e.publisher.topic),
        Event::PublisherDisabled(e) => Some(&e.publisher.topic),
        _ => None,
    }
}
